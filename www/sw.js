// Keeps the page's own files, so that it opens without a network. Browsers take this from a script only. The build for
// publishing writes the version and the files into the next two lines; without them nothing is kept.
const VERSION = "";
const FILES = [];

const NAME = `faultscope-page-${VERSION}`;

addEventListener("install", event => {
  // A new version waits until no tab shows the old one: page and worker must be of one build.
  const keep = async () => (await caches.open(NAME)).addAll(FILES.map(file => new Request(file, { cache: "no-cache" })));
  event.waitUntil(VERSION ? keep() : skipWaiting());
});

addEventListener("activate", event => {
  const forget = async () => {
    const old = (await caches.keys()).filter(name => name.startsWith("faultscope-page-") && name !== NAME);
    await Promise.all(old.map(name => caches.delete(name)));
  };
  event.waitUntil(forget());
});

addEventListener("fetch", event => {
  const { method, url } = event.request;
  if (!VERSION || method !== "GET" || new URL(url).origin !== location.origin) return;
  const answer = async () => {
    const cache = await caches.open(NAME);
    const kept = await cache.match(event.request, { ignoreSearch: true });
    if (kept) return kept;
    const fetched = await fetch(event.request);
    // The images of a network that was fetched; the network itself is kept by the page.
    if (fetched.ok && url.includes("/samples/")) await cache.put(event.request, fetched.clone());
    return fetched;
  };
  event.respondWith(answer());
});
