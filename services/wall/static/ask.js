// Questions to the interface under /api/v1. A question that several parts of a page ask is asked once; the last answer
// stays on the screen while a newer one is fetched, and when it cannot be fetched the page says so and tries again.

import { useEffect, useState } from './lib.js';
import { live } from './live.js';
import { movesNumbers, newest } from './numbers.js';
import { refresh } from './range.js';

const SOONEST_MS = 1_000; // after a change, an answer is asked for again, but not sooner than this after the last
const GATHERED_MS = 150; // what changes together is asked for together, and the store has it by then
const asked = new Map();

export class Question {
  constructor(url) {
    this.url = url;
    this.data = undefined;
    this.error = null;
    this.users = new Set();
    this.timer = null;
    this.due = Infinity;
    this.at = -Infinity;
    this.control = null;
    this.outdated = false; // something changed while the answer was on its way
    this.failures = 0;
  }

  async ask() {
    this.rest();
    this.at = performance.now();
    this.outdated = false;
    this.control = new AbortController();
    const control = this.control;
    try {
      // Not by the page's own address, which may hold a password: such an address cannot be fetched.
      const answer = await fetch(location.origin + this.url, { signal: control.signal });
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.detail ?? answer.statusText);
      this.data = body;
      this.error = null;
      this.failures = 0;
    } catch (error) {
      if (control.signal.aborted) return;
      this.error = error;
      this.failures += 1;
    }
    this.control = null;
    this.notify();
    const every = Math.min(...[...this.users].map((user) => user.every ?? Infinity));
    const pause = this.error ? Math.min(2_000 * 2 ** this.failures, 30_000) : every;
    if (!this.users.size) return;
    if (Number.isFinite(pause)) this.later(pause);
    if (this.outdated) this.hurry();
  }

  /** Ask after a pause, unless that is due sooner already: however often it is called, it never puts a question off. */
  later(pause) {
    const due = performance.now() + pause;
    if (this.timer !== null && this.due <= due) return;
    clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(() => {
      this.rest();
      if (document.hidden) this.later(1_000);
      else this.ask();
    }, pause);
  }

  rest() {
    clearTimeout(this.timer);
    this.timer = null;
    this.due = Infinity;
  }

  /** Something that the answer depends on has changed. */
  hurry() {
    this.outdated = true;
    if (this.control || this.error) return; // it is asked for again when this answer is here
    const soonest = Math.min(...[...this.users].map((user) => user.soonest ?? SOONEST_MS));
    this.later(Math.max(GATHERED_MS, soonest - (performance.now() - this.at)));
  }

  notify() {
    for (const user of this.users) user.draw();
  }

  leave(user) {
    this.users.delete(user);
    if (this.users.size) return;
    this.rest();
    this.control?.abort();
    this.control = null;
    // Held for a moment, so that going back to a view shows it at once.
    setTimeout(() => !this.users.size && asked.get(this.url) === this && asked.delete(this.url), 60_000);
  }
}

/**
 * Ask, and be drawn again with each answer: `[data, error]`; data is undefined until the first.
 * `every` ms it is asked again; `on(path, names)` returns at which changes it is to be asked again at once, but not
 * sooner than `soonest` ms after the last time.
 */
export function useAsk(url, { every, on, soonest } = {}) {
  const [, again] = useState(0);
  useEffect(() => {
    if (!url) return undefined;
    let question = asked.get(url);
    if (!question) asked.set(url, (question = new Question(url)));
    const user = { every, soonest, draw: () => again((count) => count + 1) };
    question.users.add(user);
    if (!question.control && performance.now() - question.at > (every ?? Infinity) / 2) question.ask();
    else if (question.data === undefined && !question.control) question.ask();
    else if (every && !question.timer && !question.control) question.later(every);
    const sample = on && ((path, names) => on(path, names) && question.hurry());
    if (sample) live.samples.add(sample);
    return () => {
      if (sample) live.samples.delete(sample);
      question.leave(user);
    };
  }, [url, every]);
  const question = url ? asked.get(url) : null;
  return [question?.data, question?.error ?? null];
}

/** Whether something on the screen still waits for its first answer. */
export const isAsking = () => [...asked.values()].some((question) => question.users.size && question.data === undefined && !question.error);

/** The address of a question, parts that are not there left out; lists are repeated. */
export function address(path, parts) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parts)) {
    for (const each of Array.isArray(value) ? value : [value]) if (each !== undefined && each !== null) query.append(name, each);
  }
  return `/api/v1/${path}?${query}`;
}

/** Always a list: the interface gives a document for one asset, and a list for several. */
export const listed = (data) => (data === undefined ? [] : Array.isArray(data) ? data : [data]);

const FULL_MS = 60_000; // numbers come with the stream; what only an answer has is asked for so often

/**
 * The answers (`kpi`) or plans (`plan`) of assets over a range, by asset: as the stream sends them, else as they are
 * asked for. `[map, error]`.
 */
export function useNumbers(what, assets, range) {
  const sent = range.isLive && live.numbers.areSent(range.from, performance.now());
  const url = assets && address(what, { asset: assets, from: range.from, to: range.to });
  const [data, error] = useAsk(url, { every: sent ? FULL_MS : refresh(range), on: range.isLive && !sent && moves('') });
  const unsent = sent ? assets?.filter((asset) => live.numbers.unsent.has(asset)) : [];
  const [rest] = useAsk(unsent?.length ? address(what, { asset: unsent, from: range.from, to: range.to }) : null, { every: refresh(range), on: moves('') });
  const found = new Map([...listed(data), ...listed(rest)].map((each) => [each.asset, each]));
  if (sent) for (const [asset, each] of live.numbers.of[what]) if (assets?.includes(asset)) found.set(asset, newest(found.get(asset), each));
  return [found, sent ? null : error];
}

/** Changes that move indicators: states and counts of the assets under `asset`. */
export const moves = (asset) => (path, names) => movesNumbers(names) && path.split('/').length === 4 && (!asset || path === asset || path.startsWith(`${asset}/`));
