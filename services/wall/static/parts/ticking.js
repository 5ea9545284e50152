// A text that time changes, such as an age: it alone is drawn again each second, not what stands around it.

import { html, useEffect, useState } from '../lib.js';

const TICK_MS = 1_000;
const ticking = new Set();
let timer = null;

function tickAll() {
  if (!document.hidden) ticking.forEach((each) => each());
}

/** One timer for all of them, as long as there are any; what it calls holds none of them in memory. */
function follow(tick) {
  ticking.add(tick);
  timer ??= setInterval(tickAll, TICK_MS);
  return () => {
    ticking.delete(tick);
    if (ticking.size) return;
    clearInterval(timer);
    timer = null;
  };
}

/** `text()` gives the text as it is now. */
export function Ticking({ text }) {
  const [, again] = useState(0);
  useEffect(() => follow(() => again((count) => count + 1)), []);
  return html`${text()}`;
}
