// Figures: a number in large with its name, its target and what is behind it; and which number a headline shows.

import { html } from '../lib.js';
import { live } from '../live.js';
import { phrase, phraseOr } from '../words.js';
import { percent, pieces, plain, span } from '../format.js';
import { cannotBe } from './cannot.js';
import { Caveats } from './caveats.js';

/** Indicators that are ratios, shown as per cent. */
export const RATIOS = new Set(['oee', 'availability', 'effectiveness', 'quality_ratio', 'bottleneck_oee', 'schedule_attainment', 'setup_rate', 'scrap_ratio']);

/** Why an indicator is not defined, by the warnings of an answer. */
export const noteOf = (answer, name) => answer?.warnings?.find((warning) => warning.indicator === name)?.why ?? phrase('no.data');

/**
 * The value of an indicator for a headline: where machines that nobody can rate leave the whole without OEE, that of the
 * others, with a mark and a tip that says without which and why. `cannot` is why it cannot be, null where it can.
 */
export function headline(answer, name) {
  const rated = answer?.rated;
  if (!rated || !(name in rated.indicators)) return { value: answer?.indicators[name], partly: false, tip: '', cannot: cannotBe(answer, name) };
  const names = rated.without.map((path) => live.title(path)).join(', ');
  const tip = rated.warnings.map((warning) => phrase('without', `${live.title(warning.asset)}: ${warning.why}`)).join('\n');
  return { value: rated.indicators[name], partly: true, tip, names, cannot: cannotBe(answer, name, rated) };
}

/** A number that says why it is what it is when it is clicked. */
export const Num = ({ shown, because, partly, tip }) => html`<button type="button" class="num" title=${tip || undefined} onClick=${because}>${shown}</button>${partly ? html`<sup class="partly" title=${tip}>*</sup>` : ''}`;

/** Ask why an indicator is what an answer says. */
export function askWhy(answer, name, ask) {
  const { value, partly } = headline(answer, name);
  ask({ asset: answer.asset, indicator: name, from: answer.from, to: answer.to, rated: partly, shown: value == null ? '–' : `${percent(value)} %`, answer });
}

/** Good pieces: where they are those of the answer and a plan is known, they say how the two compare. */
export const GoodPieces = ({ plan, answer, ask }) => (answer?.planned != null && answer.good_output === plan.good ? html`<${Num} shown=${pieces(plan.good)} because=${() => askWhy(answer, 'schedule_attainment', ask)} />` : pieces(plan.good));

export function Figure({ title, value, unit, missing, uncertain, cannot, children }) {
  return html`<div class="figure card ${uncertain || cannot ? 'uncertain' : ''}"><h2>${title}</h2>
    ${cannot ? html`<p class="value none cannot" title=${cannot.long}>${cannot.shown}</p>` : (value === null || value === undefined) && !missing ? html`<p class="value none">${phrase('loading')}</p>` : value === null || value === undefined || missing ? html`<p class="value none" title=${missing || ''}>${phrase('no.data')}</p>` : html`<p class="value">${value}${unit && html`<small> ${unit}</small>`}</p>`}
    <p class="beside">${cannot ? cannot.brief : missing && typeof missing === 'string' ? missing : children}</p></div>`;
}

/** A ratio of the OEE family as a figure: with its target where it has one. `ask` shows why. */
export function Ratio({ answer, name, title, target, ask, children }) {
  const { value, partly, tip, names, cannot } = headline(answer, name);
  const because = () => askWhy(answer, name, ask);
  if (cannot) return html`<${Figure} title=${title ?? phrase(name)} cannot=${{ shown: html`<${Num} shown=${phrase('cannot.be')} because=${because} />`, ...cannot }} />`;
  const short = target && value != null && value < target;
  return html`<${Figure} title=${title ?? phrase(name)} value=${value == null ? null : html`<${Num} shown=${percent(value)} because=${because} partly=${partly} tip=${tip} />`} unit="%" missing=${answer && value == null && noteOf(answer, name)}>${target ? html`<span class=${short ? 't-wait' : ''}>${phrase('target', `${plain(target * 100)} %`)}</span>` : children}${partly ? html`<span class="but t-attention" title=${tip}>${phrase('without.short', names)}</span>` : ''}<${Caveats} answer=${answer} name=${name} /><//>`;
}

/** What is to be looked at in the data, and what to check: the warnings of an answer. */
export function Notes({ answer }) {
  const warnings = toCheck(answer);
  return warnings.length > 0 && html`<section class="card stack"><h2>${phrase('notes')}</h2><${NoteList} warnings=${warnings} /></section>`;
}

const EXPECTED = new Set(['oee', 'availability', 'effectiveness', 'quality_ratio']);

/** The warnings of an answer without those of indicators that are seldom reported, and so not defined. */
export const toCheck = (answer) => (answer?.warnings ?? []).filter((warning) => warning.indicator === null || EXPECTED.has(warning.indicator));

/** Warnings that are of an answer as a whole: their text names what it is about. */
const OF_ANSWER = new Set(['rated-without']);

/** Warnings with what they are of by its title; indicators and machines with the same one share a line. */
export function NoteList({ warnings }) {
  const lines = new Map();
  for (const { code, asset, indicator, why } of warnings) {
    const of = indicator === null ? live.title(asset) : phrase('no', phraseOr(indicator, indicator.replaceAll('_', ' ')));
    lines.set(why, [...(lines.get(why) ?? []), ...(OF_ANSWER.has(code) ? [] : [of])]);
  }
  return html`<ul class="notes">${[...lines].map(([why, of]) => html`<li key=${why}>${of.length > 0 && html`<b>${of.join(', ')}</b>: `}${why}</li>`)}</ul>`;
}

/** "silent for 4 min" */
export const silence = (current, now) => (current.heard ? phrase('silent', span(now - current.heard)) : phrase('dev.never'));
