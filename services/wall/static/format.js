// How numbers, times and units are written: at most three significant figures on tiles, thousands apart by a thin space,
// a real minus, units always. Formatting only: no number is worked out here.

import { own } from './own.js';

const THIN = '\u202f';
const MINUS = '−';

/** A number with at most `figures` significant figures; whole digits before the point stay. */
export function number(value, figures = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : MINUS + '∞';
  const size = Math.abs(value);
  const whole = size < 1 ? 0 : Math.floor(Math.log10(size)) + 1;
  const digits = size === 0 ? 0 : Math.max(0, size < 1 ? figures - 1 - Math.floor(Math.log10(size)) : figures - whole);
  if (size > 0 && size < 1e-4) return value.toExponential(2).replace('-', MINUS);
  return group(value.toFixed(Math.min(digits, 8)).replace(/\.?0+$/, (zeros) => (zeros.includes('.') ? '' : zeros)));
}

/** A number as it is, to at most eight figures: for what a device sent. */
export const plain = (value) => group(String(Number(value.toPrecision(8))));

/** The same digits after the point whatever the value, so that a live number does not jump about. */
export function steady(value, digits) {
  return value === null || value === undefined ? '–' : group(value.toFixed(digits));
}

/** Pieces: whole where they are whole. */
export const pieces = (value) => (value === null || value === undefined ? '–' : group(Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 1 : 0)));

/** A difference, with its sign. */
export function difference(value) {
  if (value === null || value === undefined) return '–';
  const rounded = Math.round(value);
  return rounded === 0 ? '±0' : (rounded > 0 ? '+' : '') + pieces(rounded);
}

/** A ratio as per cent, without the sign: one digit after the point. */
export const percent = (ratio) => (ratio === null || ratio === undefined ? '–' : group((ratio * 100).toFixed(Math.abs(ratio) >= 0.9995 ? 0 : 1)));

function group(text) {
  const [whole, rest] = text.replace('-', MINUS).split('.');
  const apart = whole.length > 4 || (whole.length === 4 && !whole.startsWith(MINUS)) ? whole.replace(/\B(?=(\d{3})+$)/g, THIN) : whole;
  return rest ? `${apart}.${rest}` : apart;
}

/** A span of time: 18 s, 12 min, 1 h 26 min, 3 d 4 h. */
export function span(ms) {
  if (ms === null || ms === undefined) return '–';
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 100) return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 60) return `${min} min`;
  const h = Math.floor(min / 60);
  if (h < 48) return min % 60 ? `${h} h ${min % 60} min` : `${h} h`;
  const d = Math.floor(h / 24);
  return h % 24 ? `${d} d ${h % 24} h` : `${d} d`;
}

/** Seconds as an indicator shows them. */
export function seconds(value) {
  if (value === null || value === undefined) return '–';
  if (value < 100) return `${number(value)} s`;
  if (value < 6000) return `${number(value / 60)} min`;
  return `${number(value / 3600)} h`;
}

/** Minutes of a loss. */
export const minutes = (value) => (value < 60 ? `${value < 10 ? plain(Math.round(value * 10) / 10) : number(value)} s` : value < 600 ? `${number(value / 60, 2)} min` : `${group((value / 60).toFixed(0))} min`);

/** An age with a tenth of a second while it is young. */
export const age = (ms) => (ms < 10_000 ? `${(Math.max(0, ms) / 1000).toFixed(1)} s` : span(ms));

const clocks = new Map();

/** A time of day (and the date where asked) in a zone. */
export function clock(ms, zone, { secs = false, date = false } = {}) {
  const key = `${zone}|${secs}|${date}`;
  let made = clocks.get(key);
  if (!made) {
    made = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
      ...(secs && { second: '2-digit' }), ...(date && { day: 'numeric', month: 'short' }),
    });
    clocks.set(key, made);
  }
  return made.format(ms);
}

const days = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' });

/** A date with its weekday: Tue 24 Nov. */
export const weekday = (date) => days.format(new Date(`${date}T00:00:00Z`)).replace(',', '');

const offsets = new Map();

/** How far a zone's clocks are from UTC at an instant, in ms. */
export function offsetMs(ms, zone) {
  const minute = 60_000 * Math.floor(ms / 60_000);
  const known = offsets.get(zone);
  if (known && known.minute === minute) return known.offset;
  const format = known?.format ?? new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeZoneName: 'longOffset' });
  const text = format.formatToParts(minute).find((part) => part.type === 'timeZoneName').value;
  const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)/.exec(text) ?? [null, '+', 0, 0];
  const offset = Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  offsets.set(zone, { minute, offset, format });
  return offset;
}

/** The same as text: +01:00. */
export function offset(ms, zone) {
  const minutes = offsetMs(ms, zone) / 60_000;
  const two = (value) => String(value).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}

/** A zone's name for people: its city, or UTC. */
export const zoneName = (zone) => zone.split('/').pop().replaceAll('_', ' ');

/** A date and time with the day where it is not today. */
export function when(ms, zone, now) {
  const sameDay = clock(ms, zone, { date: true }).split(',')[0] === clock(now, zone, { date: true }).split(',')[0];
  return clock(ms, zone, { date: !sameDay });
}

const UNITS = { Cel: '°C', um: 'µm', '[ppm]': 'ppm', 'deg': '°', 'K': 'K', 'm3': 'm³', 'Ohm': 'Ω', '1': '' };

/** A UCUM unit as people write it. */
export function unit(code) {
  if (!code) return '';
  return own(UNITS, code) ?? code.replaceAll('.', '·').replace(/\bum\b/g, 'µm').replace(/([a-z])([23])(?!\d)/g, (_, letter, power) => letter + (power === '2' ? '²' : '³'));
}

/** The last part of an asset path made readable, where nobody gave it a title. */
export const readable = (path) => {
  const name = path.split('/').pop().replaceAll('-', ' ');
  return name.charAt(0).toUpperCase() + name.slice(1);
};
