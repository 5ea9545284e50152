// A machine: how it stands and why, its order, OEE and its factors over the hour, shift, order and week, its ribbon,
// every signal, and what it counts, measures and alarms.

import { html, useState } from '../lib.js';
import { useLive } from '../live.js';
import { address, moves, useAsk, useNumbers } from '../ask.js';
import { phrase, phraseOr } from '../words.js';
import { age, clock, number, percent, pieces, seconds, span, unit, when } from '../format.js';
import { link, origin, rangeText } from '../range.js';
import { Axis, Legend, Ribbon, intervalsTo } from '../parts/ribbon.js';
import { StateWord } from '../states.js';
import { Pareto, SixLosses, WaterfallSteps } from '../parts/loss.js';
import { CannotBe, cannotBe } from '../parts/cannot.js';
import { noteOf, Notes, RATIOS, silence } from '../parts/figures.js';
import { Comparisons, Take } from '../parts/compare.js';
import { Signal } from '../parts/trace.js';
import { Handovers, OriginStrip, useOrigins } from '../parts/handover.js';
import { PartList } from '../parts/partlist.js';
import { partLink } from '../parts/part_search.js';
import { Why } from '../parts/why.js';
import { Frame } from '../parts/frame.js';
import { own } from '../own.js';

export function Machine({ path, range, go, bare }) {
  const live = useLive();
  const levels = path.split('/');
  const line = levels.slice(0, 3).join('/');
  const zone = live.zone(path);
  const now = live.now();
  const fine = live.ready;
  const known = live.facts.has(path);
  const on = range.isLive && moves(path);
  const [why, ask] = useState(null);
  const [answers, error] = useNumbers('kpi', fine && known && [path], range);
  const [plans] = useNumbers('plan', fine && known && [path], range);
  const answer = answers.get(path);
  const plan = plans.get(path);
  const from = plan ? Date.parse(plan.from) : null;
  const to = plan ? Date.parse(plan.to) : null;
  const [states] = useAsk(from && address('states', { asset: path, from: origin(range, from), to: range.isLive ? 'now' : to }), { every: range.isLive ? 60_000 : undefined });
  const [signals] = useAsk(from && address('telemetry', { asset: path, from: origin(range, from), to: range.isLive ? 'now' : to, points: 400 }), { every: range.isLive ? 180_000 : undefined });
  const origins = useOrigins(path, range, from, to);
  const text = rangeText(range, plan, zone);
  const crumbs = [[live.title(levels[0]), '/'], [live.title(line), `/line/${line}`], [live.title(path), '']];
  const neighbours = live.machines(line);
  const place = neighbours.indexOf(path);
  const right = neighbours.length > 1 && html`<span class="neighbours"><${Neighbour} live=${live} path=${neighbours.at(place - 1)} go=${go} mark="◀" word="prev" /><${Neighbour} live=${live} path=${neighbours[(place + 1) % neighbours.length]} go=${go} mark="▶" word="next" /></span>`;
  const ends = range.isLive && plan ? Math.max(Date.parse(plan.ends), now) : to;
  const until = range.isLive ? now : to;
  const zoom = (start, end) => go(link(location.pathname, { from: String(Math.round(start)), to: String(Math.round(end)) }));
  const facts = live.facts.get(path) ?? {};
  const history = states?.[0];
  const order = range.isLive && facts.job?.order ? String(facts.job.since) : null;
  const [ordered] = useAsk(order && address('kpi', { asset: path, from: order }), { every: 15_000, on, soonest: 2_000 });
  if (fine && !known) return html`<${Frame} crumbs=${crumbs} range=${range} window=${plan} text=${text} go=${go} zone=${zone} bare=${bare}><section class="card empty"><h2>${phrase('not.found', path)}</h2><p>${phrase('not.found.text')}</p></section><//>`;
  return html`<${Frame} crumbs=${crumbs} range=${range} window=${plan} text=${text} go=${go} zone=${zone} right=${right} bare=${bare} answers=${answers}>
    ${error && html`<p class="trouble" role="status">${phrase('error', error.message)} · ${phrase('trying')}</p>`}
    <div class="two">
      <section class="card stack">
        <${Standing} live=${live} path=${path} facts=${facts} now=${now} range=${range} history=${history?.states} zone=${zone} />
        <${Order} live=${live} facts=${facts} now=${now} answer=${ordered} isLive=${range.isLive} />
        <${Factors} path=${path} targets=${live.targets(path)} range=${range} answer=${answer} order=${order} ordered=${ordered} ask=${ask} />
      </section>
      ${why ? html`<${Why} key="${why.indicator} ${why.from}" about=${why} answer=${why.answer} close=${() => ask(null)} go=${go} />` : html`<section class="card stack"><h2>${phrase('line.waterfall')} · ${text}<${Take} href=${address('losses.csv', { asset: path, from: range.from, to: range.to })} /></h2>${answer && html`<${WaterfallSteps} answer=${answer} />`}<div class="two pair"><div class="stack"><h3>${phrase('line.six')}</h3><${SixLosses} answer=${answer} /></div><div class="stack"><h3>${phrase('line.pareto')}</h3><${Pareto} go=${go} answer=${answer} most=${6} /></div></div></section>`}
    </div>
    ${from && html`<section class="card stack"><div class="ribbons big"><span>${phrase('dev.state')}</span><${Ribbon} tall intervals=${intervalsTo(history?.states, path, until, range.isLive)} from=${from} ends=${ends} now=${until} zone=${zone} label=${live.title(path)} stops=${link(`/stops/${path}`)} go=${go} />
      <span>${phrase('order')}</span><${Orders} orders=${history?.orders ?? []} from=${from} ends=${ends} until=${until} zone=${zone} live=${live} />
      ${origins.length > 0 && html`<span>${phrase('handover.source')}</span><${OriginStrip} origins=${origins} from=${from} ends=${ends} until=${until} />`}
      <span></span><${Axis} from=${from} ends=${ends} zone=${zone} most=${10} /></div>${origins.length > 0 && html`<${Handovers} origins=${origins} zone=${zone} />`}<${Legend} /></section>`}
    <${Signals} live=${live} path=${path} facts=${facts} series=${signals} from=${from} ends=${range.isLive ? now : to} range=${range} zone=${zone} zoom=${zoom} />
    <div class="cards">
      <${Counts} facts=${facts} /><${Quality} facts=${facts} answer=${answer} go=${go} /><${Alarms} facts=${facts} now=${now} zone=${zone} /><${Meters} facts=${facts} /><${People} facts=${facts} />
    </div>
    ${from && html`<${PartList} asset=${path} range=${range} zone=${zone} go=${go} /><${Comparisons} path=${path} range=${range} to=${to} go=${go} />`}
    <${Notes} answer=${answer} />
  <//>`;
}

