// A part's genealogy: what it is, the machines that it passed, where it came from and where it went; and a batch's parts.

import { html } from '../lib.js';
import { live } from '../live.js';
import { phrase } from '../words.js';
import { clock, number, plain, span, unit } from '../format.js';
import { link } from '../range.js';
import { batchLink, partLink } from './part_search.js';

const AROUND_MS = 10 * 60_000; // a machine's page is opened this long before and after it had the part
const MOST_ROWS = 500;

/** Everything of one part. */
export function Genealogy({ record, go }) {
  const { steps } = record;
  return html`<section class="card stack">
      <h2><span>${phrase('part.title', record.serial)}</span><span><${Line} path=${record.line} go=${go} /></span></h2>
      <p class="top big"><${Result} of=${record.result} /><span class="for">${[live.product(record.product), record.order && `${phrase('order')} ${record.order}`].filter(Boolean).join(' · ')}</span></p>
      <p class="beside">${[taken(record), phrase(steps.length === 1 ? 'part.machine' : 'part.machines', steps.length), energy(record)].filter(Boolean).join(' · ')}</p>
      <${Beyond} record=${record} /></section>
    <section class="card stack"><h2>${phrase('part.passed')}</h2>
      ${steps.length ? html`<ol class="passes">${steps.map((step) => html`<${Pass} key="${step.asset} ${step.to}" step=${step} go=${go} />`)}</ol>` : html`<p class="beside">${phrase('part.elsewhere')}</p>`}</section>
    <div class="two">
      <section class="card stack"><h2>${phrase('part.from')}</h2><${Origin} record=${record} go=${go} /></section>
      <section class="card stack"><h2>${phrase('part.to')}</h2><${Destination} record=${record} go=${go} /></section>
    </div>`;
}

/** A batch: its way, what is in it, and what was made from that. */
export function BatchGenealogy({ found, go }) {
  const { batch, holds, affects } = found;
  return html`<section class="card stack"><h2>${phrase('batch', batch.number)}</h2>
      <p class="top big"><b>${batch.title || batch.number}</b></p><${Way} batch=${batch} go=${go} /></section>
    <section class="card stack"><h2><span>${phrase('batch.affects')}</span><${Sums} members=${affects} /></h2><p class="beside">${phrase('batch.affects.text')}</p><${Members} members=${affects} name="batch.affects" go=${go} /></section>
    <section class="card stack"><h2><span>${phrase('batch.holds')}</span><${Sums} members=${holds} /></h2><${Members} members=${holds} name="batch.holds" go=${go} /></section>`;
}

/** The result of a part as a word; what is no good one stands out. */
export const Result = ({ of }) => html`<b class=${{ scrap: 't-down', rework: 't-wait' }[of] ?? ''}>${of ? phrase(`result.${of}`) : phrase('result.none')}</b>`;

/** The values that are beyond their limits, in one line at the top. */
function Beyond({ record }) {
  const wrong = record.steps.flatMap((step) => step.measurements.filter((one) => !one.within).map((one) => `${one.characteristic} (${step.title || live.title(step.asset)})`));
  return wrong.length ? html`<p class="t-down"><b>${phrase('outside')}:</b> ${[...new Set(wrong)].join(', ')}</p>` : '';
}

function Pass({ step, go }) {
  const zone = live.zone(step.asset);
  const [start, end] = [step.from && Date.parse(step.from), Date.parse(step.to)];
  const near = { from: String((start ?? end) - AROUND_MS), to: String(Math.min(end + AROUND_MS, Math.max(live.now(), end))) };
  return html`<li><p class="split"><a href=${link(`/machine/${step.asset}`, near)} onClick=${go.click} title=${phrase('part.then')}><b>${step.title || live.title(step.asset)}</b></a><${Result} of=${step.result} /></p>
    <p class="beside">${start ? `${at(step.from, zone)} – ${until(step.from, step.to, zone)} · ${span(end - start)}` : at(step.to, zone)}${step.energy_kwh === null ? '' : ` · ${number(step.energy_kwh)} kW·h`}</p>
    ${step.measurements.length > 0 && html`<ul class="measured">${step.measurements.map((one, place) => html`<${Measured} key="${one.characteristic} ${place}" one=${one} />`)}</ul>`}</li>`;
}

function Measured({ one }) {
  const limits = one.lower === null && one.upper === null ? '' : phrase('limits', one.lower === null ? '–' : plain(one.lower), one.upper === null ? '–' : plain(one.upper));
  return html`<li><span>${one.characteristic}</span><b class=${one.within ? '' : 't-down'}>${plain(one.value)} <small>${unit(one.unit)}</small></b><span class="beside">${limits}</span><span class="t-down">${one.within ? '' : phrase('outside')}</span></li>`;
}

