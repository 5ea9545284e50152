// Why a number is what it is: whose it is, what was lost, the formula with the numbers in it, the sums that it is made of,
// and the events behind them, by machine and reason. As a panel beside the number, and at an address of its own.

import { html, useEffect, useRef, useState } from '../lib.js';
import { address, useAsk } from '../ask.js';
import { phrase, phraseOr } from '../words.js';
import { clock, number, plain, span, unit } from '../format.js';
import { link } from '../range.js';
import { live } from '../live.js';
import { Take } from './compare.js';
import { NoteList, toCheck } from './figures.js';
import { Pareto } from './loss.js';

const MOST_EVENTS = 300;

/** The panel. `about` is {asset, indicator, from, to, shown}; without `close` it is a page. */
export function Why({ about, answer, close, go }) {
  const box = useRef(null);
  const [explained, error] = useAsk(address('explain', { asset: about.asset, indicator: about.indicator, from: about.from, to: about.to, rated: about.rated || undefined }));
  useEffect(() => {
    if (!close) return undefined;
    const former = document.activeElement;
    box.current?.focus();
    const leave = (event) => event.key === 'Escape' && close();
    addEventListener('keydown', leave);
    return () => {
      removeEventListener('keydown', leave);
      former?.focus?.();
    };
  }, []);
  const name = phraseOr(about.indicator, about.indicator.replaceAll('_', ' '));
  const whose = about.asset ? live.title(about.asset) : phrase('all');
  const title = about.shown === '–' ? phrase('why.none', name, whose) : phrase('why', name, about.shown, whose);
  const page = link(`/why/${about.asset}`, { from: String(Date.parse(about.from)), to: String(Date.parse(about.to)), indicator: about.indicator, rated: about.rated ? 'true' : null });
  return html`<section class="card why" ref=${box} tabindex="-1" aria-label=${title}>
    <h2><b>${title}</b><span class="tools">${close && html`<a class="num" href=${page} onClick=${go?.click}>${phrase('why.link')}</a><button type="button" class="pick" onClick=${close}>${phrase('close')}</button>`}</span></h2>
    ${error && html`<p class="trouble">${phrase('error', error.message)}</p>`}
    ${answer && html`<h3>${phrase('why.losses')}</h3><${Pareto} answer=${answer} go=${go} />`}
    ${explained && html`<${Explained} explained=${explained} zone=${live.zone(about.asset)} rated=${about.rated} />`}
    ${toCheck(answer).length > 0 && html`<h3>${phrase('why.notes')}</h3><${NoteList} warnings=${toCheck(answer)} />`}
  </section>`;
}

/** An amount of a field of the ledger as people read it: times as times, energy with its unit. */
export const amount = (field, value) => (/_s$|^time$/.test(field) ? span(value * 1000) : /_kwh$/.test(field) ? `${number(value)} kW·h` : plain(value));

/** The events for one reason and of one machine; '*' is any. */
export const chosenEvents = (events, reason, machine) => events.filter((event) => (reason === '*' || event.reason === reason) && (machine === '*' || event.machine === machine));

/** The readings of one machine; '*' is any. */
const chosenReadings = (readings, machine) => readings.filter((each) => machine === '*' || each.machine === machine);

function Choice({ name, value, choose, options }) {
  return html`<label>${name} <select onChange=${(event) => choose(event.target.value)}><option value="*">${phrase('stops.any')}</option>${options.map(([key, title]) => html`<option key=${key} value=${key} selected=${key === value}>${title}</option>`)}</select></label>`;
}

function Explained({ explained, zone, rated }) {
  const [reason, setReason] = useState('*');
  const [machine, setMachine] = useState('*');
  const machines = [...new Set(explained.events.map((event) => event.machine))];
  const reasons = [...new Set(explained.events.map((event) => event.reason))].filter(Boolean);
  const events = chosenEvents(explained.events, reason, machine);
  const many = machines.length > 1;
  return html`<pre class="formula">${`${explained.formula}\n= ${explained.filled}`}</pre>
    <p class="beside">${explained.meaning}${explained.number ? ` ${phrase('why.number', explained.number)}` : ''}${explained.why_not ? html` <b>${explained.why_not}</b>` : ''}</p>
    <table class="terms"><tbody>${explained.terms.map((term) => html`<tr key=${term.name}><th scope="row"><b>${term.name}</b> ${term.meaning}</th><td>${term.unit === 's' ? span(term.value * 1000) : html`${plain(term.value)} ${unit(term.unit)}`}</td></tr>`)}</tbody></table>
    ${explained.events.length > 0 && html`<h3>${phrase('why.events')} (${number(events.length)}) <span class="tools">${reasons.length > 1 && html`<${Choice} name=${phrase('stops.reason')} value=${reason} choose=${setReason} options=${reasons.map((each) => [each, live.reason(each)])} />`}${many && html`<${Choice} name=${phrase('dev.machine')} value=${machine} choose=${setMachine} options=${machines.map((each) => [each, live.title(each)])} />`}</span></h3><div class="scroll events" tabindex="0" role="region" aria-label=${phrase('why.events')}><table><tbody>${events.slice(0, MOST_EVENTS).map((event, place) => html`<tr key=${place}>
      <td>${clock(Date.parse(event.from), zone, { secs: true })}${event.to === event.from ? '' : ` – ${clock(Date.parse(event.to), zone, { secs: true })}`}</td>${many ? html`<td>${live.title(event.machine)}</td>` : ''}<td>${event.booked || `${phraseOr(`state.${event.state}`, event.state)}${event.reason ? `, ${live.reason(event.reason)}` : ''}`}</td><td>${event.field.replace(/_s$/, '').replaceAll('_', ' ')}</td><td>${amount(event.field, event.amount)}</td></tr>`)}</tbody></table></div>`}
    ${explained.readings.length > 0 && html`<h3>${phrase('why.readings')} (${number(explained.readings.length)})</h3><div class="scroll events" tabindex="0" role="region" aria-label=${phrase('why.readings')}><table><tbody>${chosenReadings(explained.readings, machine).slice(0, MOST_EVENTS).map((each, place) => html`<tr key=${place}><td>${clock(Date.parse(each.at), zone, { secs: true })}</td>${many ? html`<td>${live.title(each.machine)}</td>` : ''}<td class="wrap">${each.text}</td></tr>`)}</tbody></table></div>`}
    <p class="beside"><a class="num" href=${address('explain', { asset: explained.asset, indicator: explained.indicator, from: explained.from, to: explained.to, rated: rated || undefined })}>${phrase('why.all')}</a> · <${Take} href=${address('explain.csv', { asset: explained.asset, indicator: explained.indicator, from: explained.from, to: explained.to, rated: rated || undefined })} /></p>`;
}
