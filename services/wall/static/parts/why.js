// Why a number is what it is: the formula with the numbers in it, the sums that it is made of, and the events behind them.

import { html, useEffect, useRef } from '../lib.js';
import { address, useAsk } from '../ask.js';
import { say, sayOr } from '../words.js';
import { clock, number, plain, unit } from '../format.js';
import { live } from '../live.js';
import { Take } from './compare.js';
import { NoteList, toCheck } from './figures.js';

const MOST_EVENTS = 300;

/** The panel. `about` is {asset, indicator, from, to, shown}. */
export function Why({ about, answer, close }) {
  const box = useRef(null);
  const [told, error] = useAsk(address('explain', { asset: about.asset, indicator: about.indicator, from: about.from, to: about.to, rated: about.rated || undefined }));
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
  return html`<section class="card why" ref=${box} tabindex="-1" aria-label=${say('why', name, about.shown)}>
    <h2><b>${about.shown === '–' ? say('why.none', name) : say('why', name, about.shown)}</b><button type="button" class="pick" onClick=${close}>${say('close')}</button></h2>
    ${error && html`<p class="trouble">${say('error', error.message)}</p>`}
    ${told && html`<${Explained} told=${told} zone=${live.zone(about.asset)} rated=${about.rated} />`}
    ${toCheck(answer).length > 0 && html`<h3>${say('why.notes')}</h3><${NoteList} warnings=${toCheck(answer)} />`}
  </section>`;
}

function Explained({ told, zone, rated }) {
  const many = new Set(told.events.map((event) => event.machine)).size > 1;
  return html`<pre class="formula">${`${told.formula}\n= ${told.filled}`}</pre>
    <p class="beside">${told.meaning}${told.number ? ` ${say('why.number', told.number)}` : ''}${told.why_not ? html` <b>${told.why_not}</b>` : ''}</p>
    <table class="terms"><tbody>${told.terms.map((term) => html`<tr key=${term.name}><th scope="row"><b>${term.name}</b> ${term.meaning}</th><td>${plain(term.value)} ${unit(term.unit)}</td></tr>`)}</tbody></table>
    ${told.events.length > 0 && html`<h3>${say('why.events')} (${number(told.events.length)})</h3><div class="scroll events"><table><tbody>${told.events.slice(0, MOST_EVENTS).map((event, place) => html`<tr key=${place}>
      <td>${clock(Date.parse(event.from), zone, { secs: true })}${event.to === event.from ? '' : ` – ${clock(Date.parse(event.to), zone, { secs: true })}`}</td>${many ? html`<td>${live.title(event.machine)}</td>` : ''}<td>${sayOr(`state.${event.state}`, event.state)}${event.reason ? `, ${live.reason(event.reason)}` : ''}</td><td>${event.field.replaceAll('_', ' ')}</td><td>${plain(event.amount)}</td></tr>`)}</tbody></table></div>`}
    <p class="beside"><a class="num" href=${address('explain', { asset: told.asset, indicator: told.indicator, from: told.from, to: told.to, rated: rated || undefined })}>${say('why.all')}</a> · <${Take} href=${address('explain.csv', { asset: told.asset, indicator: told.indicator, from: told.from, to: told.to, rated: rated || undefined })} /></p>`;
}