const Neighbour = ({ live, path, go, mark, word }) => html`<a href=${link(`/machine/${path}`)} onClick=${go.click} title="${phrase(word)}: ${live.title(path)}" aria-label="${phrase(word)}: ${live.title(path)}">${mark}</a>`;

function Standing({ live, path, facts, now, range, history, zone }) {
  const current = range.isLive ? facts.state : history?.length ? { state: history.at(-1)[2], reason: history.at(-1)[3], since: history.at(-1)[0] } : null;
  if (!current) return html`<p class="top"><span class="for">${phrase(range.isLive || history ? 'no.data' : 'loading')}</span></p>`;
  const reason = current.reason && phraseOr(`reason.${current.reason}`, live.reason(current.reason));
  const age = current.since === null ? current.of_unknown_age && phrase('unknown.age') : range.isLive ? span(now - current.since) : phrase('since', when(current.since, zone, now));
  const device = live.fact(path, 'state');
  return html`<p class="top big"><${StateWord} state=${current.state} /><span class="for">${[age, reason].filter(Boolean).join(' · ')}</span>
    ${device?.silent && range.isLive ? html`<span class="badge">${silence(device, now)}</span>` : ''}</p>`;
}

function Order({ live, facts, now, answer, isLive }) {
  const { job } = facts;
  if (!isLive) return null;
  if (!job?.order) return html`<p class="beside">${phrase('no.order')}</p>`;
  return html`<p class="beside">${phrase('order')} <b>${job.order}</b> ${live.product(job.product)}${job.planned && !answer ? ` · ${phrase('planned.pieces', pieces(job.planned))}` : ''}${job.ideal_cycle_s ? ` · ${phrase('ideal.cycle', seconds(job.ideal_cycle_s))}` : ''} · ${phrase('for', span(now - job.since))}${answer && job.planned ? html` · <b>${phrase('order.progress', pieces(answer.ledger.good), pieces(job.planned))}</b>` : ''}</p>
    ${answer && job.planned ? html`<svg class="bar" aria-hidden="true"><rect class="f-run" width="${Math.min(100, (100 * answer.ledger.good) / job.planned)}%" height="100%" rx="4" /></svg>` : ''}`;
}

