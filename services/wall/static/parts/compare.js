// Comparisons: the same range by product, by shift (each of each day, and all of a name) or by order, a row each, with a
// bar of its OEE. A name leads to the time in which it was on last.

import { html } from '../lib.js';
import { live } from '../live.js';
import { address, useAsk } from '../ask.js';
import { phrase } from '../words.js';
import { percent, pieces, weekday } from '../format.js';
import { link } from '../range.js';
import { CannotBe } from './cannot.js';
import { headline } from './figures.js';

const WEEK_MS = 7 * 86_400_000;
const MOST = 12;
const RATIOS = ['availability', 'effectiveness', 'quality_ratio'];

/** The week up to the end of a range, compared in four ways. */
export function Comparisons({ path, range, to, go }) {
  const asked = range.isLive ? { from: 'now-7d' } : { from: to - WEEK_MS, to };
  return html`<div class="cards three">${['product', 'shift', 'shift-name', 'order'].map((by) => html`<${Comparison} key=${by} by=${by} path=${path} asked=${asked} isLive=${range.isLive} go=${go} />`)}</div>`;
}

function Comparison({ by, path, asked, isLive, go }) {
  const [answers, error] = useAsk(address('kpi', { asset: path, by, ...asked }), { every: isLive ? 60_000 : undefined });
  const named = (answers ?? []).filter((each) => by === 'order' || by === 'shift' || each.group.name !== '-');
  // The newest shifts first, without those of which nothing is known.
  const rows = (by === 'shift' ? named.filter((each) => each.coverage || each.ledger.produced).reverse() : named).slice(0, MOST);
  const partly = rows.map((each) => headline(each, 'oee')).find((each) => each.partly);
  if (!error && !rows.length) return null; // nothing to compare
  return html`<section class="card stack"><h2>${phrase(`by.${by}`)}<${Take} href=${address('kpi.csv', { asset: path, by, ...asked })} /></h2>
    ${error ? html`<p class="trouble">${phrase('error', error.message)}</p>` : html`<div class="scroll"><table class="compare"><thead><tr><th scope="col">${phrase(by)}</th><th scope="col">${phrase('oee')}</th>${RATIOS.map((name) => html`<th scope="col" key=${name} title=${phrase(name)}>${phrase(`${name}.short`)}</th>`)}<th scope="col">${phrase('good')}</th><th scope="col">${phrase('scrap')}</th></tr></thead>
      <tbody>${rows.map((each) => html`<${Row} key="${each.group.name} ${each.group.from}" each=${each} by=${by} go=${go} />`)}</tbody></table></div>`}
    <${CannotBe} answers=${rows} names=${['oee', ...RATIOS]} />
    ${partly ? html`<p class="beside t-attention" title=${partly.tip}>${phrase('without.short', partly.names)}</p>` : ''}</section>`;
}

function Row({ each, by, go }) {
  const { name, from, to } = each.group;
  const { value: oee, cannot } = headline(each, 'oee');
  const changes = { from: String(Date.parse(from)), to: String(Date.parse(to)) };
  const title = by === 'product' ? live.product(name) : by === 'shift' ? shiftName(each.group) : name;
  return html`<tr><th scope="row"><a class="num" href=${link(location.pathname, changes)} onClick=${go.click} title=${phrase(`by.${by}.link`)}>${title}</a></th>
    <td class="barred ${cannot ? 'hatched' : ''}" title=${cannot?.long}><b>${cannot ? '?' : oee == null ? '–' : percent(oee)}</b><svg class="bar" aria-hidden="true"><rect class="f-productive" width="${cannot ? 0 : Math.min(100, 100 * Math.max(0, oee ?? 0))}%" height="100%" rx="2" /></svg></td>
    ${RATIOS.map((ratio) => html`<${Ratio} key=${ratio} of=${headline(each, ratio)} />`)}<td>${pieces(each.good_output ?? each.ledger.good)}</td><td>${pieces(each.ledger.scrap)}</td></tr>`;
}

/** "Tue 24 Nov early": the production day and the shift; outside any, just that. */
const shiftName = ({ day, name }) => (day ? `${weekday(day)} ${name}` : phrase('no.shift'));

const Ratio = ({ of }) => (of.cannot ? html`<td class="hatched" title=${of.cannot.long}>?</td>` : html`<td>${percent(of.value)}</td>`);

/** A table to take away. */
export const Take = ({ href }) => html`<a class="take" href=${href} download>${phrase('as.csv')}</a>`;
