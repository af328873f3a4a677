// @ts-check
// What modules of the page look at when they are loaded, where there is no browser.
Object.assign(globalThis, {
  location: { hash: '' },
  addEventListener: () => undefined,
  history: { pushState: () => undefined, replaceState: () => undefined },
  matchMedia: () => ({ matches: false, addEventListener: () => undefined }),
});
