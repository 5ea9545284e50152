// Where the time went: the waterfall of an answer as one bar, as steps, and the reasons as a Pareto.

import { html } from '../lib.js';
import { live } from '../live.js';
import { phrase, phraseOr } from '../words.js';
import { minutes, number, percent, plain } from '../format.js';
import { link } from '../range.js';
import { categoryOf, Icon } from '../states.js';
import { cannotBe } from './cannot.js';
import { Caveats, spoiling } from './caveats.js';
import { askWhy, headline, noteOf, Num } from './figures.js';
import { NONE } from './stoplist.js';

/** Reasons that cost planned time, largest first; set-up for which no reason was reported is its own. */
function lostTo(answer) {
  const lost = (answer?.reasons ?? []).filter((each) => each.seconds > 0 && LOST.has(each.state));
  const reported = lost.reduce((sum, each) => sum + (each.state === 'setup' ? each.seconds : 0), 0);
  const setup = (answer?.ledger.setup_s ?? 0) - reported;
  return setup > 0 ? [...lost, { state: 'setup', reason: '', seconds: setup }].sort((a, b) => b.seconds - a.seconds) : lost;
}

/** A loss for people: its reason, with its state where the reason stands for several; else its state. */
export function lossName(loss, answer) {
  if (!loss.reason) return phrase(`state.${loss.state}`);
  const states = new Set(lostTo(answer).filter((each) => each.reason === loss.reason).map((each) => each.state));
  return states.size > 1 ? phrase('reason.in.state', live.reason(loss.reason), phrase(`state.${loss.state}`).toLowerCase()) : live.reason(loss.reason);
}

/** Whether an answer is of several machines together. */
const ofSeveral = (answer) => (answer.machines ?? live.machines(answer.asset)).length > 1;

/** Time that was lost: that of several machines together is in machine-minutes. */
export const lostTime = (answer, seconds) => (ofSeveral(answer) ? minutes(seconds).replace(/ (s|min)$/, ` ${phrase('of.machines')}$1`) : minutes(seconds));

/** What stands behind a heading over times of several machines. */
export const InMachineTime = ({ answer }) => (answer && ofSeveral(answer) ? html` <small>${phrase('machine.minutes')}</small>` : '');

/** The reason that cost most planned time. */
export const topLoss = (answer) => lostTo(answer)[0] ?? null;

const LOST = new Set(['down', 'setup', 'starved', 'blocked', 'idle']);

/** Steps of the waterfall that say what is left; all others say what was lost. */
const LEFT = new Set(['calendar', 'planned', 'running', 'fully-productive']);

/** How a step is coloured: a loss by what it is. */
const COLOUR = {
  off: 'idle', maintenance: 'act', unknown: 'unknown', 'no-order': 'idle', setup: 'act', down: 'down', starved: 'wait', blocked: 'wait', idle: 'idle',
  unrated: 'unknown', speed: 'run', quality: 'attention', 'fully-productive': 'productive', calendar: 'idle', planned: 'productive', running: 'run',
};

/** Steps that are worked out from pieces, not from time alone. */
const OF_PIECES = new Set(['unrated', 'speed', 'quality', 'unjudged', 'fully-productive']);

const words = (name) => phraseOr(`loss.${name}`, name.replace(/[_-]/g, ' '));

/** OEE, and one bar that shows the planned time as what became of it. */
export function LossBar({ answer, target, ask }) {
  const { value: oee, partly, tip, cannot } = headline(answer, 'oee');
  const because = () => askWhy(answer, 'oee', ask);
  return html`<div class="oee"><span class="oee-value" title=${oee == null ? noteOf(answer, 'oee') : cannot?.long || tip || undefined}>${cannot ? html`<b class="none hatched cannot"><${Num} shown=${phrase('cannot.be')} because=${because} /></b><small> ${phrase('oee')}</small>` : oee == null ? html`<b class="none">${phrase(answer ? 'no.data' : 'loading')}</b>` : html`<b><${Num} shown=${percent(oee)} because=${because} partly=${partly} tip=${tip} /></b><small> % ${phrase('oee')}</small>`}</span>
    <${Factors} answer=${answer} target=${target} cannot=${cannot} /></div>
    ${cannot && html`<p class="beside cannot" title=${cannot.long}>${cannot.brief}</p>`}${spoiling(answer, 'oee').length > (cannot ? 1 : 0) && html`<p class="beside caveats"><${Caveats} answer=${answer} name="oee" but=${cannot ? ['doubtful'] : []} /></p>`}`;
}

function Factors({ answer, target, cannot }) {
  const planned = answer?.waterfall.find((step) => step.name === 'planned')?.seconds;
  if (!planned) return html`<svg class="loss" aria-hidden="true"></svg>`;
  // From what is left to what was lost first: the steps after `planned`, backwards, without those that sum up.
  const after = answer.waterfall.slice(answer.waterfall.findIndex((step) => step.name === 'planned') + 1);
  // What became of the running time is not known where the pieces cannot be.
  const parts = after.filter((step) => step.seconds > 0 && (cannot ? !OF_PIECES.has(step.name) : step.name !== 'running')).reverse();
  let at = 0;
  return html`<svg class="loss" role="img" aria-label=${parts.map((step) => `${words(step.name)} ${percent(step.seconds / planned)} %`).join(', ')}>${parts.map((step) => {
    const start = at;
    const wide = step.seconds / planned;
    at += wide;
    return html`<rect key=${step.name} class="f-${cannot && step.name === 'running' ? 'unknown' : COLOUR[step.name] ?? 'unknown'}" x="${start * 100}%" width="${wide * 100}%" height="100%"><title>${words(step.name)} · ${minutes(step.seconds)} · ${percent(wide)} %</title></rect>`;
  })}${target && html`<rect class="mark" x="${target * 100}%" width="2" height="100%"><title>${phrase('target', `${plain(target * 100)} %`)}</title></rect>`}</svg>`;
}

