// A line: drawn as it flows, the states of its machines on one time axis, hour by hour against plan, where the time
// went, and what cost most.

import { html, useState } from '../lib.js';
import { useLive } from '../live.js';
import { address, listed, moves, useAsk, useNumbers } from '../ask.js';
import { phrase, phraseOr } from '../words.js';
import { clock, difference, number, percent, pieces, plain, span } from '../format.js';
import { link, origin, rangeText } from '../range.js';
import { Axis, Legend, Ribbon, intervalsTo } from '../parts/ribbon.js';
import { categoryOf, StateWord } from '../states.js';
import { InMachineTime, lossName, lostTime, Pareto, SixLosses, topLoss, WaterfallSteps } from '../parts/loss.js';
import { Figure, GoodPieces, Notes, Ratio } from '../parts/figures.js';
import { cannotBe } from '../parts/cannot.js';
import { Caveats, Unplanned } from '../parts/caveats.js';
import { Comparisons, Take } from '../parts/compare.js';
import { PartList } from '../parts/partlist.js';
import { Why } from '../parts/why.js';
import { Frame } from '../parts/frame.js';
import { own } from '../own.js';

export function Line({ path, range, go, bare }) {
  const live = useLive();
  const [site] = path.split('/');
  const zone = live.zone(path);
  const machines = live.machines(path);
  const known = machines.length > 0;
  const now = live.now();
  const [why, ask] = useState(null);
  const query = (what, assets) => live.ready && known && address(what, { asset: assets, from: range.from, to: range.to });
  const [answer, error] = useNumbers('kpi', live.ready && known && [path, ...machines], range);
  const [plans] = useNumbers('plan', live.ready && known && [path], range);
  const plan = plans.get(path);
  const from = plan ? Date.parse(plan.from) : null;
  const to = plan ? Date.parse(plan.to) : null;
  const ends = range.isLive && plan ? Math.max(Date.parse(plan.ends), now) : to;
  const until = range.isLive ? now : to;
  const [states] = useAsk(from && address('states', { asset: path, from: origin(range, from), to: range.isLive ? 'now' : to }), { every: range.isLive ? 60_000 : undefined });
  const [bottleneck] = useAsk(query('bottleneck', path), { every: range.isLive ? 30_000 : undefined });
  const history = new Map((states ?? []).map((each) => [each.asset, each.states]));
  const text = rangeText(range, plan, zone);
  const crumbs = [[live.title(site), '/'], [live.title(path), '']];
  if (live.ready && !known) return html`<${Frame} crumbs=${crumbs} range=${range} window=${plan} text=${text} go=${go} zone=${zone} bare=${bare}><section class="card empty"><h2>${phrase('not.found', path)}</h2><p>${phrase('not.found.text')}</p></section><//>`;
  const whole = answer.get(path);
  const targets = live.targets(path);
  const download = (what, more = {}) => address(`${what}.csv`, { asset: path, from: range.from, to: range.to, ...more });
  return html`<${Frame} crumbs=${crumbs} range=${range} window=${plan} text=${text} go=${go} zone=${zone} bare=${bare} answers=${answer}>
    ${error && html`<p class="trouble" role="status">${phrase('error', error.message)} · ${phrase('trying')}</p>`}
    <section class="strip ${whole?.constraint ? 'seven' : 'four'}" aria-label=${text}>
      <${Ratio} title=${whole?.constraint ? phrase('oee.sum') : undefined} answer=${whole} name="oee" target=${targets.oee} ask=${ask}>${phrase('no.target')}<//>
      ${whole?.constraint ? html`<${Ratio} title=${phrase('oee.constraint')} answer=${whole} name="bottleneck_oee" target=${targets.bottleneck_oee} ask=${ask}>${live.title(whole.constraint.machine)}<//>` : ''}
      ${['availability', 'effectiveness', 'quality_ratio'].map((name) => html`<${Ratio} key=${name} answer=${whole} name=${name} target=${targets[name]} ask=${ask} />`)}
      <${Figure} title=${phrase('good.pieces')} value=${plan?.good == null ? null : html`<${GoodPieces} plan=${plan} answer=${whole} ask=${ask} />`} missing=${plan && plan.good === null && phrase('nothing.counted')}>${plan?.plan == null ? (plan?.good == null ? '' : phrase('no.plan')) : html`${phrase(range.isLive ? 'plan.to.now' : 'plan.was', pieces(Math.round(plan.plan)))} · <b class=${plan.delta < -0.05 * plan.plan ? 't-wait' : ''}>${difference(plan.delta)}</b>`}<${Unplanned} plan=${plan} /><${Caveats} answer=${whole} name="good_output" /><//>
      <${Figure} title=${phrase('coverage.title')} value=${whole?.coverage == null ? null : percent(whole.coverage)} unit="%" missing=${whole && whole.coverage === null && phrase('no.data')} uncertain=${whole?.coverage < 0.95}>${whole?.coverage < 0.95 ? phrase('unknown.part', percent(1 - whole.coverage)) : ''}<${Caveats} answer=${whole} name="coverage" /><//>
    </section>
    ${why && html`<${Why} key=${why.indicator} about=${why} answer=${why.answer} close=${() => ask(null)} go=${go} />`}
    ${range.isLive && html`<section class="card stack"><h2>${phrase('line.flow')}</h2><${Flow} line=${path} machines=${machines} live=${live} now=${now} answer=${answer} bottleneck=${bottleneck} go=${go} /></section>`}
    ${from && html`<section class="card stack"><h2>${phrase('line.ribbons')}</h2><div class="ribbons big">${machines.map((machine) => html`<a class="rname" key=${machine} href=${link(`/machine/${machine}`)} onClick=${go.click}>${live.title(machine)}</a><${Ribbon} key="${machine} r" tall intervals=${intervalsTo(history.get(machine), machine, until, range.isLive)} from=${from} ends=${ends} now=${until} zone=${zone} label=${live.title(machine)} stops=${link(`/stops/${machine}`)} go=${go} />`)}<span></span><${Axis} from=${from} ends=${ends} zone=${zone} most=${10} /></div><${Legend} /></section>`}
    <div class="cards three">
      <section class="card stack"><h2>${phrase(inDays(from, to) ? 'line.days' : 'line.hours')}<${Take} href=${download('plan', { every: inDays(from, to) ? 'day' : '1h' })} /></h2><${Hours} path=${path} from=${from && origin(range, from)} began=${from} to=${range.isLive ? 'now' : to} ends=${to} live=${live} zone=${zone} isLive=${range.isLive} go=${go} /></section>
      <section class="card stack"><h2><span>${phrase('line.waterfall')}<${InMachineTime} answer=${whole} /></span><${Take} href=${download('losses')} /></h2>${whole && html`<${WaterfallSteps} answer=${whole} />`}</section>
      <section class="card stack"><h2><span>${phrase('line.six')}<${InMachineTime} answer=${whole} /></span></h2><${SixLosses} answer=${whole} /><h3>${phrase('line.pareto')}<${InMachineTime} answer=${whole} /></h3><${Pareto} go=${go} answer=${whole} /></section>
    </div>
    ${from && html`<${PartList} asset=${path} range=${range} zone=${zone} go=${go} /><${Comparisons} path=${path} range=${range} to=${to} go=${go} />`}
    <${Notes} answer=${whole} />
  <//>`;
}

