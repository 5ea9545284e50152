// A page counts as loaded once it shows numbers: what prints or photographs it right after its load event, as
// `chromium --print-to-pdf` does, has them too.

const LONGEST_MS = 10_000; // a wall that cannot be asked shows that instead
const SETTLED_LOOKS = 3; // an answer that was drawn may lead to another question
const EACH_MS = 50;

/** Hold the load event back until `isDrawn()` has been true for a moment. */
export function holdLoad(isDrawn) {
  // A document within this one that has been opened and not closed yet keeps this one from being loaded.
  const frame = document.createElement('iframe');
  frame.hidden = true;
  document.body.append(frame);
  frame.contentDocument.open();
  const from = performance.now();
  let looks = 0;
  const look = () => {
    looks = isDrawn() ? looks + 1 : 0;
    if (looks < SETTLED_LOOKS && performance.now() - from < LONGEST_MS) {
      setTimeout(look, EACH_MS);
      return;
    }
    frame.contentDocument.close();
    frame.remove();
  };
  look();
}