/** The waterfall, a step a line: what time there was, what was lost, what is left. */
export function WaterfallSteps({ answer }) {
  const steps = answer.waterfall;
  const of = (name) => steps.find((step) => step.name === name)?.seconds ?? 0;
  const total = of('calendar');
  if (!total) return html`<p class="beside">${phrase('no.data')}</p>`;
  let left = total;
  const cannot = cannotBe(answer, 'oee');
  const rows = steps.map((step) => {
    if (cannot && OF_PIECES.has(step.name)) return step.seconds ? html`<${Step} key=${step.name} name=${words(step.name)} from=${0} wide=${1} colour="unknown" tip=${cannot.long} />` : null;
    if (LEFT.has(step.name)) {
      left = step.seconds;
      return html`<${Step} key=${step.name} name=${words(step.name)} from=${0} wide=${step.seconds / total} colour=${COLOUR[step.name]} seconds=${step.seconds} strong />`;
    }
    left -= step.seconds;
    if (!step.seconds) return null;
    return html`<${Step} key=${step.name} name=${words(step.name)} from=${left / total} wide=${Math.max(0, step.seconds) / total} colour=${COLOUR[step.name] ?? 'unknown'} seconds=${step.seconds} />`;
  });
  return html`<div class="steps">${total === of('planned') ? rows.slice(1) : rows}</div><p class="beside">${phrase('adds.up')}</p>`;
}

const Step = ({ name, from, wide, colour, seconds, strong, tip }) => html`<span class=${strong ? 'strong' : ''}>${name}</span><svg class="step" aria-hidden="true"><rect class="f-${colour}" x="${from * 100}%" width="${wide * 100}%" height="100%" /></svg><span class="amount" title=${tip}>${seconds === undefined ? '?' : minutes(seconds)}</span>`;

/** The six big losses, each with its share of planned time. */
export function SixLosses({ answer }) {
  const losses = answer?.six_big_losses;
  const planned = answer?.waterfall.find((step) => step.name === 'planned')?.seconds;
  if (!losses || !planned) return html`<p class="beside">${answer ? phrase('no.data') : ''}</p>`;
  const cannot = cannotBe(answer, 'oee');
  const shown = Object.entries(losses).map(([name, seconds]) => [name, cannot && BY_PIECES.has(name) ? undefined : seconds]);
  const largest = Math.max(1, ...shown.map(([, seconds]) => seconds ?? 0));
  return html`<ul class="steps pareto">${shown.map(([name, seconds]) => seconds === undefined ? html`<li key=${name}><span>${phrase(`big.${name}`)}</span><svg class="step" aria-hidden="true"><rect class="f-unknown" width="100%" height="100%" /></svg><span class="amount" title=${cannot.long}>?</span></li>` : seconds === null ? html`<li key=${name}><span>${phrase(`big.${name}`)}</span><svg class="step" aria-hidden="true"><rect class="f-unknown" width="100%" height="100%" /></svg><span class="amount">${phrase('not.reported')}</span></li>` : html`<li key=${name}><span>${phrase(`big.${name}`)}</span><svg class="step" aria-hidden="true"><rect class="f-${BIG[name]}" width="${(100 * Math.max(0, seconds)) / largest}%" height="100%" /></svg><span class="amount">${minutes(seconds)} <small>${percent(seconds / planned)} %</small></span></li>`)}</ul>`;
}

const BIG = { breakdown: 'down', setup: 'act', 'minor-stop': 'wait', speed: 'run', 'startup-reject': 'attention', 'process-reject': 'attention' };

const BY_PIECES = new Set(['speed', 'startup-reject', 'process-reject']);

/** What cost most planned time, largest first; each leads to the stops behind it. */
export function Pareto({ answer, most = 8, go }) {
  const reasons = lostTo(answer).slice(0, most);
  if (!reasons.length) return html`<p class="beside">${answer ? phrase('nothing.lost') : ''}</p>`;
  const largest = reasons[0].seconds;
  return html`<ol class="steps pareto">${reasons.map((each) => html`<li key="${each.state} ${each.reason}"><a class="cause" href=${link(`/stops/${answer.asset}`, { reason: each.reason || NONE })} onClick=${go?.click} title="${phrase(`state.${each.state}`)} · ${phrase('stops.link')}"><${Icon} state=${each.state} />${lossName(each, answer)}</a><svg class="step" aria-hidden="true"><rect class="f-${categoryOf(each.state)}" width="${(100 * each.seconds) / largest}%" height="100%" /></svg><span class="amount">${minutes(each.seconds)} ${each.entries !== undefined && html`<small>${phrase('times', number(each.entries))}</small>`}</span></li>`)}</ol>`;
}
