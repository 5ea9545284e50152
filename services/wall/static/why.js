// Why a number is what it is: the formula with the numbers in it, the sums that it is made of, and the events behind them.

import { html, useEffect, useRef } from './lib.js';
import { address, useAsk } from './ask.js';
import { say, sayOr } from './words.js';
import { number, percent } from './format.js';
import { WaterfallSteps } from './loss.js';

/** A number that can be asked why: a button with a dotted line under it. */
export function Number_({ value, unit, title, onWhy, children }) {
  return html`<button type="button" class="num" title=${title} onClick=${onWhy}>${children ?? value}${unit && html`<small> ${unit}</small>`}</button>`;
}

/** The panel. `about` is {asset, indicator, from, to, shown}. */
export function Why({ about, answer, close }) {
  const box = useRef(null);
  const [told, error] = useAsk(address('explain', { asset: about.asset, indicator: about.indicator, from: about.from, to: about.to }));
  useEffect(() => {
    const former = document.activeElement;
    box.current?.focus();
    const leave = (event) => event.key === 'Escape' && close();
    addEventListener('keydown', leave);
    return () => {
      removeEventListener('keydown', leave);
      former?.focus?.();
    };
  }, []);
  const name = sayOr(about.indicator, about.indicator.replaceAll('_', ' '));
  const sums = answer ? Object.entries(answer.ledger).filter(([, sum]) => sum) : [];
  return html`<section class="card why" ref=${box} tabindex="-1" aria-label=${say('why', name, about.shown)}>
    <h2><b>${about.shown === '–' ? say('why.none', name) : say('why', name, about.shown)}</b><button type="button" class="pick" onClick=${close}>${say('close')}</button></h2>
    ${told && html`<${Explained} told=${told} />`}
    ${!told && (error || !told) && html`
      ${answer?.notes?.length > 0 && html`<ul class="notes">${answer.notes.map((note) => html`<li>${note}</li>`)}</ul>`}
      <h3>${say('why.sums')}</h3>
      <dl class="sums">${sums.map(([field, sum]) => html`<dt>${field.replaceAll('_', ' ')}</dt><dd>${number(sum, 6)}</dd>`)}</dl>
      ${answer && html`<${WaterfallSteps} answer=${answer} />`}`}
  </section>`;
}

function Explained({ told }) {
  return html`${told.formula && html`<pre class="formula">${told.formula}</pre>`}
    ${Object.entries(told).filter(([key]) => !['asset', 'indicator', 'from', 'to', 'formula', 'events'].includes(key)).map(([key, value]) => html`<h3>${key.replaceAll('_', ' ')}</h3><${Value} value=${value} />`)}
    ${told.events?.length > 0 && html`<h3>${say('why.events')} (${told.events.length})</h3><ol class="events">${told.events.slice(0, 200).map((event) => html`<li><code>${typeof event === 'string' ? event : JSON.stringify(event)}</code></li>`)}</ol>`}`;
}

function Value({ value }) {
  if (Array.isArray(value)) return html`<ul class="notes">${value.map((each) => html`<li>${typeof each === 'object' ? JSON.stringify(each) : String(each)}</li>`)}</ul>`;
  if (value && typeof value === 'object') return html`<dl class="sums">${Object.entries(value).map(([key, each]) => html`<dt>${key.replaceAll('_', ' ')}</dt><dd>${typeof each === 'number' ? number(each, 6) : String(each)}</dd>`)}</dl>`;
  return html`<p>${typeof value === 'number' ? number(value, 6) : String(value)}</p>`;
}
