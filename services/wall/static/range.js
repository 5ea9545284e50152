// The time range: chosen once, held in the address as `from` and `to`, and carried by every link of the wall.

import { html, useEffect, useRef, useState } from './lib.js';
import { phrase } from './words.js';
import { clock, offset } from './format.js';
import { live } from './live.js';
import { own } from './own.js';

const CHOICES = ['shift', 'previous-shift', 'now-1h', 'now-8h', 'now-1d', 'now-7d'];
const CARRIED = ['from', 'to', 'theme', 'scheme', 'lang'];

/** The range that the address holds. It is live where it ends now. */
export function rangeOf(query = new URLSearchParams(location.search)) {
  const from = query.get('from') ?? 'shift';
  const to = query.get('to') ?? 'now';
  return { from, to, isLive: to === 'now' && from !== 'previous-shift', name: CHOICES.includes(from) && to === 'now' ? from : 'custom' };
}

/** A link to another view that keeps range, colours and language. */
export function link(path, changes = {}) {
  const now = new URLSearchParams(location.search);
  const carried = new URLSearchParams();
  for (const name of CARRIED) if (now.get(name)) carried.set(name, now.get(name));
  for (const [name, value] of Object.entries(changes)) value === null ? carried.delete(name) : carried.set(name, value);
  const query = carried.toString();
  return query ? `${path}?${query}` : path;
}

/** What of the address belongs to the view that is shown: another range of it keeps that. */
function ofView() {
  const query = new URLSearchParams(location.search);
  return Object.fromEntries([...query].filter(([name]) => !CARRIED.includes(name)));
}

/** Where history is to begin: as the address says it while it is live, so that a range that moves is one question. */
export const origin = (range, from) => (range.isLive ? range.from : from);

/** How often the numbers of a range are asked for again, ms; undefined for one that is over. */
export const refresh = (range) => (range.isLive ? own({ shift: 5_000, 'now-1h': 5_000, 'now-8h': 10_000 }, range.from) ?? 30_000 : undefined);

/** The range for people: "This shift, 06:00–14:00". */
export function rangeText(range, window, zone) {
  if (!window) return phrase(`range.${range.name}`);
  const ends = range.from === 'shift' && window.ends ? window.ends : window.to;
  const long = Date.parse(ends) - Date.parse(window.from) > 20 * 3_600_000;
  const old = Math.abs(live.now() - Date.parse(window.from)) > 20 * 3_600_000;
  const [first, last] = [window.from, ends].map((time) => offset(Date.parse(time), zone));
  // Where the clocks change in between, a time of day alone could be two instants.
  const text = (time, its) => `${clock(Date.parse(time), zone, { date: long || old })}${first === last ? '' : ` ${its}`}`;
  const span = `${text(window.from, first)}${long || old || first !== last ? ' – ' : '–'}${text(ends, last)}`;
  // Where there is no calendar there is no shift, and the interface answers with the last eight hours, or since the first message.
  const short = Date.parse(window.to) - Date.parse(window.from) < 8 * 3_600_000;
  const name = window.shift === '' && range.from.endsWith('shift') ? (short ? 'first' : 'now-8h') : range.name;
  return name === 'custom' ? span : `${phrase(`range.${name}`)} · ${span}`;
}

/** The button that opens the choice of ranges. */
export function RangePicker({ range, text, go, zone }) {
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  useEffect(() => {
    if (!open) return undefined;
    const close = (event) => {
      if (event.key === 'Escape') leave();
      else if (event.type === 'pointerdown' && !box.current?.contains(event.target)) setOpen(false);
    };
    addEventListener('keydown', close);
    addEventListener('pointerdown', close);
    box.current?.querySelector('.menu button')?.focus();
    return () => {
      removeEventListener('keydown', close);
      removeEventListener('pointerdown', close);
    };
  }, [open]);
  const button = useRef(null);
  const leave = () => {
    setOpen(false);
    button.current?.focus();
  };
  const choose = (changes) => {
    leave();
    go(link(location.pathname, { ...ofView(), ...changes }));
  };
  const custom = (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const from = zoned(form.get('from'), zone);
    const to = zoned(form.get('to'), zone);
    if (from && to && from < to) choose({ from: String(from), to: String(to) });
  };
  const now = live.now();
  return html`<div class="range" ref=${box}>
    <button type="button" class="pick" ref=${button} aria-expanded=${open} onClick=${() => setOpen(!open)}>
      <span class="sr">${phrase('range.choose')}: </span>${text}<svg class="caret" viewBox="0 0 10 6" aria-hidden="true"><path d="M1 1l4 4 4-4" /></svg></button>
    ${open && html`<div class="menu" role="group" aria-label=${phrase('range.choose')}>
      ${CHOICES.map((from) => html`<button type="button" aria-pressed=${range.name === from} onClick=${() => choose({ from: from === 'shift' ? null : from, to: null })}>${phrase(`range.${from}`)}</button>`)}
      <form onSubmit=${custom}>
        <label>${phrase('range.from')} <input type="datetime-local" name="from" required defaultValue=${local(now - 8 * 3_600_000, zone)} /></label>
        <label>${phrase('range.to')} <input type="datetime-local" name="to" required defaultValue=${local(now, zone)} /></label>
        <button class="primary">${phrase('range.show')}</button>
      </form></div>`}
  </div>`;
}

/** Wall-clock text of a zone, as a date field wants it. */
export function local(ms, zone) {
  const parts = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).formatToParts(ms);
  const of = Object.fromEntries(parts.map((part) => [part.type, part.value]));
  return `${of.year}-${of.month}-${of.day}T${of.hour}:${of.minute}`;
}

/** The instant of a zone's wall-clock text, null if it is none. */
export function zoned(text, zone) {
  const guess = Date.parse(`${text}Z`);
  if (Number.isNaN(guess)) return null;
  const offset = (ms) => Date.parse(`${local(ms, zone)}Z`) - ms;
  return guess - offset(guess - offset(guess)); // the clocks may change between the guess and what is meant
}
