// The numbers of now: answers and plans that come with the stream, and whether what is shown is older than what was
// reported. Nothing is worked out here: an answer is what the server computed.

const SILENT_MS = 15_000; // the server sends numbers every few seconds while a page looks at them
const OLD_MS = 1_000; // a figure that a message changes is that much older at most, or marked

/** States, counts and orders: what changes numbers. */
export const movesNumbers = (names) => 'state' in names || 'count' in names || 'job' in names;

export class Numbers {
  constructor() {
    this.clear();
  }

  clear() {
    this.from = null;
    this.at = -Infinity;
    this.of = { kpi: new Map(), plan: new Map() };
    this.moved = new Map();
    this.unsent = new Set(); // of what has very many machines: it is asked for
  }

  /** Take what the stream sent, at a time of `performance.now()`. */
  take(sent, at) {
    if (sent.from !== this.from) this.of = { kpi: new Map(), plan: new Map() };
    this.from = sent.from;
    this.at = at;
    this.unsent = new Set(sent.unsent);
    for (const each of sent.answers) this.of.kpi.set(each.asset, each);
    for (const each of sent.plans) this.of.plan.set(each.asset, each);
  }

  /** Whether numbers from a begin come with the stream. */
  areSent(from, at) {
    return this.from === from && at - this.at < SILENT_MS;
  }

  /** Note that a machine reported something that changes numbers: its own, and those of its line, area and site. */
  move(path, names) {
    const levels = path.split('/');
    if (levels.length !== 4 || !movesNumbers(names)) return;
    const at = Math.max(names.state?.since ?? 0, names.count?.at ?? 0, names.job?.since ?? 0);
    for (let depth = 0; depth <= 4; depth += 1) {
      const asset = levels.slice(0, depth).join('/');
      this.moved.set(asset, Math.max(this.moved.get(asset) ?? 0, at));
    }
  }

  /** How old the oldest of some answers is (ms), of those that lack something that was reported a while ago; else null. */
  age(answers, now) {
    let oldest = null;
    for (const { asset, counted_to: to } of answers) {
      const until = Date.parse(to);
      const moved = this.moved.get(asset) ?? 0;
      if (until < moved && now - moved > OLD_MS && now - until > (oldest ?? 0)) oldest = now - until;
    }
    return oldest;
  }
}

const merged = new WeakMap();

/**
 * The newest of two answers about one asset: what was asked for has all members, what was sent those that are shown. The
 * same two give the same object, so that what shows it need not be drawn again.
 */
export function newest(asked, sent) {
  if (!sent) return asked;
  if (!asked) return sent;
  const end = (each) => Date.parse(each.counted_to ?? each.to);
  if (end(asked) > end(sent)) return asked;
  const known = merged.get(sent);
  if (known?.asked === asked) return known.made;
  const made = { ...asked, ...sent, indicators: { ...asked.indicators, ...sent.indicators }, ledger: { ...asked.ledger, ...sent.ledger } };
  merged.set(sent, { asked, made });
  return made;
}