function Origin({ record, go }) {
  const { material, source } = record;
  if (!material && !source) return html`<p class="beside">${phrase('part.from.none')}</p>`;
  return html`${material && html`<p>${phrase('part.material')} <a class="num" href=${batchLink(material.number)} onClick=${go.click}>${material.number}</a>${material.title ? ` · ${material.title}` : ''}</p><${Way} batch=${material} go=${go} />`}
    ${source && html`<ol class="passes">${ancestors(source).map((each) => html`<li key="${each.line} ${each.serial}"><p>${phrase('part.source')} <a class="num" href=${partLink(each.serial)} onClick=${go.click}>${each.serial}</a> · ${live.product(each.product)}</p>
      <p class="beside"><${Line} path=${each.line} go=${go} />${each.steps.length ? ` · ${[taken(each), energy(each)].filter(Boolean).join(' · ')}` : ` · ${phrase('part.elsewhere')}`}</p><${Beyond} record=${each} />${each.material && each.material.number !== record.material?.number ? html`<p class="beside">${phrase('part.material')} <a class="num" href=${batchLink(each.material.number)} onClick=${go.click}>${each.material.number}</a></p>` : ''}</li>`)}</ol>`}`;
}

function Destination({ record, go }) {
  const { batch, became } = record;
  if (!batch && !became.length) return html`<p class="beside">${phrase('part.to.none')}</p>`;
  return html`${batch && html`<p>${phrase('part.batch')} <a class="num" href=${batchLink(batch.number)} onClick=${go.click}>${batch.number}</a>${batch.title ? ` · ${batch.title}` : ''}</p><${Way} batch=${batch} go=${go} />`}
    ${became.length > 0 && html`<ul class="passes">${became.map((each) => html`<li key="${each.line} ${each.serial}"><p>${phrase('part.became')} <a class="num" href=${partLink(each.serial)} onClick=${go.click}>${each.serial}</a> · ${live.product(each.product)}</p><p class="beside"><${Line} path=${each.line} go=${go} /> · ${at(each.at, live.zone(each.line))}</p></li>`)}</ul>`}`;
}

/** From where to where a batch goes, and when it left and arrived. */
function Way({ batch, go }) {
  const zone = live.zone(batch.customer || batch.supplier);
  const times = [batch.shipped && phrase('batch.shipped', at(batch.shipped, zone)), batch.arrived ? phrase('batch.arrived', at(batch.arrived, zone)) : batch.shipped && phrase('batch.coming')].filter(Boolean);
  if (!batch.flow && !times.length) return null;
  return html`<p class="beside">${batch.flow && html`<${Line} path=${batch.supplier} go=${go} /> → <${Line} path=${batch.customer} go=${go} />`}${batch.flow && times.length ? ' · ' : ''}${times.join(' · ')}</p>`;
}

/** A line with its site; one that the plant does not describe is a supplier outside. */
function Line({ path, go }) {
  const title = `${live.title(path.split('/')[0])} · ${live.title(path)}`;
  return live.lines().includes(path) ? html`<a class="num" href=${link(`/line/${path}`)} onClick=${go.click}>${title}</a>` : `${title} (${phrase('part.outside')})`;
}

function Members({ members, name, go }) {
  if (!members.length) return html`<p class="beside">${phrase('batch.none')}</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${phrase(name)}><table class="stops"><thead><tr>${['part.serial', 'product', 'map.line', 'part.result', 'part.reported', 'part.source'].map((each) => html`<th scope="col" key=${each}>${phrase(each)}</th>`)}</tr></thead>
    <tbody>${members.slice(0, MOST_ROWS).map((one) => html`<tr key="${one.line} ${one.serial}"><td><a class="num" href=${partLink(one.serial)} onClick=${go.click}>${one.serial}</a></td><td>${live.product(one.product)}</td><td><${Line} path=${one.line} go=${go} /></td><td><${Result} of=${one.result} /></td><td>${at(one.at, live.zone(one.line))}</td><td>${one.source ? html`<a class="num" href=${partLink(one.source)} onClick=${go.click}>${one.source}</a>` : ''}</td></tr>`)}</tbody></table></div>
    ${members.length > MOST_ROWS && html`<p class="beside">${phrase('batch.more', number(members.length - MOST_ROWS))}</p>`}`;
}

/** How many parts there are, and how many of them are scrap or reworked. */
function Sums({ members }) {
  const of = (result) => members.filter((one) => one.result === result).length;
  const bad = ['scrap', 'rework'].filter((result) => of(result)).map((result) => ` · ${of(result)} ${phrase(result)}`);
  return html`<small>${phrase(members.length === 1 ? 'batch.part' : 'batch.parts', members.length)}${bad.join('')}</small>`;
}

const at = (time, zone) => clock(Date.parse(time), zone, { secs: true, date: true });

/** An end, with its date where that is another than the beginning's. */
const until = (from, to, zone) => (at(from, zone).split(',')[0] === at(to, zone).split(',')[0] ? clock(Date.parse(to), zone, { secs: true }) : at(to, zone));

/** From when to when, and how long: "28 Nov, 10:02:11 – 10:40:00 · 37 min". */
function taken({ from, to, line }) {
  const zone = live.zone(line);
  return from ? `${at(from, zone)} – ${until(from, to, zone)} · ${span(Date.parse(to) - Date.parse(from))}` : at(to, zone);
}

/** The electricity of a part, and with that of what it was made from. */
function energy(record) {
  if (record.energy_kwh === null) return phrase('part.unmetered');
  const before = ancestors(record.source).reduce((sum, each) => sum + (each.energy_kwh ?? 0), 0);
  return `${number(record.energy_kwh)} kW·h${before ? ` (${phrase('part.energy.all', `${number(record.energy_kwh + before)} kW·h`)})` : ''}`;
}

/** The part that something was made from, the one that that was made from, and so on. */
const ancestors = (source) => (source ? [source, ...ancestors(source.source)] : []);
