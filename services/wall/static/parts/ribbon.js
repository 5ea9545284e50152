// Ribbons: the states of a machine over a range, as one strip of time. History is fetched; the open interval grows and new
// ones are added from the live state, so that a ribbon never waits.

import { html, useMemo, useRef } from '../lib.js';
import { live } from '../live.js';
import { categoryOf, Icon, STATES } from '../states.js';
import { phrase } from '../words.js';
import { clock, offsetMs, span } from '../format.js';

/**
 * A machine's intervals [from, to, state, reason] up to now: history, with what has happened since put at its end, each
 * state that came with the stream in turn.
 */
export function intervalsTo(history, path, until, isLive) {
  const intervals = history ? [...history] : [];
  if (!isLive) return intervals;
  const now = live.fact(path, 'state');
  const last = intervals.at(-1);
  if (!now) return last ? [...intervals.slice(0, -1), [last[0], until, last[2], last[3]]] : [];
  if (!last) return now.since === null || now.since >= until ? [] : [[now.since, until, now.state, now.reason]];
  for (const each of live.trail(path)) if (each.since > last[0]) append(intervals, each, until);
  append(intervals, now, until);
  return intervals;
}

/** End the last interval where a state begins, or let it go on if it is the same state. */
function append(intervals, { since, state, reason }, until) {
  const [start, end, was, why] = intervals.at(-1);
  const because = state === 'unknown' ? '' : reason;
  if (was === state && why === because) {
    intervals[intervals.length - 1] = [start, until, was, why];
    return;
  }
  const began = Math.min(Math.max(since ?? end, start), until);
  intervals[intervals.length - 1] = [start, began, was, why];
  intervals.push([began, until, state, because]);
}

/** Where a category stands in the strip, top and height in per cent: what it is is seen without its colour, too. */
const HEIGHTS = { off: [85, 15], idle: [70, 30], run: [20, 80], act: [0, 60], wait: [45, 55], unknown: [0, 100], down: [0, 100] };

/** How wide a strip is in its own units, and what stands closer together than this is drawn as one. */
const WIDE = 1_000;
const CLOSE = 0.3;

/**
 * What a strip shows between two times: for each category that occurs the path of its areas, what matters more after what
 * it may cover. However many intervals there are, a path has at most some thousand areas, and a strip a path a category.
 */
export function shapes(intervals, from, ends) {
  const at = (time) => (Math.min(Math.max(time, from), ends) - from) / (ends - from) * WIDE;
  const areas = new Map(Object.keys(HEIGHTS).map((kind) => [kind, []]));
  for (const [start, end, state] of intervals) {
    if (end <= from || start >= ends) continue;
    const [list, left, right] = [areas.get(categoryOf(state)), at(start), at(end)];
    const last = list.at(-1);
    if (last && left - last[1] < CLOSE) last[1] = right;
    else list.push([left, right]);
  }
  const path = ([kind, list]) => [kind, list.map(([left, right]) => `M${+left.toFixed(2)} ${HEIGHTS[kind][0]}H${+right.toFixed(2)}v${HEIGHTS[kind][1]}H${+left.toFixed(2)}z`).join('')];
  return [...areas].filter(([, list]) => list.length).map(path);
}

/** A strip is some hundred pixels wide: a time that moves by less than this, in ms, changes nothing in it. */
export const stepOf = (range) => 2 ** Math.ceil(Math.log2(Math.max(range / MOST_STEPS, SOONEST_MS * live.rate)));

const MOST_STEPS = 1_000;
const SOONEST_MS = 1_000;

/**
 * The strip itself. `from` and `ends` are the edges of the picture in ms, `now` where time stands. With `stops`, an
 * address, it leads to the list of its stops.
 */
export function Ribbon({ intervals, from, ends, now, zone, label, tall, stops, go }) {
  const range = ends - from;
  const tip = useRef(null);
  // Drawn again only when an interval, or the step that time has reached, changes.
  const step = Math.floor(now / stepOf(range));
  const key = intervals.length ? `${intervals.length}|${intervals.at(-1)[0]}|${intervals.at(-1)[2]}|${intervals[0][0]}` : '';
  return useMemo(() => {
    const text = summary(label, intervals, from);
    const point = (event) => {
      const box = event.currentTarget.getBoundingClientRect();
      const time = from + ((event.clientX - box.left) / box.width) * range;
      const found = intervals.find(([start, end]) => start <= time && time < end);
      tip.current.textContent = found ? tipOf(...found, zone) : '';
    };
    const strip = html`<svg class="ribbon ${tall ? 'tall' : ''}" role=${stops ? undefined : 'img'} aria-hidden=${stops ? 'true' : undefined} aria-label=${stops ? undefined : text} onPointerMove=${point} onPointerDown=${point}>
      <title ref=${tip}></title>
      <svg viewBox="0 0 ${WIDE} 100" width="100%" height="100%" preserveAspectRatio="none">${shapes(intervals, from, ends).map(([kind, path]) => html`<path key=${kind} class="f-${kind}" d=${path} />`)}</svg>
      ${now > from && now < ends && html`<rect class="now" x="${(((now - from) / range) * 100).toFixed(3)}%" width="1.5" height="100%" />`}
    </svg>`;
    return stops ? html`<a class="rlink" href=${stops} onClick=${go?.click} aria-label="${text}. ${phrase('stops.link')}">${strip}</a>` : strip;
  }, [key, step, from, ends, tall, stops]);
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
export function Axis({ from, ends, zone, most = 4 }) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 10080].map((minutes) => minutes * 60_000);
  const room = innerWidth < 640 ? 3 : most;
  const step = steps.find((each) => (ends - from) / each <= room) ?? steps.at(-1);
  const offset = offsetMs(from, zone);
  const ticks = [];
  for (let time = Math.ceil((from + offset) / step) * step - offset; time <= ends; time += step) ticks.push(time);
  const place = (time) => ((time - from) / (ends - from)) * 100;
  return html`<div class="axis" aria-hidden="true">${ticks.filter((time) => place(time) < 94 || ends - time < step / 50).map((time) => html`<span class=${place(time) < 2 ? 'first' : place(time) > 97 ? 'last' : ''} style=${{ left: `${place(time)}%` }}>${step >= 86_400_000 ? clock(time, zone, { date: true }).split(',')[0] : clock(time, zone)}</span>`)}</div>`;
}
