// Where a real device took a simulated machine over and gave it back: a strip of who reported, and each moment in words.

import { html } from '../lib.js';
import { live } from '../live.js';
import { address, useAsk } from '../ask.js';
import { phrase } from '../words.js';
import { clock } from '../format.js';
import { origin } from '../range.js';

const EVERY_MS = 15_000;

/** The answer of who reported over a range; an empty list where it was the same all the time. */
export function useOrigins(path, range, from, to) {
  const [found] = useAsk(from && address('origins', { asset: path, from: origin(range, from), to: range.isLive ? 'now' : to }), { every: range.isLive ? EVERY_MS : undefined });
  return found && found.length > 1 ? found : [];
}

/** The strip, to stand below the ribbon of states: its bands have their word where there is room for it. */
export function OriginStrip({ origins, from, ends, until }) {
  const at = (time) => ((Math.min(Math.max(time, from), ends) - from) / (ends - from)) * 100;
  return html`<div class="orders">${origins.map((each, place) => {
    const end = place === origins.length - 1 ? until : each.end;
    const word = phrase(each.simulated ? 'simulated' : 'handover.device');
    return html`<span key=${each.start} class=${each.simulated ? '' : 'device'} title=${word} style=${{ left: `${at(each.start)}%`, width: `${at(end) - at(each.start)}%` }}>${at(end) - at(each.start) > 6 ? word : ''}</span>`;
  })}</div>`;
}

/** Each moment in words. */
export function Handovers({ origins, zone }) {
  return html`<ul class="handovers" aria-label=${phrase('handover')}>${origins.slice(1).map((each) => html`<li key=${each.start}><b>${clock(each.start, zone, { secs: true, date: live.now() - each.start > 20 * 3_600_000 })}</b> ${phrase(each.simulated ? 'handover.back' : 'handover.taken')}</li>`)}</ul>`;
}