/** The machines as the pieces pass them, with the buffers between. */
function Flow({ line, machines, live, now, answer, bottleneck, go }) {
  const flow = own(live.plant.flows, line);
  const stages = flow ? flow.stages : machines.map((machine) => [machine]);
  const placed = new Set(stages.flat());
  const others = machines.filter((machine) => !placed.has(machine));
  const parts = stages.flatMap((stage, place) => [
    ...(place ? [html`<${Buffer} key="b${place}" size=${flow?.buffers[place - 1]} before=${stages[place - 1]} after=${stage} live=${live} />`] : []),
    html`<div class="stage" key=${place} role="listitem">${stage.map((machine) => html`<${Station} key=${machine} machine=${machine} live=${live} now=${now} answer=${answer.get(machine)} bottleneck=${bottleneck?.machine === machine ? bottleneck : null} go=${go} />`)}</div>`,
  ]);
  return html`<div class="flow" role="list">${parts}${others.length > 0 && html`<div class="stage loose" role="listitem">${others.map((machine) => html`<${Station} key=${machine} machine=${machine} live=${live} now=${now} answer=${answer.get(machine)} bottleneck=${bottleneck?.machine === machine ? bottleneck : null} go=${go} />`)}</div>`}</div>`;
}

function Station({ machine, live, now, answer, bottleneck, go }) {
  const current = live.fact(machine, 'state') ?? { state: 'unknown', since: null };
  const kind = categoryOf(current.state);
  const reason = current.reason && phraseOr(`reason.${current.reason}`, live.reason(current.reason));
  const age = current.since !== null ? span(now - current.since) : current.of_unknown_age && phrase('unknown.age');
  return html`<a class="station k-${kind} ${current.silent || kind === 'unknown' ? 'hatched' : ''}" href=${link(`/machine/${machine}`)} onClick=${go.click}><span class="split"><b>${live.title(machine)}</b>${bottleneck ? html`<span class="badge" title=${phrase('bottleneck.why', span(Date.parse(bottleneck.to) - Date.parse(bottleneck.from)))}>${phrase('bottleneck')}</span>` : ''}</span><${StateWord} state=${current.state} /><small>${[age, reason].filter(Boolean).join(' · ')}</small>${current.alarm ? html`<small class="t-down"><b>${phrase('severity.alarm')}</b> ${current.alarm}</small>` : ''}<small>${answer?.indicators.oee == null ? '' : cannotBe(answer, 'oee') ? html`<span class="hatched" title=${cannotBe(answer, 'oee').long}>${phrase('cannot.be')}</span> ${phrase('oee')} · ` : `${percent(answer.indicators.oee)} % ${phrase('oee')} · `}${answer ? `${pieces(answer.ledger.good)} ${phrase('good')}` : ''}</small></a>`;
}

