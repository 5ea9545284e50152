// How the flows of material stand: which batches are on their way, which are late, and who waits for them.

import { html } from '../lib.js';
import { live } from '../live.js';
import { phrase } from '../words.js';
import { when } from '../format.js';
import { link } from '../range.js';
import { batchLink } from './part_search.js';

/** All flows, those with a late batch first. */
export function FlowStates({ flows, go }) {
  const sorted = [...flows].sort((one, other) => Number(other.on_the_way.some((each) => each.is_late)) - Number(one.on_the_way.some((each) => each.is_late)));
  return html`<section class="card stack"><h2>${phrase('flows')}</h2>
    <ul class="passes">${sorted.map((flow) => html`<li key=${flow.flow}><p class="split"><b>${flow.title}</b><small><${End} path=${flow.supplier} isOutside=${flow.is_from_outside} go=${go} /> → <${End} path=${flow.customer} go=${go} /></small></p><${Standing} flow=${flow} go=${go} /></li>`)}</ul></section>`;
}

const End = ({ path, isOutside, go }) => (isOutside ? `${live.title(path)} (${phrase('part.outside')})` : html`<a href=${link(`/line/${path}`)} onClick=${go.click}>${live.title(path.split('/')[0])} · ${live.title(path)}</a>`);

function Standing({ flow, go }) {
  const zone = live.zone(flow.customer);
  const now = live.now();
  const batch = (number) => html`<a class="num" href=${batchLink(number)} onClick=${go.click}>${number}</a>`;
  const at = (time) => when(Date.parse(time), zone, now);
  return html`${waits(flow) && html`<p class="t-wait"><b>${phrase('flows.waits')}</b></p>`}
    ${flow.on_the_way.map((each) => html`<p key=${each.number} class=${each.is_late ? 't-down' : ''}><b>${phrase(each.is_late ? 'flows.late' : 'flows.coming')}</b> ${batch(each.number)} · ${phrase(each.is_late ? 'flows.was-due' : 'flows.due', at(each.due))}</p>`)}
    ${flow.on_the_way.length === 0 && flow.arrived === '' && html`<p class="beside">${phrase('flows.none')}</p>`}
    ${flow.arrived && html`<p class="beside">${phrase('flows.arrived')} ${batch(flow.arrived)} · ${at(flow.arrived_at)}</p>`}`;
}

/** Whether a machine of the customer's stands still because this material is missing. */
const waits = (flow) => live.machines(flow.customer).some((machine) => live.fact(machine, 'state')?.reason === `no-${flow.flow}`);
