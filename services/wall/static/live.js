// The live state on the page's side: one stream of server-sent events, merged into a table of facts. Whoever draws
// subscribes; nothing here grows: a fact replaces the one before.

import { readable } from './format.js';
import { Numbers } from './numbers.js';
import { useEffect, useState } from './lib.js';
import { own } from './own.js';
import { Roster } from './roster.js';

const MOST_STATES = 40; // of a machine, since its history was asked for: that is asked for again each minute
const DRAW_MS = 100; // a page is drawn at most ten times a second
const QUIET_MS = 12_000; // the server speaks at least every five seconds: this long without a word, it is gone

class Live {
  constructor() {
    this.facts = new Map();
    this.trails = new Map();
    this.health = {};
    this.plant = { machines: [], titles: {}, zones: {}, targets: {}, reasons: {}, products: {}, signals: {}, broker: null };
    this.roster = new Roster();
    this.messages = [];
    this.rejections = [];
    this.numbers = new Numbers();
    this.connected = false;
    this.ready = false;
    this.changed = 0;
    this.lostAt = null;
    this.listeners = new Set();
    this.drawing = null;
    this.drawnAt = -Infinity;
    this.samples = new Set();
    this.offset = 0;
    this.rate = 1;
    this.receivedAt = performance.now();
    this.scope = null;
    this.source = null;
    document.addEventListener('visibilitychange', () => (document.hidden ? this.rest() : this.open(this.scope)));
    setInterval(() => this.watch(), 2_000);
  }

  /** Look at something: the address's part after `?` of the stream. The stream is opened again if it is another. */
  look(scope) {
    if (scope === this.scope && this.source) return;
    this.open(scope);
  }

  open(scope) {
    if (scope === null) return;
    this.rest();
    this.scope = scope;
    this.source = new EventSource(`/api/v1/stream?${scope}`);
    this.source.addEventListener('snapshot', (event) => this.begin(JSON.parse(event.data)));
    this.source.addEventListener('changes', (event) => this.merge(JSON.parse(event.data)));
    this.source.addEventListener('numbers', (event) => this.count(JSON.parse(event.data)));
    this.source.addEventListener('messages', (event) => this.receive(JSON.parse(event.data)));
    this.source.onerror = () => this.lose();
  }

  /** A page that nobody sees needs no stream, and must not use up one of the browser's few connections. */
  rest() {
    this.source?.close();
    this.source = null;
  }

  watch() {
    if (document.hidden || !this.scope) return;
    if (performance.now() - this.receivedAt > QUIET_MS) {
      this.lose();
      this.open(this.scope); // a connection that broke silently is not reported by the browser
      this.receivedAt = performance.now();
    }
  }

  lose() {
    if (this.connected) this.lostAt = performance.now();
    this.connected = false;
    this.notify();
  }

  begin(sent) {
    this.facts = new Map(Object.entries(sent.facts).map(([path, names]) => [path, names]));
    this.trails.clear();
    this.plant = sent.plant;
    this.roster.begin(sent.plant.machines, this.facts.keys());
    this.rejections = sent.refusals;
    this.messages = [];
    this.numbers.clear();
    this.health = sent.health;
    this.ready = true;
    this.time(sent.now, true);
    this.changed += 1;
    this.notify();
  }

  merge(sent) {
    this.time(sent.now, false);
    if (sent.health) this.health = sent.health;
    if (sent.facts) {
      for (const [path, names] of Object.entries(sent.facts)) {
        const known = this.facts.get(path);
        if (!known) this.roster.add(path);
        // A new object, so that whoever remembers the former sees that it changed.
        this.facts.set(path, known ? { ...known, ...names } : names);
        this.numbers.move(path, names);
        if (names.state && names.state.since !== own(known, 'state')?.since) this.trails.set(path, [...this.trail(path), names.state].slice(-MOST_STATES));
        for (const sample of this.samples) sample(path, names);
      }
      this.changed += 1;
    }
    this.notify();
  }

  /** Take the numbers that have just been computed. */
  count(sent) {
    this.receivedAt = performance.now();
    this.numbers.take(sent, this.receivedAt);
    this.notify();
  }

  receive(messages) {
    this.messages = [...this.messages, ...messages].slice(-100);
    const rejected = messages.filter((message) => message.problem);
    const known = new Set(this.rejections.map((message) => message.number));
    if (rejected.length) this.rejections = [...this.rejections, ...rejected.filter((each) => !known.has(each.number))].slice(-100);
    this.notify();
  }

  /** Keep the plant's clock: it may run faster than the real one, so its speed is measured too. */
  time(now, first) {
    const here = performance.now();
    this.receivedAt = here;
    this.connected = true;
    this.lostAt = null;
    if (first || !this.clockStart) this.clockStart = { now, here };
    const passed = here - this.clockStart.here;
    if (passed > 3_000) {
      const rate = (now - this.clockStart.now) / passed;
      this.rate = Math.abs(rate - 1) < 0.05 ? 1 : rate;
      if (passed > 60_000) this.clockStart = { now, here };
    }
    this.nowThen = now;
    this.hereThen = here;
  }

  /** The plant's time now, in ms; while the connection is lost it goes on, so that ages grow. */
  now() {
    if (this.nowThen === undefined) return Date.now();
    return this.nowThen + (performance.now() - this.hereThen) * this.rate;
  }

  title(path) {
    return own(this.plant.titles, path) ?? readable(path);
  }

  zone(path) {
    const zones = this.plant.zones;
    const levels = path.split('/');
    const above = levels.map((_, place) => levels.slice(0, levels.length - place).join('/'));
    const known = above.find((each) => own(zones, each));
    return (known && own(zones, known)) ?? Object.values(zones)[0] ?? 'UTC';
  }

  product(name) {
    return own(this.plant.products, name) ?? name;
  }

  targets(path) {
    return own(this.plant.targets, path) ?? {};
  }

  reason(code) {
    return code ? own(this.plant.reasons, code) ?? code.replaceAll('-', ' ') : '';
  }

  fact(path, name) {
    return own(this.facts.get(path), name);
  }

  /** The newest states of a machine that came with the stream one after another. The list is not to be changed. */
  trail(path) {
    return this.trails.get(path) ?? [];
  }

  /** Machines in the order of their lines: declared ones first, newcomers after them. The list is not to be changed. */
  machines(under = '') {
    return this.roster.machines(under);
  }

  lines(under = '') {
    return this.roster.lines(under);
  }

  /** Have everything drawn that has changed: once for all that comes within a tenth of a second. */
  notify() {
    if (this.drawing) return;
    const due = Math.max(0, DRAW_MS - (performance.now() - this.drawnAt));
    this.drawing = setTimeout(() => {
      this.drawing = null;
      this.drawnAt = performance.now();
      for (const listener of this.listeners) listener();
    }, due);
  }
}

export const live = new Live();

/** Draw again whenever something is sent, and each `everyMs` for what ages. */
export function useLive(everyMs = 1_000) {
  const [, again] = useState(0);
  useEffect(() => {
    let drawn = 0;
    const draw = () => {
      drawn = performance.now();
      again((count) => count + 1);
    };
    live.listeners.add(draw);
    const timer = setInterval(() => performance.now() - drawn > everyMs * 0.9 && !document.hidden && draw(), everyMs);
    return () => {
      live.listeners.delete(draw);
      clearInterval(timer);
    };
  }, [everyMs]);
  return live;
}
