// Starts the page's program. A file, because the page's policy forbids scripts inside the page.
import init from "../app.js";

// The workers' program is compiled beside the page's, and each worker gets it. Where that fails, workers compile it
// themselves, and say what is wrong.
globalThis.faultscopeEngine = WebAssembly.compileStreaming(fetch(new URL("../worker_bg.wasm", import.meta.url)))
  .catch(() => undefined);

await init();
