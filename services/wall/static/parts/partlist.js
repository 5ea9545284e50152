// The newest parts of a machine or line, each with its result and with what was measured beyond its limits.

import { html } from '../lib.js';
import { live } from '../live.js';
import { address, useAsk } from '../ask.js';
import { phrase } from '../words.js';
import { clock } from '../format.js';
import { link, refresh } from '../range.js';
import { Result } from './genealogy.js';
import { batchLink, partLink } from './part_search.js';

/** The list; where no machine reports parts nothing is shown, but `isShown` says so. */
export function PartList({ asset, range, zone, most = 12, go, isShown }) {
  const [parts, error] = useAsk(address('parts', { asset, from: range.from, to: range.to, limit: most }), { every: refresh(range), on: range.isLive ? (path, names) => 'count' in names && path.startsWith(asset) : undefined, soonest: 5_000 });
  if (!error && !parts?.length && !isShown) return null;
  return html`<section class="card stack"><h2><span>${phrase('parts.newest')}</span><a class="take" href=${link('/part')} onClick=${go.click}>${phrase('part.search')}</a></h2>
    ${error && html`<p class="trouble" role="status">${phrase('error', error.message)} · ${phrase('trying')}</p>`}
    ${parts?.length === 0 && html`<p class="beside">${phrase('parts.none')}</p>`}
    ${parts?.length > 0 && html`<div class="scroll" tabindex="0" role="region" aria-label=${phrase('parts.newest')}><table class="stops"><thead><tr>${['part.serial', 'part.result', 'product', 'part.reported', 'dev.machine', 'part.material'].map((name) => html`<th scope="col" key=${name}>${phrase(name)}</th>`)}</tr></thead>
      <tbody>${parts.map((each) => html`<tr key="${each.asset} ${each.serial}"><td><a class="num" href=${partLink(each.serial)} onClick=${go.click}>${each.serial}</a></td>
        <td><${Result} of=${each.result} />${each.outside.length ? html` <span class="t-down">${phrase('outside')}: ${each.outside.join(', ')}</span>` : ''}</td><td>${live.product(each.product)}</td><td>${clock(Date.parse(each.at), zone, { secs: true, date: true })}</td>
        <td><a href=${link(`/machine/${each.asset}`)} onClick=${go.click}>${live.title(each.asset)}</a></td><td>${each.material ? html`<a class="num" href=${batchLink(each.material)} onClick=${go.click}>${each.material}</a>` : ''}</td></tr>`)}</tbody></table></div>`}</section>`;
}
