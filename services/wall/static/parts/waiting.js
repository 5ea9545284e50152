// The wait for a device's first message: that it is there, what it has and how far its clock is off; or what is wrong.

import { html, useRef } from '../lib.js';
import { number } from '../format.js';
import { phrase } from '../words.js';

const HINT_MS = 15_000;

export function Waiting({ live, asset, since }) {
  const series = useRef(new Set());
  const wrong = useRef(new Map());
  for (const message of live.messages) {
    if (message.at < since || message.retained) continue;
    const path = message.topic.split('/').slice(2, 6).join('/');
    if (message.problem && slug(path) === asset) wrong.current.set(message.problem, message);
    if (!message.problem && path === asset) {
      for (const event of message.means ?? []) series.current.add(`${event.kind}/${event.signal ?? event.meter ?? event.characteristic ?? ''}`);
    }
  }
  const device = live.fact(asset, 'device');
  const problems = [...wrong.current.values()].slice(-3);
  return html`<div class="waiting" role="status">${series.current.size
    ? html`<p class="t-running"><b>✓ ${phrase('wait.first', series.current.size, clock(device?.clock_ms))}</b></p>`
    : html`<p class="t-wait"><b>… ${phrase('wait.waits', asset)}</b></p>`}
    ${problems.map((each) => html`<p key=${each.problem} class="t-wait">${phrase('wait.rejected', each.topic)}: ${each.problem} → ${each.cure}</p>`)}
    ${!series.current.size && live.now() - since > HINT_MS && html`<p class="beside">${phrase('wait.hint', `corridor/v1/${asset}`)}</p>`}</div>`;
}

/** A path as it would be spelt in the contract's alphabet: one that is spelt otherwise is meant for the device. */
const slug = (path) => path.toLowerCase().replace(/[^a-z0-9/]+/g, '-');

function clock(ms) {
  if (ms === null || ms === undefined) return phrase('wait.no-clock');
  const size = Math.abs(ms) < 1_000 ? `${number(Math.round(Math.abs(ms)))} ms` : `${number(Math.abs(ms) / 1_000)} s`;
  return phrase(ms > 0 ? 'wait.behind' : 'wait.ahead', size);
}
