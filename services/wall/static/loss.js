// Where the time went: the waterfall of an answer as one bar, as steps, and the reasons as a Pareto.

import { html } from './lib.js';
import { live } from './live.js';
import { say, sayOr } from './words.js';
import { minutes, number, percent } from './format.js';
import { categoryOf } from './states.js';
import { noteOf } from './overview.js';

/** The reason that cost most planned time. */
export const topLoss = (answer) => answer?.reasons?.find((each) => each.seconds > 0) ?? null;

/** How a step of the waterfall is coloured: the losses by what they are, what is left by how much it is worth. */
const COLOUR = {
  breakdown: 'down', down: 'down', setup: 'act', 'minor-stop': 'wait', 'minor-stops': 'wait', waiting: 'wait', speed: 'run', 'startup-reject': 'attention',
  'process-reject': 'attention', quality: 'attention', unknown: 'unknown', maintenance: 'act', off: 'off', productive: 'productive',
};

const words = (name) => sayOr(`loss.${name}`, name.replace(/[_-]/g, ' '));

/** OEE, and one bar that shows the planned time as what became of it. */
export function LossBar({ answer, target }) {
  const oee = answer?.indicators?.oee;
  return html`<div class="oee"><span class="oee-value" title=${oee == null ? noteOf(answer, 'oee') : ''}>${oee == null ? html`<b class="none">${say('no.data')}</b>` : html`<b>${percent(oee)}</b><small> % ${say('oee')}</small>`}</span>
    <${Factors} answer=${answer} target=${target} /></div>`;
}

function Factors({ answer, target }) {
  const steps = answer ? losses(answer) : [];
  const total = steps.reduce((sum, step) => sum + Math.max(0, step.seconds), 0);
  if (!total) return html`<svg class="loss" aria-hidden="true"></svg>`;
  let at = 0;
  const label = steps.map((step) => `${words(step.name)} ${percent(step.seconds / total)} %`).join(', ');
  return html`<svg class="loss" role="img" aria-label=${label}>${steps.map((step) => {
    const start = at;
    const wide = Math.max(0, step.seconds) / total;
    at += wide;
    return html`<rect key=${step.name} class="f-${step.colour}" x="${start * 100}%" width="${wide * 100}%" height="100%"><title>${words(step.name)} · ${minutes(step.seconds)} · ${percent(wide)} %</title></rect>`;
  })}${target && html`<rect class="mark" x="${target * 100}%" width="2" height="100%"><title>${say('target', `${percent(target)} %`)}</title></rect>`}</svg>`;
}

export function losses(answer) {
  return (answer.waterfall ?? []).map((step) => ({ ...step, colour: COLOUR[step.name] ?? categoryOf(step.name) }));
}