const ROWS = [
  ['oee', (value) => `${percent(value)} %`], ['availability', (value) => `${percent(value)} %`], ['effectiveness', (value) => `${percent(value)} %`],
  ['quality_ratio', (value) => `${percent(value)} %`], ['setup_rate', (value) => `${percent(value)} %`], ['scrap_ratio', (value) => `${percent(value)} %`],
  ['mean_time_to_restoration', seconds], ['energy_per_good_piece', (value) => `${number(value)} kW·h`],
];
const NAMES = { mean_time_to_restoration: 'mttr', energy_per_good_piece: 'energy.piece' };

/** The table of indicators, a column a window. */
function Factors({ path, targets, range, answer, order, ordered, ask }) {
  const on = moves(path);
  const [hour] = useAsk(range.isLive && address('kpi', { asset: path, from: 'now-1h' }), { every: 10_000, on, soonest: 2_000 });
  const [shift] = useAsk(range.isLive && range.from !== 'shift' && address('kpi', { asset: path, from: 'shift' }), { every: 10_000, on, soonest: 2_000 });
  const [week] = useAsk(range.isLive && address('kpi', { asset: path, from: 'now-7d' }), { every: 60_000 });
  const columns = range.isLive
    ? [['window.hour', hour, 'now-1h'], ['window.shift', range.from === 'shift' ? answer : shift, 'shift'], ...(order ? [['window.order', ordered, order]] : []), ['window.week', week, 'now-7d'], ...(['shift', 'now-1h', 'now-7d'].includes(range.from) ? [] : [['window.range', answer, range.from]])]
    : [['window.range', answer, range.from]];
  const aimed = ROWS.filter(([indicator]) => indicator in targets);
  const pad = aimed.length > 0 && html`<td class="aim"></td>`;
  const late = (indicator, value) => indicator in targets && RATIOS.has(indicator) && value != null && value < targets[indicator];
  const because = (indicator, data, from, shown) => () => data && ask({ asset: path, indicator, from: data.from ?? from, to: data.to, shown, answer: data });
  return html`<div class="scroll"><table class="factors"><thead><tr><th scope="col">${phrase('oee.factors')}</th>${columns.map(([name]) => html`<th scope="col" key=${name}>${phrase(name)}</th>`)}${aimed.length > 0 && html`<th scope="col">${phrase('aim')}</th>`}</tr></thead>
    <tbody>${ROWS.filter(([indicator]) => columns.some(([, data]) => data && indicator in data.indicators && (data.indicators[indicator] !== null || indicator === 'oee' || indicator === 'availability'))).map(([indicator, write]) => html`<tr key=${indicator} class=${indicator === 'oee' ? 'first' : ''}><th scope="row">${phrase(NAMES[indicator] ?? indicator)}</th>${columns.map(([name, data, from]) => {
      const value = data?.indicators[indicator];
      const cannot = cannotBe(data, indicator);
      const shown = value === null || value === undefined ? '–' : write(value);
      if (cannot) return html`<td key=${name} class="hatched" title=${cannot.long}><button type="button" class="num" onClick=${because(indicator, data, from, shown)}>?</button></td>`;
      return html`<td key=${name} class=${late(indicator, value) ? 't-wait' : ''}>${data ? html`<button type="button" class="num" title=${value == null ? noteOf(data, indicator) : ''} onClick=${because(indicator, data, from, shown)}>${value == null ? phrase('no.data') : shown}</button>` : ''}</td>`;
    })}${aimed.length > 0 && html`<td class="aim">${indicator in targets ? write(targets[indicator]) : ''}</td>`}</tr>`)}
    <tr><th scope="row">${phrase('good')} · ${phrase('scrap')}</th>${columns.map(([name, data]) => html`<td key=${name}>${data ? `${pieces(data.ledger.good)} · ${pieces(data.ledger.scrap)}` : ''}</td>`)}${pad}</tr>
    <tr><th scope="row">${phrase('plan.now')}</th>${columns.map(([name, data]) => html`<td key=${name}>${data?.planned == null ? '–' : pieces(Math.round(data.planned))}</td>`)}${pad}</tr>
    <tr><th scope="row">${phrase('failures')}</th>${columns.map(([name, data]) => html`<td key=${name}>${data ? pieces(data.ledger.failures) : ''}</td>`)}${pad}</tr>
    <tr><th scope="row">${phrase('coverage')}</th>${columns.map(([name, data]) => html`<td key=${name} class=${data?.coverage < 0.95 ? 't-unknown hatched' : ''}>${data?.coverage == null ? '' : `${percent(data.coverage)} %`}</td>`)}${pad}</tr></tbody></table></div>
    <${CannotBe} answers=${columns.map(([, data]) => data)} names=${ROWS.map(([indicator]) => indicator)} />`;
}

