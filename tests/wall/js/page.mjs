// What a page gives the wall's modules when they are loaded: an address, a language, a document. Nothing is drawn.

globalThis.location = new URL('http://wall.example/?lang=en');
Object.defineProperty(globalThis, 'navigator', { value: { language: 'en-GB' }, configurable: true });
globalThis.document = { documentElement: { dataset: {} }, hidden: false, addEventListener() {} };

const start = globalThis.setInterval;
globalThis.setInterval = (...given) => start(...given).unref(); // the watch of the stream does not keep the test waiting

/** Look at another address. */
export const visit = (address) => {
  globalThis.location = new URL(address, 'http://wall.example');
};
