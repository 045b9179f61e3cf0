// Starts the page's program. A file, because the page's policy forbids scripts inside the page.
import init from "../app.js";

await init();
