// The stops of a machine, line or site, one after another: sorted and filtered by the address, and as CSV.

import { html, useState } from '../lib.js';
import { useLive } from '../live.js';
import { address, useAsk } from '../ask.js';
import { phrase, phraseOr } from '../words.js';
import { clock, span } from '../format.js';
import { link, rangeText, refresh } from '../range.js';
import { StateWord } from '../states.js';
import { Take } from '../parts/compare.js';
import { Frame } from '../parts/frame.js';
import { crumbsTo } from '../parts/crumbs.js';
import { NONE, reasonsOf, shownStops } from '../parts/stoplist.js';

const MOST_ROWS = 500;
const COLUMNS = ['from', 'asset', 'state', 'reason', 'seconds', 'order'];

export function Stops({ path, range, go, bare }) {
  const live = useLive();
  const query = new URLSearchParams(location.search);
  const chosen = { reason: query.get('reason'), machine: query.get('machine') ?? '', sort: query.get('sort') ?? '-from' };
  const [text, search] = useState('');
  const zone = live.zone(path);
  const asked = { asset: path, from: range.from, to: range.to };
  const [stops, error] = useAsk(address('stops', asked), { every: refresh(range), on: range.isLive ? (_, names) => 'state' in names : undefined });
  const [plan] = useAsk(address('plan', asked));
  const title = (each) => live.title(each.asset);
  const shown = shownStops(stops ?? [], { ...chosen, text }, (each) => `${title(each)} ${each.asset} ${live.reason(each.reason)} ${each.reason} ${each.order}`);
  const choose = (changes) => go(link(location.pathname, { ...carried(query), ...changes }), { replace: true });
  const total = shown.reduce((sum, each) => sum + each.seconds, 0);
  const machines = [...new Set((stops ?? []).map((each) => each.asset))].sort();
  return html`<${Frame} crumbs=${[...crumbsTo(live, path), [phrase('stops'), '']]} range=${range} window=${plan} text=${rangeText(range, plan, zone)} go=${go} zone=${zone} bare=${bare}>
    ${error && html`<p class="trouble" role="status">${phrase('error', error.message)} · ${phrase('trying')}</p>`}
    <section class="card stack">
      <h2>${phrase('stops.of', path ? live.title(path) : phrase('all'))}<span class="tools">
        <label>${phrase('stops.reason')} <select value=${chosen.reason ?? '*'} onChange=${(event) => choose({ reason: event.target.value === '*' ? null : event.target.value })}>
          <option value="*">${phrase('stops.any')}</option>${reasonsOf(stops ?? []).map((reason) => html`<option key=${reason} value=${reason || NONE} selected=${(reason || NONE) === chosen.reason}>${reason ? live.reason(reason) : phrase('stops.none')}</option>`)}</select></label>
        ${machines.length > 1 && html`<label>${phrase('dev.machine')} <select value=${chosen.machine} onChange=${(event) => choose({ machine: event.target.value || null })}>
          <option value="">${phrase('stops.any')}</option>${machines.map((machine) => html`<option key=${machine} value=${machine} selected=${machine === chosen.machine}>${live.title(machine)}</option>`)}</select></label>`}
        <label><span class="sr">${phrase('search')}</span><input type="search" placeholder=${phrase('search')} value=${text} onInput=${(event) => search(event.target.value)} /></label>
        <${Take} href=${address('stops.csv', asked)} /></span></h2>
      <p class="beside" role="status">${stops ? phrase('stops.sum', shown.length, span(total * 1000)) : phrase('loading')}</p>
      ${shown.length > 0 && html`<div class="scroll" tabindex="0" role="region" aria-label=${phrase('stops')}><table class="stops"><thead><tr>${COLUMNS.map((name) => html`<th scope="col" key=${name} aria-sort=${sorted(chosen.sort, name)}><button type="button" class="sort" onClick=${() => choose({ sort: chosen.sort === `-${name}` ? name : `-${name}` })}>${phrase(`stops.${name}`)}${chosen.sort.endsWith(name) ? (chosen.sort.startsWith('-') ? ' ▾' : ' ▴') : ''}</button></th>`)}</tr></thead>
        <tbody>${shown.slice(0, MOST_ROWS).map((each) => html`<tr key="${each.asset} ${each.from}">
          <td>${clock(Date.parse(each.from), zone, { secs: true, date: true })}${each.to ? ` – ${clock(Date.parse(each.to), zone, { secs: true })}` : ''}</td>
          <td><a href=${link(`/machine/${each.asset}`)} onClick=${go.click}>${title(each)}</a></td>
          <td><${StateWord} state=${each.state} /></td>
          <td class="wrap">${each.reason ? phraseOr(`reason.${each.reason}`, live.reason(each.reason)) : html`<span class="t-attention">${phrase('stops.none')}</span>`}</td>
          <td>${span(each.seconds * 1000)}${each.to || !range.isLive ? '' : ` · ${phrase('stops.lasts')}`}</td>
          <td>${each.order ? `${each.order} · ${live.product(each.product)}` : phrase('no.order')}</td></tr>`)}</tbody></table></div>`}
      ${shown.length > MOST_ROWS && html`<p class="beside">${phrase('stops.more', shown.length - MOST_ROWS)}</p>`}
    </section>
  <//>`;
}

const sorted = (sort, name) => (!sort.endsWith(name) ? 'none' : sort.startsWith('-') ? 'descending' : 'ascending');

/** What of the address a choice keeps. */
const carried = (query) => Object.fromEntries(['reason', 'machine', 'sort'].filter((name) => query.get(name) !== null).map((name) => [name, query.get(name)]));
