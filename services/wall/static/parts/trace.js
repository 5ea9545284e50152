// One signal as a small trace: its history over the range, the live samples after it, the normal band behind it. All
// traces of a page share their cursor; dragging over one zooms all of them, by way of the address.

import { html, loadPlot, useEffect, useRef, useState } from '../lib.js';
import { live } from '../live.js';
import { phrase } from '../words.js';
import { clock, number, span, steady, unit } from '../format.js';

const MOST_LIVE = 900; // live samples held after the history, which is asked for again every few minutes
const DRAW_MS = 1_000;
const TALL = 68;
const traces = new Set();

// One timer draws all traces of the page, so that they cost one wake-up a second.
setInterval(() => !document.hidden && traces.forEach((trace) => trace.draw()), DRAW_MS);
const dressed = new MutationObserver(() => traces.forEach((trace) => trace.dress()));
dressed.observe(document.documentElement, { attributes: true, attributeFilter: ['data-scheme', 'data-theme'] });
// On paper every trace is drawn, those that are not on the screen, too.
addEventListener('beforeprint', () => traces.forEach((trace) => trace.show()));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => traces.forEach((trace) => trace.dress()));

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

class Trace {
  constructor(uPlot, box, info, zoom, point) {
    Object.assign(this, { uPlot, box, info, zoom, point });
    this.history = [[], [], [], []];
    this.tail = [];
    this.seen = true;
    this.edges = [0, 1];
    this.dress();
    traces.add(this);
    this.watch = new IntersectionObserver(([entry]) => {
      this.seen = entry.isIntersecting;
      if (this.seen) this.draw(true);
    });
    this.watch.observe(box);
    this.size = new ResizeObserver(() => box.clientWidth && this.plot.setSize({ width: box.clientWidth, height: this.tall() }));
    this.size.observe(box);
  }

  tall() {
    return Math.round(this.box.clientHeight) || TALL;
  }

  dress() {
    this.plot?.destroy();
    const ink = colour('ink');
    const { info } = this;
    const band = colour('track');
    const limit = colour('down');
    this.plot = new this.uPlot(
      {
        width: this.box.clientWidth || 300, height: this.tall(), padding: [2, 0, 2, 0],
        legend: { show: false }, axes: [{ show: false }, { show: false }],
        cursor: { sync: { key: 'corridor' }, drag: { x: true, y: false, setScale: false }, y: false, points: { size: 5 } },
        select: { show: true },
        scales: { x: { time: true, range: () => this.edges }, y: { range: (_, low, high) => this.reach(low, high) } },
        series: [
          {},
          { stroke: 'transparent' }, { stroke: 'transparent' },
          { stroke: ink, width: 1.25, points: { show: (plot, series, first, last) => last - first < 3 } },
        ],
        bands: [{ series: [2, 1], fill: `color-mix(in srgb, ${ink} 22%, transparent)` }],
        hooks: {
          drawClear: [(plot) => {
            const { ctx, bbox } = plot;
            const y = (value) => Math.min(Math.max(plot.valToPos(value, 'y', true), bbox.top), bbox.top + bbox.height);
            if (info?.low != null || info?.high != null) {
              const top = info.high == null ? bbox.top : y(info.high);
              const low = info.low == null ? bbox.top + bbox.height : y(info.low);
              ctx.fillStyle = band;
              ctx.fillRect(bbox.left, top, bbox.width, low - top);
            }
            ctx.strokeStyle = limit;
            for (const edge of [info?.alarm_low, info?.alarm_high]) {
              if (edge == null || edge < plot.scales.y.min || edge > plot.scales.y.max) continue;
              ctx.setLineDash([4, 4]);
              ctx.beginPath();
              ctx.moveTo(bbox.left, y(edge));
              ctx.lineTo(bbox.left + bbox.width, y(edge));
              ctx.stroke();
              ctx.setLineDash([]);
            }
          }],
          setCursor: [(plot) => this.point(plot.cursor.idx == null ? null : [plot.data[0][plot.cursor.idx] * 1000, plot.data[3][plot.cursor.idx]])],
          setSelect: [(plot) => {
            const { left, width } = plot.select;
            if (width > 8) this.zoom(plot.posToVal(left, 'x') * 1000, plot.posToVal(left + width, 'x') * 1000);
            plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
          }],
        },
      },
      this.data(),
      this.box,
    );
  }

  /** The value axis: what was seen, and the normal band where that does not flatten it. */
  reach(low, high) {
    let [least, most] = [low ?? 0, high ?? 1];
    const { info } = this;
    const size = Math.max(most - least, Math.abs(most) * 1e-3, 1e-9);
    if (info?.low != null && least - info.low < 3 * size) least = Math.min(least, info.low);
    if (info?.high != null && info.high - most < 3 * size) most = Math.max(most, info.high);
    const room = Math.max(most - least, Math.abs(most) * 1e-3, 1e-9) * 0.06;
    return [least - room, most + room];
  }

  load(series, from, ends) {
    const at = series ? series.at.map((time) => time / 1000) : [];
    this.history = series ? [at, series.least, series.greatest, series.mean] : [[], [], [], []];
    const step = at.length > 1 ? at[1] - at[0] : 0;
    const last = at.length ? at[at.length - 1] + step : from / 1000;
    this.tail = this.tail.filter(([time]) => time > last);
    this.edges = [from / 1000, ends / 1000];
    this.draw(true);
  }

