// Figures: a number in large with its name, its target and what is behind it; and which number a headline shows.

import { html } from '../lib.js';
import { live } from '../live.js';
import { say, sayOr } from '../words.js';
import { percent, pieces, plain, span } from '../format.js';

const UNDEFINED = / is not defined: /;

/** Why an indicator is not defined, as the notes of an answer say it. */
export const noteOf = (answer, name) => answer?.notes?.find((note) => note.startsWith(`${name} `))?.split(UNDEFINED)[1] ?? say('no.data');

/**
 * The value of an indicator for a headline: where machines that nobody can rate leave the whole without OEE, that of the
 * others, with a mark and a tip that says without which and why.
 */
export function headline(answer, name) {
  const rated = answer?.rated;
  if (!rated || !(name in rated.indicators)) return { value: answer?.indicators[name], partly: false, tip: '' };
  const names = rated.without.map((path) => live.title(path)).join(', ');
  const tip = rated.why.map((why) => say('without', `${live.title(why.split(':')[0])}${why.slice(why.indexOf(':'))}`)).join('\n');
  return { value: rated.indicators[name], partly: true, tip, names };
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

export function Figure({ title, value, unit, missing, doubt, children }) {
  return html`<div class="figure card ${doubt ? 'doubt' : ''}"><h2>${title}</h2>
    ${value === null || value === undefined || missing ? html`<p class="value none" title=${missing || ''}>${say('no.data')}</p>` : html`<p class="value">${value}${unit && html`<small> ${unit}</small>`}</p>`}
    <p class="beside">${missing && typeof missing === 'string' ? missing : children}</p></div>`;
}

/** A ratio of the OEE family as a figure: with its target where it has one. `ask` shows why. */
export function Ratio({ answer, name, title, target, ask, children }) {
  const { value, partly, tip, names } = headline(answer, name);
  const because = () => askWhy(answer, name, ask);
  const short = target && value != null && value < target;
  return html`<${Figure} title=${title ?? say(name)} value=${value == null ? null : html`<${Num} shown=${percent(value)} because=${because} partly=${partly} tip=${tip} />`} unit="%" missing=${answer && value == null && noteOf(answer, name)}>${target ? html`<span class=${short ? 't-wait' : ''}>${say('target', `${plain(target * 100)} %`)}</span>` : children}${partly ? html`<span class="but t-attention" title=${tip}>${say('without.short', names)}</span>` : ''}<//>`;
}

/** What is to be looked at in the data, and what to check: the notes of an answer. */
export function Notes({ answer }) {
  const notes = toCheck(answer);
  return notes.length > 0 && html`<section class="card stack"><h2>${say('notes')}</h2><${NoteList} notes=${notes} /></section>`;
}

const EXPECTED = new Set(['oee', 'availability', 'effectiveness', 'quality_ratio']);

/** The notes of an answer without those that say why an indicator that is seldom told is not defined. */
export const toCheck = (answer) => (answer?.notes ?? []).filter((note) => !UNDEFINED.test(note) || EXPECTED.has(note.split(UNDEFINED)[0]));

/** Notes with what they are of by its title; indicators and machines of which the same is to be said share a line. */
export function NoteList({ notes }) {
  const said = new Map();
  for (const note of notes) {
    const [indicator, reason] = note.split(UNDEFINED);
    const path = note.split(':')[0];
    const machine = path.split('/').length === 4;
    const text = reason ?? (machine ? note.slice(path.length + 2) : note);
    const of = reason ? sayOr(indicator, indicator.replaceAll('_', ' ')) : machine ? live.title(path) : '';
    said.set(text, [...(said.get(text) ?? []), ...(of ? [reason ? say('no', of) : of] : [])]);
  }
  return html`<ul class="notes">${[...said].map(([text, of]) => html`<li key=${text}>${of.length > 0 && html`<b>${of.join(', ')}</b>: `}${text}</li>`)}</ul>`;
}

/** "silent for 4 min" */
export const silence = (standing, now) => (standing.heard ? say('silent', span(now - standing.heard)) : say('dev.never'));
