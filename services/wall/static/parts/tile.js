// The tile of a line on the overview. Much changes often on a busy plant, but little of a tile at once: each of its parts
// is drawn again only when what it shows has changed.

import { html } from '../lib.js';
import { phrase, phraseOr } from '../words.js';
import { clock, difference, pieces, span, zoneName } from '../format.js';
import { link } from '../range.js';
import { categoryOf, Icon, StateWord } from '../states.js';
import { GoodPieces, silence } from './figures.js';
import { LossBar, lossName, lostTime, topLoss } from './loss.js';
import { Axis, intervalsTo, Ribbon, stepOf } from './ribbon.js';
import { Still } from './still.js';
import { Ticking } from './ticking.js';

const MINUTE_MS = 60_000; // so often what is shown of silent machines goes on

/** What a tile depends on: what it does not show may change as often as it likes. */
export function ofTile(live, line, answer, plan, range) {
  const facts = [line, ...live.machines(line)].flatMap((path) => [live.fact(path, 'state'), live.fact(path, 'job')]);
  return [answer, plan, range.from, range.to, ...timesOf(live, plan, range), ...facts];
}

/** From when to when the ribbons of a tile go, the step that time has reached in them, and the minute. */
function timesOf(live, plan, range) {
  const now = live.now();
  const [from, ends] = plan ? [Date.parse(plan.from), Math.max(Date.parse(plan.ends), Date.parse(plan.to))] : [now - 3_600_000, now];
  const step = stepOf(ends - from);
  const reached = range.isLive ? Math.floor(now / step) : 0;
  const minute = Math.floor(now / MINUTE_MS);
  // Edges that go on with time do so by steps.
  if (plan && Date.parse(plan.ends) > Date.parse(plan.to)) return [from, ends, reached, minute];
  return range.isLive ? [Math.floor(from / step) * step, Math.ceil(ends / step) * step, reached, minute] : [from, ends, reached, minute];
}

export function Tile({ line, live, answer, plan, history, range, go, ask, zones, alone }) {
  const zone = live.zone(line);
  const current = live.fact(line, 'state') ?? { state: 'unknown', since: null, reason: '' };
  const kind = categoryOf(current.state);
  const machines = live.machines(line);
  const states = machines.map((path) => live.fact(path, 'state'));
  const silent = states.filter((state) => state?.silent).length;
  const behind = plan?.plan && plan.delta < -0.05 * plan.plan;
  const edge = !range.isLive ? '' : kind === 'down' ? 'look' : kind === 'wait' || behind ? 'warn' : kind === 'unknown' || silent === machines.length ? 'uncertain' : '';
  const [from, ends, reached, minute] = timesOf(live, plan, range);
  const name = alone ? live.title(line) : `${live.title(line.split('/').slice(0, 2).join('/'))}, ${live.title(line)}`;
  const jobs = machines.map((path) => live.fact(path, 'job'));
  return html`<article class="tile card ${edge}" aria-label=${name}>
    <${Still} of=${[name, range.isLive, zones.length, live.plant, current, ...states]} draw=${() => html`<${Head} line=${line} name=${name} current=${current} machines=${machines} silent=${silent} zone=${zones.length > 1 ? zoneName(zone) : ''} live=${live} range=${range} go=${go} />`} />
    <${Still} of=${[answer, plan, range.from, range.to, ...jobs]} draw=${() => html`<${Pieces} plan=${plan} answer=${answer} line=${line} live=${live} zone=${zone} range=${range} ask=${ask} />`} />
    <${Still} of=${[answer, live.plant]} draw=${() => html`<${LossBar} answer=${answer} target=${live.targets(line).oee} ask=${ask} />`} />
    <div class="ribbons" style=${{ '--machines': machines.length }}>${machines.map((path, place) => html`<${Still} key=${path} of=${[history.get(path), states[place], live.plant, from, ends, reached, minute]} draw=${() => html`<${Row} path=${path} state=${states[place]} history=${history.get(path)} from=${from} ends=${ends} zone=${zone} live=${live} range=${range} go=${go} />`} />`)}
      <span></span><${Still} of=${[from, ends, zone, innerWidth]} draw=${() => html`<${Axis} from=${from} ends=${ends} zone=${zone} />`} /></div>
    <${Still} of=${[answer, live.plant]} draw=${() => html`<${MostLost} answer=${answer} live=${live} />`} />
  </article>`;
}

