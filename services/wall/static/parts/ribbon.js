// Ribbons: the states of a machine over a range, as one strip of time. History is fetched; the open interval grows and new
// ones are added from the live state, so that a ribbon never waits.

import { html, useMemo } from '../lib.js';
import { live } from '../live.js';
import { categoryOf, Icon, STATES } from '../states.js';
import { phrase } from '../words.js';
import { clock, offsetMs, span } from '../format.js';

/** A machine's intervals [from, to, state, reason] up to now: history, with what has happened since put at its end. */
export function intervalsTo(history, path, until, isLive) {
  const intervals = history ? [...history] : [];
  if (!isLive) return intervals;
  const now = live.fact(path, 'state');
  const last = intervals.at(-1);
  if (!now) return last ? [...intervals.slice(0, -1), [last[0], until, last[2], last[3]]] : [];
  if (!last) return now.since === null || now.since >= until ? [] : [[now.since, until, now.state, now.reason]];
  if (last[2] === now.state && last[3] === plain(now)) intervals[intervals.length - 1] = [last[0], until, last[2], last[3]];
  else {
    const began = Math.min(Math.max(now.since ?? last[1], last[0]), until);
    intervals[intervals.length - 1] = [last[0], began, last[2], last[3]];
    intervals.push([began, until, now.state, plain(now)]);
  }
  return intervals;
}

const plain = (current) => (current.state === 'unknown' ? '' : current.reason);

/** Where a category stands in the strip, top and height in per cent: what it is is seen without its colour, too. */
const HEIGHTS = { down: [0, 100], run: [20, 80], act: [0, 60], wait: [45, 55], idle: [70, 30], off: [85, 15], unknown: [0, 100] };

/** The pixel that time has reached in a strip on a wide screen. */
export const pixelOf = (now, from, ends) => Math.round(((now - from) / (ends - from)) * 2_000);

/**
 * The strip itself. `from` and `ends` are the edges of the picture in ms, `now` where time stands. With `stops`, an
 * address, it leads to the list of its stops.
 */
export function Ribbon({ intervals, from, ends, now, zone, label, tall, stops, go }) {
  const range = ends - from;
  // Drawn again only when an interval or the pixel that time has reached changes.
  const pixel = pixelOf(now, from, ends);
  const key = intervals.length ? `${intervals.length}|${intervals.at(-1)[0]}|${intervals.at(-1)[2]}|${intervals[0][0]}` : '';
  return useMemo(() => {
    const at = (time) => `${(((Math.min(Math.max(time, from), ends) - from) / range) * 100).toFixed(3)}%`;
    const wide = (start, end) => `${Math.max(0, ((Math.min(end, ends) - Math.max(start, from)) / range) * 100).toFixed(3)}%`;
    const text = summary(label, intervals, from);
    const strip = html`<svg class="ribbon ${tall ? 'tall' : ''}" role=${stops ? undefined : 'img'} aria-hidden=${stops ? 'true' : undefined} aria-label=${stops ? undefined : text}>
      ${intervals.map(([start, end, state, reason]) => end > from && start < ends && html`<rect key=${start} class="f-${categoryOf(state)}" x=${at(start)} width=${wide(start, end)} y="${HEIGHTS[categoryOf(state)][0]}%" height="${HEIGHTS[categoryOf(state)][1]}%"><title>${tipOf(start, end, state, reason, zone)}</title></rect>`)}
      ${now > from && now < ends && html`<rect class="now" x=${at(now)} width="1.5" height="100%" />`}
    </svg>`;
    return stops ? html`<a class="rlink" href=${stops} onClick=${go?.click} aria-label="${text}. ${phrase('stops.link')}">${strip}</a>` : strip;
  }, [key, pixel, from, ends, tall, stops]);
}

/** What the heights and colours of ribbons mean. */
export const Legend = () => html`<ul class="legend" aria-label=${phrase('legend')}>${STATES.map((state) => html`<li key=${state} class="s-${categoryOf(state)}"><svg class="swatch" aria-hidden="true"><rect class="f-${categoryOf(state)}" width="100%" y="${HEIGHTS[categoryOf(state)][0]}%" height="${HEIGHTS[categoryOf(state)][1]}%" /></svg><${Icon} state=${state} />${phrase(`state.${state}`)}</li>`)}</ul>`;

function tipOf(start, end, state, reason, zone) {
  const why = reason ? ` · ${live.reason(reason)}` : '';
  return `${phrase(`state.${state}`)}${why}\n${clock(start, zone, { secs: true })} – ${clock(end, zone, { secs: true })} (${span(end - start)})`;
}

/** What a screen reader says of a ribbon. */
function summary(label, intervals, from) {
  const sums = new Map();
  let all = 0;
  for (const [start, end, state] of intervals) {
    const ms = Math.max(0, end - Math.max(start, from));
    all += ms;
    sums.set(state, (sums.get(state) ?? 0) + ms);
  }
  const parts = [...sums].sort((one, other) => other[1] - one[1]).map(([state, ms]) => `${phrase(`state.${state}`)} ${Math.round((100 * ms) / (all || 1))} %`);
  return `${label}: ${parts.join(', ') || phrase('no.data')}`;
}

/** Ticks of a time axis, at round local times. */
export function Axis({ from, ends, zone, most = 6 }) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 10080].map((minutes) => minutes * 60_000);
  const room = innerWidth < 640 ? 3 : most;
  const step = steps.find((each) => (ends - from) / each <= room) ?? steps.at(-1);
  const offset = offsetMs(from, zone);
  const ticks = [];
  for (let time = Math.ceil((from + offset) / step) * step - offset; time <= ends; time += step) ticks.push(time);
  const place = (time) => ((time - from) / (ends - from)) * 100;
  return html`<div class="axis" aria-hidden="true">${ticks.filter((time) => place(time) < 94 || ends - time < step / 50).map((time) => html`<span class=${place(time) < 2 ? 'first' : place(time) > 97 ? 'last' : ''} style=${{ left: `${place(time)}%` }}>${step >= 86_400_000 ? clock(time, zone, { date: true }).split(',')[0] : clock(time, zone)}</span>`)}</div>`;
}
