// Which stops a list shows, and in which order: worked out without drawing.

/** In an address: stops without a reason. */
export const NONE = '-';

/** The reasons of some stops, those that cost most first. */
export function reasonsOf(stops) {
  const lost = new Map();
  for (const { reason, seconds } of stops) lost.set(reason, (lost.get(reason) ?? 0) + seconds);
  return [...lost].sort((one, other) => other[1] - one[1]).map(([reason]) => reason);
}

/**
 * The stops that are chosen: for one reason (`-` for none, null for any), of one machine, with a text in what is shown
 * of them; sorted by a column, `-` before its name for the greatest first.
 */
export function shownStops(stops, { reason, machine, text, sort }, words) {
  const wanted = text.trim().toLowerCase();
  const shown = stops.filter((each) => (reason === null || each.reason === (reason === NONE ? '' : reason)) && (!machine || each.asset === machine) && (!wanted || words(each).toLowerCase().includes(wanted)));
  const column = sort.replace(/^-/, '');
  const turn = sort.startsWith('-') ? -1 : 1;
  const key = (each) => (column === 'seconds' ? each.seconds : String(each[column] ?? ''));
  return shown.sort((one, other) => turn * (key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0));
}
