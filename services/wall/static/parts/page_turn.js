// A view that is higher than the screen of a kiosk is shown in pages, each beginning with a part that is whole on it.

const EDGE_PX = 8; // so much below the screen is no page of its own

/**
 * Where the next page begins; null where what is left is on the screen. `tops` are where parts begin, from `top` on so
 * much as `height` is seen, and the view ends at `full`.
 */
export function nextTop(tops, top, height, full) {
  if (top + height >= full - EDGE_PX) return null;
  const further = tops.filter((each) => each > top + height / 3 && each <= top + height);
  // The last part that begins on this screen is cut, unless it is as high as a screen.
  return further.length ? Math.max(...further) : top + height;
}

/** Scroll to the next page of what is shown; false where there is none. */
export function turnPage() {
  const tops = [...document.querySelectorAll('main > *, .tile')].map((each) => each.getBoundingClientRect().top + scrollY);
  const next = nextTop(tops, scrollY, innerHeight, document.documentElement.scrollHeight);
  if (next !== null) scrollTo({ top: next, behavior: 'instant' });
  return next !== null;
}
