// What a total has in it that spoils it: the machines that are doubtful, silent, unmetered or simulated (the answer's
// `caveats`), or without a plan (the plan's `unplanned`), by name beside the figure.

import { html } from '../lib.js';
import { live } from '../live.js';
import { phrase } from '../words.js';

const KINDS = ['doubtful', 'silent', 'unmetered', 'simulated'];
const MOST = 2;

/** Which machines spoil a figure, by kind: [kind, machines]. */
export function spoiling(answer, name) {
  const all = (answer?.caveats ?? []).filter((each) => each.figures.includes(name));
  const by = (kind) => [...new Set(all.filter((each) => each.kind === kind).map((each) => each.machine))];
  return KINDS.map((kind) => [kind, by(kind)]).filter(([, machines]) => machines.length);
}

/** The machines that spoil a figure, a line a kind; `but` leaves kinds out that are shown already. */
export const Caveats = ({ answer, name, but = [] }) => spoiling(answer, name).filter(([kind]) => !but.includes(kind)).map(([kind, machines]) => html`<${Named} key=${kind} kind=${kind} machines=${machines} />`);

/** The machines whose pieces are left out, as they have no plan. */
export const Unplanned = ({ plan }) => (plan?.unplanned?.length ? html`<${Named} kind="unplanned" machines=${plan.unplanned} />` : '');

function Named({ kind, machines }) {
  const titles = machines.map((path) => live.title(path));
  const more = titles.length > MOST ? ` ${phrase('and.more', titles.length - MOST)}` : '';
  return html`<span class="but caveat" title=${titles.join(', ')}><b>${phrase(`caveat.${kind}`)}</b> ${titles.slice(0, MOST).join(', ')}${more}</span>`;
}
