// The map: all sites with their lines, machines and flows as one picture, and below it how each flow and line is doing.

import { html, useState } from '../lib.js';
import { useLive } from '../live.js';
import { useAsk, useNumbers } from '../ask.js';
import { phrase } from '../words.js';
import { percent } from '../format.js';
import { link, rangeText } from '../range.js';
import { headline } from '../parts/figures.js';
import { lossName, lostTime, topLoss } from '../parts/loss.js';
import { Frame } from '../parts/frame.js';
import { FlowStates } from '../parts/flowstates.js';

const MOST_ASKED = 199; // lines in one question
const FLOWS_MS = 15_000;

export function MapPage({ range, go, bare }) {
  const live = useLive();
  const lines = live.lines();
  const zone = live.zone(lines[0] ?? '');
  const asked = lines.slice(0, MOST_ASKED);
  const [answers, error] = useNumbers('kpi', live.ready && lines.length > 0 && asked, range);
  const [plan] = useNumbers('plan', live.ready && lines.length > 0 && asked, range);
  const first = plan.get(asked[0]);
  // The picture is asked for again where a machine has joined, also one whose device was awaited.
  const awaited = live.machines().filter((path) => live.fact(path, 'state')?.reason === 'awaiting-device').length;
  const machines = live.machines().length - awaited;
  const [flows] = useAsk(live.ready && '/api/v1/flows', { every: FLOWS_MS });
  const version = `${machines} ${(flows ?? []).flatMap((flow) => flow.on_the_way.map((each) => `${each.number}${each.is_late ? '!' : ''}`)).join(' ')}`;
  const [failed, fail] = useState('');
  return html`<${Frame} crumbs=${[[phrase('all'), '/'], [phrase('map'), '']]} range=${range} window=${first} text=${rangeText(range, first, zone)} go=${go} zone=${zone} bare=${bare} answers=${answers}>
    ${error && html`<p class="trouble" role="status">${phrase('error', error.message)} · ${phrase('trying')}</p>`}
    <section class="card stack"><h2>${phrase('map')}</h2>
      ${failed === version ? html`<p class="trouble" role="status">${phrase('map.failed')}</p>` : live.ready && html`<div class="scroll" tabindex="0" role="region" aria-label=${phrase('map')}><img class="plan" src="/api/v1/map.svg?version=${encodeURIComponent(version)}" alt=${phrase('map.alt', lines.length)} onError=${() => fail(version)} /></div>`}</section>
    ${flows?.length > 0 && html`<${FlowStates} flows=${flows} go=${go} />`}
    <section class="card stack"><h2>${phrase('map.lines')}</h2>
      <div class="scroll" tabindex="0" role="region" aria-label=${phrase('map.lines')}><table class="stops lines"><thead><tr>${['map.site', 'map.line', 'oee', 'map.loss'].map((name) => html`<th scope="col" key=${name}>${phrase(name)}</th>`)}</tr></thead>
        <tbody>${asked.map((line) => html`<${Row} key=${line} line=${line} live=${live} answer=${answers.get(line)} go=${go} />`)}</tbody></table></div></section>
  <//>`;
}

function Row({ line, live, answer, go }) {
  const [site, area] = line.split('/');
  const { value: oee, cannot, tip } = headline(answer, 'oee');
  const loss = topLoss(answer);
  return html`<tr><td><a href=${link(`/site/${site}`)} onClick=${go.click}>${live.title(site)}</a> · ${live.title(`${site}/${area}`)}</td>
    <td><a href=${link(`/line/${line}`)} onClick=${go.click}>${live.title(line)}</a></td>
    <td title=${cannot?.long || tip || undefined}>${cannot ? phrase('cannot.be') : oee == null ? phrase(answer ? 'no.data' : 'loading') : `${percent(oee)} %`}</td>
    <td>${loss ? `${lossName(loss, answer)} · ${lostTime(answer, loss.seconds)}` : answer ? phrase('nothing.lost') : ''}</td></tr>`;
}
