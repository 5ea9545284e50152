// The devices: every asset that ever spoke and how it speaks, lines to copy so that another can join, what arrives as it
// arrives with what it means, and what was rejected with the reason and a hint.

import { html, useState } from '../lib.js';
import { useLive } from '../live.js';
import { address, useAsk } from '../ask.js';
import { phrase } from '../words.js';
import { age, clock, number, plain, span } from '../format.js';
import { link } from '../range.js';
import { StateWord } from '../states.js';
import { Join } from '../parts/join.js';
import { Frame } from '../parts/frame.js';

export function Devices({ go, bare }) {
  const live = useLive();
  const zone = live.zone('');
  const machines = live.machines();
  return html`<${Frame} crumbs=${[[phrase('devices'), '']]} go=${go} zone=${zone} bare=${bare}>
    <div class="two"><${Join} live=${live} /><${Arrivals} live=${live} zone=${zone} /></div>
    <section class="card stack"><h2>${phrase('dev.title')}</h2><${Table} live=${live} machines=${machines} go=${go} /></section>
    <${Rejected} live=${live} zone=${zone} />
  <//>`;
}

function Table({ live, machines, go }) {
  const now = live.now();
  if (!machines.length) return html`<p class="beside">${phrase('empty.title')}</p>`;
  return html`<div class="scroll"><table class="devices"><thead><tr>${['machine', 'state', 'seen', 'rate', 'kinds', 'clock', 'rejected', 'real'].map((name) => html`<th scope="col" key=${name}>${phrase(`dev.${name}`)}</th>`)}</tr></thead><tbody>${machines.map((path) => html`<${Row} key=${path} live=${live} path=${path} now=${now} go=${go} />`)}</tbody></table></div>`;
}

function Row({ live, path, now, go }) {
  const current = live.fact(path, 'state') ?? { state: 'unknown' };
  const device = live.fact(path, 'device');
  const kinds = Object.entries(device?.kinds ?? {}).sort((one, other) => other[1] - one[1]).map(([kind]) => kind);
  return html`<tr class=${current.silent || current.online === false ? 'hatched' : ''}>
    <th scope="row"><a href=${link(`/machine/${path}`)} onClick=${go.click}>${live.title(path)}</a><small> ${path}</small></th>
    <td><${StateWord} state=${current.state} /></td>
    <td>${device?.seen ? phrase('ago', age(now - device.seen)) : phrase('dev.never')}</td>
    <td>${device ? number(device.rate) : '–'}</td>
    <td class="kinds">${kinds.join(', ')}</td>
    <td class=${Math.abs(device?.clock_ms ?? 0) > 5_000 ? 't-attention' : ''}>${clockText(device?.clock_ms)}</td>
    <td class=${device?.refused ? 't-wait' : ''}>${device?.refused || ''}</td>
    <td>${current.simulated === undefined ? '' : phrase(current.simulated ? 'simulated' : 'real')}</td></tr>`;
}

function clockText(ms) {
  if (ms === null || ms === undefined) return '–';
  if (Math.abs(ms) < 1) return '0 ms';
  const size = Math.abs(ms) < 2_000 ? `${number(Math.abs(ms))} ms` : span(Math.abs(ms));
  return `${ms > 0 ? '−' : '+'}${size}`;
}

/** Messages as they arrive; they stand still while the pointer is on them or a filter is being read. */
function Arrivals({ live, zone }) {
  const [only, setOnly] = useState('');
  const [held, hold] = useState(null);
  const messages = (held ?? live.messages).filter((message) => !only || message.topic.includes(only)).slice(-12).reverse();
  return html`<section class="card stack"><h2>${phrase('arrives.title')}<span class="tools"><label><span class="sr">${phrase('arrives.filter')}</span><input type="search" placeholder=${phrase('arrives.filter')} value=${only} onInput=${(event) => setOnly(event.target.value)} /></label><button type="button" class="pick" aria-pressed=${Boolean(held)} onClick=${() => hold(held ? null : live.messages)}>${phrase(held ? 'arrives.go' : 'arrives.pause')}</button></span></h2>
    ${messages.length === 0 ? html`<p class="beside">${phrase('arrives.none')}</p>` : html`<ol class="messages">${messages.map((message) => html`<${Message} key=${message.number} message=${message} zone=${zone} live=${live} />`)}</ol>`}</section>`;
}

function Message({ message, zone, live }) {
  return html`<li class=${message.problem ? 'bad' : ''}><p class="split"><code>${message.topic.replace(/^corridor\/v1\//, '')}</code><small>${message.retained ? `${phrase('retained')} · ` : ''}${clock(message.at, zone, { secs: true })}</small></p>
    <code class="payload">${message.payload}</code>
    ${message.problem ? html`<p class="t-wait">${message.problem} → ${message.cure}</p>` : html`<p class="beside">${meaning(message, live)}${message.as_text ? html` <b class="t-attention">${phrase('arrives.as-text', message.as_text.join(', '))}</b>` : ''}</p>`}</li>`;
}

/** What a message means, in a few words. */
function meaning(message, live) {
  const meanings = (message.means ?? []).map((event) => {
    switch (event.kind) {
      case 'telemetry': return `${event.signal} = ${typeof event.value === 'number' ? plain(event.value) : event.value ?? 0}${event.unit ? ` ${event.unit}` : ''}`;
      case 'state': return `${phrase('dev.state')}: ${phrase(`state.${event.state}`)}${event.reason ? `, ${live.reason(event.reason)}` : ''}`;
      case 'status': return event.online ? 'online' : 'offline';
      default: return `${event.kind}: ${Object.entries(event).filter(([name]) => !['kind', 'at', 'simulated', 'time_source'].includes(name)).map(([name, value]) => `${name} ${typeof value === 'number' ? plain(value) : value}`).join(', ')}`;
    }
  });
  return meanings.join(' · ');
}

function Rejected({ live, zone }) {
  const [stored, error] = useAsk(address('rejected', { from: 'now-1d', limit: 100 }), { every: 30_000 });
  const received = [...live.rejections].reverse();
  const oldest = received.at(-1)?.at ?? Infinity;
  const before = (stored ?? []).filter((each) => Date.parse(each.at) < oldest).map((each) => ({ at: Date.parse(each.at), topic: each.topic, payload: each.payload, problem: each.reason, cure: '' }));
  const all = [...received, ...before].slice(0, 100);
  return html`<section class="card stack"><h2>${phrase('rejected.title')}</h2>${error && html`<p class="trouble" role="status">${phrase('error', error.message)} · ${phrase('trying')}</p>`}${all.length === 0 ? html`<p class="beside">${stored ? phrase('rejected.none') : phrase('loading')}</p>` : html`<div class="scroll"><table class="rejected"><tbody>${all.map((each, place) => html`<tr key="${each.number ?? `${each.at} ${place}`}"><td>${clock(each.at, zone, { secs: true })}</td><td><code>${each.topic.replace(/^corridor\/v1\//, '')}</code></td><td><code class="payload">${each.payload.slice(0, 120)}</code></td><td class="t-wait">${each.problem}</td><td>${each.cure}</td></tr>`)}</tbody></table></div>`}</section>`;
}
