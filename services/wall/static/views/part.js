// A part by its serial number, or a batch by its number: /part/<serial>, /batch/<number>, and /part to look for one.

import { html } from '../lib.js';
import { useLive } from '../live.js';
import { address, useAsk } from '../ask.js';
import { phrase } from '../words.js';
import { Frame } from '../parts/frame.js';
import { BatchGenealogy, Genealogy } from '../parts/genealogy.js';
import { batchLink, partLink, PartSearch } from '../parts/part_search.js';
import { PartList } from '../parts/partlist.js';

const EVERY_MS = 30_000;

/** A page of a part, which may be a batch's name as well: both are shown, the batch first on its own address. */
export function PartPage({ path, go, bare, isBatch }) {
  const live = useLive();
  const [found, error] = useAsk(path && address('find', { name: path }), { every: EVERY_MS });
  const parts = found?.genealogy?.parts ?? [];
  const zone = live.zone(parts[0]?.line ?? found?.batch?.batch.customer ?? '');
  const crumbs = path ? [[phrase('parts'), '/part'], [path, '']] : [[phrase('parts'), '']];
  const shown = [parts.map((record) => html`<${Genealogy} key=${record.line} record=${record} go=${go} />`), found?.batch && html`<${BatchGenealogy} key="batch" found=${found.batch} go=${go} />`];
  return html`<${Frame} crumbs=${crumbs} text=${path} go=${go} zone=${zone} bare=${bare}>
    <section class="card stack"><h2>${phrase('part.search')}</h2><${PartSearch} key=${path} name=${path} go=${go} /><p class="beside">${phrase('part.search.text')}</p></section>
    ${error && html`<p class="trouble" role="status">${phrase('error', error.message)} · ${phrase('trying')}</p>`}
    ${path && !found && !error && html`<p class="beside" role="status">${phrase('loading')}</p>`}
    ${parts.length > 1 && html`<p class="beside" role="status">${phrase('part.several', parts.length)}</p>`}
    ${live.ready && (isBatch ? shown.reverse() : shown)}
    ${found && !parts.length && !found.batch && html`<${Unknown} found=${found} go=${go} />`}
    ${!path && live.ready && html`<${PartList} asset="" range=${LATELY} zone=${zone} most=${50} go=${go} isShown />`}
  <//>`;
}

export const BatchPage = (about) => html`<${PartPage} ...${about} isBatch />`;

const LATELY = { from: 'now-1d', to: 'now', isLive: true };

/** What nobody reported, with names that are nearly so. */
function Unknown({ found, go }) {
  return html`<section class="card empty" role="status"><h2>${phrase('part.unknown', found.name)}</h2><p>${phrase('part.unknown.text')}</p>
    ${found.near.length > 0 && html`<p>${phrase('part.near')}</p><ul class="ways">${found.near.map(({ name, kind }) => html`<li key=${name}><a class="pick" href=${kind === 'batch' ? batchLink(name) : partLink(name)} onClick=${go.click}>${name}</a></li>`)}</ul>`}</section>`;
}