function Orders({ orders, from, ends, until, zone, live }) {
  const merged = orders.reduce((list, each) => {
    const last = list.at(-1);
    if (last && last[2] === each[2] && each[0] - last[1] < 1000) last[1] = each[1];
    else list.push([...each]);
    return list;
  }, []);
  return html`<div class="orders">${merged.map(([start, end, order, product], place) => {
    const last = place === merged.length - 1 ? Math.max(end, until) : end;
    const wide = ((Math.min(last, ends) - Math.max(start, from)) / (ends - from)) * 100;
    return html`<span key=${start} title="${order} · ${live.product(product)}\n${clock(start, zone)} – ${clock(last, zone)}" style=${{ left: `${((Math.max(start, from) - from) / (ends - from)) * 100}%`, width: `${wide}%` }}>${wide > 6 ? order : ''}</span>`;
  })}</div>`;
}

function Signals({ live, path, facts, series, from, ends, range, zone, zoom }) {
  const declared = own(live.plant.signals, path) ?? {};
  const names = new Set([...Object.keys(declared), ...(series ?? []).map((each) => each.signal), ...Object.keys(facts).filter((name) => name.startsWith('signal/')).map((name) => name.slice(7))]);
  const reported = [...names].filter((name) => facts[`signal/${name}`] || series?.some((each) => each.signal === name && each.at.length));
  const place = (name) => (name in declared ? Object.keys(declared).indexOf(name) : 1e3);
  reported.sort((one, other) => place(one) - place(other) || (one < other ? -1 : 1));
  const bySignal = new Map((series ?? []).map((each) => [each.signal, each]));
  return html`<section class="card stack"><h2>${phrase('signals')}</h2>${reported.length === 0 ? html`<p class="beside">${phrase(series ? 'signal.none' : 'loading')}</p>` : html`<div class="signals">${from && reported.map((name) => html`<${Signal} key=${name} path=${path} name=${name} info=${own(declared, name)} series=${bySignal.get(name)} from=${from} ends=${ends} isLive=${range.isLive} zone=${zone} zoom=${zoom} />`)}</div>`}</section>`;
}

const named = (facts, kind) => Object.entries(facts).filter(([name]) => name.startsWith(`${kind}/`)).map(([name, value]) => [name.slice(kind.length + 1), value]);

function Counts({ facts }) {
  const { count } = facts;
  if (!count) return null;
  return html`<section class="card"><h2>${phrase('counts')}</h2><dl class="sums">${Object.entries(count).filter(([name]) => name !== 'at').map(([name, value]) => html`<dt>${phrase(name)}</dt><dd>${pieces(value)}</dd>`)}</dl><p class="beside">${phrase('as.counted')}</p></section>`;
}