  add(time, value) {
    const at = time / 1000;
    const last = this.tail.at(-1)?.[0] ?? this.history[0].at(-1) ?? -Infinity;
    if (at <= last) return;
    this.tail.push([at, value]);
    if (this.tail.length > MOST_LIVE) this.tail = this.tail.filter((_, place) => place % 2 || place > MOST_LIVE / 2);
    this.fresh = true;
  }

  slide(from, ends) {
    this.edges = [from / 1000, ends / 1000];
  }

  data() {
    const [at, least, greatest, mean] = this.history;
    const times = this.tail.map(([time]) => time);
    const values = this.tail.map(([, value]) => value);
    return [[...at, ...times], [...least, ...values], [...greatest, ...values], [...mean, ...values]];
  }

  show() {
    this.seen = true;
    this.draw(true);
  }

  draw(now = false) {
    if (!this.seen || (!this.fresh && !now && !this.sliding)) return;
    this.fresh = false;
    this.plot.setData(this.data());
    this.onReach?.(this.extent());
  }

  /** Least and greatest value that is drawn. */
  extent() {
    const [, least, greatest] = this.plot.data;
    let [low, high] = [Infinity, -Infinity];
    for (let place = 0; place < least.length; place += 1) {
      if (least[place] !== null && least[place] < low) low = least[place];
      if (greatest[place] !== null && greatest[place] > high) high = greatest[place];
    }
    return low <= high ? { min: low, max: high } : null;
  }

  end() {
    traces.delete(this);
    this.watch.disconnect();
    this.size.disconnect();
    this.plot.destroy();
  }
}

/** A signal: its name, its value now (or under the cursor), and its trace. */
export function Signal({ path, name, info, series, from, ends, isLive, zone, zoom }) {
  const fact = live.fact(path, `signal/${name}`);
  const box = useRef(null);
  const trace = useRef(null);
  const [point, setPoint] = useState(null);
  const [ready, setReady] = useState(false);
  const [axis, setAxis] = useState(null);
  const value = fact?.[1];
  const drawn = typeof value === 'number' || typeof value === 'boolean' || (value === undefined && series && !series.text);

  useEffect(() => {
    if (!drawn) return undefined;
    let gone = false;
    loadPlot().then((uPlot) => {
      if (gone || !box.current) return;
      trace.current = new Trace(uPlot, box.current, info, zoom, setPoint);
      trace.current.onReach = (reach) => setAxis((former) => (reach && former && former[0] === reach.min && former[1] === reach.max ? former : reach && [reach.min, reach.max]));
      setReady(true);
    });
    return () => {
      gone = true;
      trace.current?.end();
      trace.current = null;
    };
  }, [drawn, path, name]);
  useEffect(() => {
    if (trace.current) trace.current.load(series, from, ends);
  }, [series, ready, isLive ? null : from, isLive ? null : ends]);
  useEffect(() => {
    if (!isLive) return undefined;
    const sample = (asset, names) => {
      const sample = asset === path && names[`signal/${name}`];
      if (sample && trace.current) trace.current.add(sample[0], Number(sample[1]));
    };
    live.samples.add(sample);
    return () => live.samples.delete(sample);
  }, [path, name, isLive]);
  if (trace.current && isLive) {
    trace.current.slide(from, ends);
    trace.current.sliding = true;
  }

  const units = unit(info?.unit || series?.unit || fact?.[2]);
  const past = point && typeof point[1] === 'number';
  const shown = past ? point[1] : isLive ? value : series?.mean?.findLast((each) => each !== null) ?? series?.text?.findLast((each) => each !== null);
  const old = isLive && fact && live.now() - fact[0] > 60_000;
  const beyond = isLive && typeof shown === 'number' && info ? rating(shown, info) : '';
  return html`<div class="signal ${old || fact?.[3] ? 'hatched' : ''}">
    <p><span class="signal-name" title=${name}>${info?.title || name}</span><b class=${beyond}>${text(shown)}${units && typeof shown !== 'string' ? html`<small> ${units}</small>` : ''}</b></p>
    ${drawn ? html`<div class="plot" ref=${box} role="img" aria-label="${info?.title || name}: ${text(shown)} ${units}"></div>` : html`<div class="plot flat"></div>`}
    <p class="beside"><span>${past ? clock(point[0], zone, { secs: true }) : fact?.[3] ? phrase('unknown.age') : old ? phrase('stale', span(live.now() - fact[0])) : band(info, units)}</span>${axis && drawn ? html`<span class="reach">${number(axis[0])} … ${number(axis[1])}</span>` : ''}</p></div>`;
}

const rating = (value, info) => ((info.alarm_high != null && value > info.alarm_high) || (info.alarm_low != null && value < info.alarm_low) ? 't-down' : (info.high != null && value > info.high) || (info.low != null && value < info.low) ? 't-attention' : '');
const band = (info, units) => (info && (info.low != null || info.high != null) ? phrase('band', info.low == null ? '–' : number(info.low), `${info.high == null ? '–' : number(info.high)} ${units}`) : '');

function text(value) {
  if (value === undefined || value === null) return '–';
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'string') return value;
  return Number.isInteger(value) ? steady(value, 0) : number(value);
}