/** How the line stands, and the alarms of its machines. */
function Head({ line, name, current, machines, silent, zone, live, range, go }) {
  return html`<div class="top">
      ${range.isLive ? html`<${StateWord} state=${current.state} /><span class="for"><${Ticking} text=${() => spent(current, live.now())} />${named(current, live, machines)}${silent ? ` · ${phrase('silent.devices', silent)}` : ''}</span>` : html`<span class="for">${phrase('not.live')}</span>`}
      <a class="name" href=${link(`/line/${line}`)} onClick=${go.click}>${name}${zone && ` · ${zone}`}</a>
    </div>
    ${range.isLive && machines.filter((path) => live.fact(path, 'state')?.alarm).map((path) => html`<p class="alarm t-down" key=${path}><${Icon} state="alarm" /><b>${phrase('severity.alarm')}</b> ${live.title(path)}: ${live.fact(path, 'state').alarm}${live.fact(path, 'state').alarms > 1 ? ` ${phrase('and.more', live.fact(path, 'state').alarms - 1)}` : ''}</p>`)}`;
}

/** A machine's name, and its ribbon. */
function Row({ path, state, history, from, ends, zone, live, range, go }) {
  const now = live.now();
  const until = range.isLive ? now : ends;
  return html`<a class="rname" href=${link(`/machine/${path}`)} onClick=${go.click} title=${path}>${live.title(path)}${state?.silent ? html` <span class="t-unknown" title=${silence(state, now)}>?</span>` : ''}</a>
    <${Ribbon} intervals=${intervalsTo(history, path, until, range.isLive)} from=${from} ends=${ends} now=${until} zone=${zone} label=${live.title(path)} stops=${link(`/stops/${path}`)} go=${go} />`;
}

/** "12 min · Mill 1 · spindle overheat" */
const spent = (current, now) => (current.since === null ? '' : current.of_unknown_age ? phrase('unknown.age') : span(now - current.since));

function named(current, live, machines) {
  const parts = [];
  if (current.machine && machines.length > 1) parts.push(live.title(current.machine));
  if (current.reason) parts.push(phraseOr(`reason.${current.reason}`, live.reason(current.reason)));
  return parts.length ? ` · ${parts.join(' · ')}` : '';
}

function Pieces({ plan, answer, line, live, zone, range, ask }) {
  if (!plan || plan.good === null) return html`<p class="beside">${plan ? phrase('nothing.counted') : ' '}</p>`;
  const full = Math.max(plan.plan_at_end ?? 0, plan.forecast, plan.good, 1);
  const output = plan.outputs.at(-1);
  const job = live.fact(output, 'job') ?? live.machines(line).map((path) => live.fact(path, 'job')).find((each) => each?.order);
  const late = plan.plan !== null && plan.delta < -0.05 * plan.plan;
  return html`<div class="good"><p><b class="q"><${GoodPieces} plan=${plan} answer=${answer} ask=${ask} /></b> ${plan.plan === null ? phrase('good.only') : phrase(range.isLive ? 'good.of' : 'good.of.then', pieces(Math.round(plan.plan)))}</p>${plan.plan !== null && html`<b class="d ${late ? 't-wait' : ''}">${difference(plan.delta)}</b>`}</div>
    <svg class="bar" aria-hidden="true"><rect class="f-run" width="${(100 * plan.good) / full}%" height="100%" rx="4" />${plan.plan !== null && html`<rect class="mark" x="${(100 * plan.plan) / full}%" width="2" height="100%" />`}</svg>
    <p class="beside split"><span>${!range.isLive ? '' : job?.order ? `${job.order} · ${live.product(job.product)}` : phrase('no.order')}</span>${range.isLive && Date.parse(plan.ends) > Date.parse(plan.to) && html`<span>${plan.plan_at_end === null ? phrase('forecast.only', pieces(Math.round(plan.forecast)), clock(Date.parse(plan.ends), zone)) : phrase('forecast', pieces(Math.round(plan.forecast)), pieces(Math.round(plan.plan_at_end)), clock(Date.parse(plan.ends), zone))}</span>`}</p>`;
}

function MostLost({ answer, live }) {
  const loss = topLoss(answer);
  if (!answer) return html`<p class="beside"> </p>`;
  if (!loss) return html`<p class="beside">${phrase('nothing.lost')}</p>`;
  return html`<p class="beside split"><span>${phrase('most.lost')}: <b>${loss.reason ? lossName(loss, answer) : lossName(loss, answer).toLowerCase()}</b></span><span>${lostTime(answer, loss.seconds)}</span></p>`;
}