function Quality({ facts, answer, go }) {
  const measured = named(facts, 'quality');
  if (!measured.length) return null;
  return html`<section class="card"><h2>${phrase('quality')}</h2>${measured.map(([name, fact]) => html`<div class="limits" key=${name}><p class="split"><span>${name}</span><b class=${outside(fact) ? 't-down' : ''}>${number(fact.value, 5)}<small> ${unit(fact.unit)}</small></b></p><${Limits} fact=${fact} /><${Capability} of=${answer?.capabilities.find((each) => each.characteristic === name)} /><p class="beside split"><span>${fact.part ? html`<a class="num" href=${partLink(fact.part)} onClick=${go.click}>${phrase('part', fact.part)}</a>` : ''}${outside(fact) ? ` · ${phrase('outside')}` : ''}</span><span>${fact.lower != null || fact.upper != null ? phrase('limits', fact.lower == null ? '–' : number(fact.lower, 5), fact.upper == null ? '–' : number(fact.upper, 5)) : ''}</span></p></div>`)}</section>`;
}

const Capability = ({ of }) => (of?.cpk == null ? '' : html`<p class="beside">${phrase('cpk')} <b class=${of.cpk < 1.33 ? 't-attention' : ''}>${number(of.cpk)}</b> · ${phrase('cpk.n', number(of.n))}</p>`);

const outside = (fact) => (fact.lower != null && fact.value < fact.lower) || (fact.upper != null && fact.value > fact.upper);

function Limits({ fact }) {
  if (fact.lower == null || fact.upper == null) return null;
  const size = fact.upper - fact.lower;
  const at = Math.min(Math.max((fact.value - fact.lower) / size, -0.2), 1.2);
  const x = (part) => `${((part + 0.25) / 1.5) * 100}%`;
  return html`<svg class="gauge" aria-hidden="true"><rect class="f-idle" x=${x(0)} width="${100 / 1.5}%" height="100%" /><rect class="mark faint" x=${x(0.5)} width="1" height="100%" /><rect class=${outside(fact) ? 'f-down' : 'mark'} x=${x(at)} width="3" height="100%" /></svg>`;
}

function Alarms({ facts, now, zone }) {
  const alarms = named(facts, 'alarm').sort((one, other) => Number(other[1].active) - Number(one[1].active) || other[1].at - one[1].at).slice(0, 8);
  return html`<section class="card"><h2>${phrase('alarms')}</h2>${alarms.some(([, fact]) => fact.active) ? '' : html`<p class="beside">${phrase('alarm.none')}</p>`}<ul class="alarms">${alarms.map(([code, fact]) => html`<li key=${code} class=${fact.active ? (fact.severity === 'alarm' ? 't-down' : fact.severity === 'warning' ? 't-wait' : '') : 'gone'}><b>${fact.active ? `${phrase(`severity.${fact.severity}`)} ` : ''}${code}</b> ${fact.text} <small>${when(fact.at, zone, now)}</small></li>`)}</ul></section>`;
}

function Meters({ facts }) {
  const meters = named(facts, 'meter');
  if (!meters.length) return null;
  return html`<section class="card"><h2>${phrase('meters')}</h2><dl class="sums">${meters.map(([name, fact]) => html`<dt>${name.replaceAll('-', ' ')}</dt><dd>${number(fact.total, 6)}<small> ${unit(fact.unit)}</small></dd>`)}</dl></section>`;
}

function People({ facts }) {
  const materials = named(facts, 'material');
  if (!facts.labour && !materials.length) return null;
  return html`<section class="card">${facts.labour && html`<h2>${phrase('people')}</h2><p>${phrase('present', number(facts.labour.present))}${facts.labour.working == null ? '' : ` · ${phrase('working', number(facts.labour.working))}`}</p>`}
    ${materials.length > 0 && html`<h2>${phrase('materials')}</h2><dl class="sums">${materials.map(([name, fact]) => html`<dt>${name.replaceAll('-', ' ')}</dt><dd>${fact.stock == null ? '' : `${number(fact.stock)} ${unit(fact.unit)} ${phrase('stock')}`}${fact.consumed == null ? '' : html`<small> ${number(fact.consumed)} ${unit(fact.unit)} ${phrase('consumed')}</small>`}</dd>`)}</dl>`}</section>`;
}
