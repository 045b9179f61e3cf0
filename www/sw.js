// Keeps the page's own files, so that it opens without a network. Browsers take this from a script only. The build for
// publishing writes the version and the files into the next two lines; without them nothing is kept.
const VERSION = "";
const FILES = [];

// Caches belong to the origin. The page may be there several times, in folders of their own: each has its own caches.
const SCOPE = `faultscope-page-${new URL(registration.scope).pathname}@`;
const NAME = SCOPE + VERSION;
// Caches of versions before the folder was in the name.
const FORMER = /^faultscope-page-[0-9a-f]{8}-[0-9a-f]+$/;

addEventListener("install", event => {
  // A new version waits until no tab shows the old one: page and worker must be of one build.
  const keep = async () => (await caches.open(NAME)).addAll(FILES.map(file => new Request(file, { cache: "no-cache" })));
  event.waitUntil(VERSION ? keep() : skipWaiting());
});

addEventListener("activate", event => {
  const forget = async () => {
    const old = [];
    for (const name of await caches.keys()) {
      const former = FORMER.test(name) && (await (await caches.open(name)).match(registration.scope));
      if (former || (name.startsWith(SCOPE) && name !== NAME)) old.push(name);
    }
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