/** A buffer: how full it is, where a machine beside it says so by waiting. */
function Buffer({ size, before, after, live }) {
  const state = (machine) => live.fact(machine, 'state')?.state;
  const full = before.some((machine) => state(machine) === 'blocked');
  const empty = after.some((machine) => state(machine) === 'starved');
  const word = full ? phrase('buffer.full') : empty ? phrase('buffer.empty') : '';
  return html`<div title=${word || phrase('buffer.unknown')} class="buffer ${full || empty ? 't-wait' : ''}" role="listitem"><svg viewBox="0 0 24 40" aria-hidden="true"><path d="M2 2v34h20V2" fill="none" stroke="currentColor" stroke-width="2" />${full && html`<rect class="f-wait" x="5" y="5" width="14" height="28" />`}${!full && !empty && html`<rect class="f-unknown" x="5" y="5" width="14" height="28" />`}</svg><small>${word}${size ? ` ${phrase('buffer.size', size)}` : ''}</small></div>`;
}

/** A range too long for a row an hour. */
const inDays = (from, to) => Boolean(from) && to - from > 26 * 3_600_000;

function Hours({ path, from, began, to, ends, live, zone, isLive, go }) {
  const long = inDays(began, ends);
  const every = long ? 'day' : '1h';
  const on = isLive && moves(path);
  const ask = (what) => from && address(what, { asset: path, from, to, every });
  const [plans] = useAsk(ask('plan'), { every: isLive ? 15_000 : undefined, on, soonest: 5_000 });
  const [answers] = useAsk(ask('kpi'), { every: isLive ? 15_000 : undefined, on, soonest: 5_000 });
  if (!plans || !answers) return html`<p class="beside"> </p>`;
  const rows = plans.map((plan, place) => [plan, answers[place]]).filter(([, answer]) => answer);
  return html`<div class="scroll"><table class="hours"><thead><tr>${[long ? 'day' : 'hour', 'plan', 'actual', 'delta', 'reason'].map((name) => html`<th scope="col" key=${name}>${phrase(name)}</th>`)}</tr></thead><tbody>${rows.map(([plan, answer], place) => {
    const loss = topLoss(answer);
    const late = plan.delta !== null && plan.delta < -0.05 * plan.plan && Math.round(plan.delta) < 0;
    return html`<tr key=${plan.from} class=${isLive && place === rows.length - 1 ? 'now' : ''}><th scope="row">${clock(Date.parse(plan.from), zone, { date: long })}</th><td>${plan.plan === null ? '–' : number(Math.round(plan.plan))}</td><td>${plan.good === null ? '–' : pieces(plan.good)}</td><td class=${late ? 't-wait' : ''}>${difference(plan.delta)}</td><td class="left">${loss ? html`<a class="num" href=${link(`/stops/${path}`, { from: String(Date.parse(plan.from)), to: String(Date.parse(plan.to)) })} onClick=${go.click}>${lossName(loss, answer)}</a> <small>${lostTime(answer, loss.seconds)}</small>` : ''}</td></tr>`;
  })}</tbody></table></div>`;
}
