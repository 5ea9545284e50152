// The overview: sites as bands, lines as tiles, the largest thing first: how it stands and for how long, good pieces
// against plan, OEE with where the time went, a ribbon of the shift for each machine, and what cost most.

import { html, useMemo, useRef, useState } from '../lib.js';
import { useLive } from '../live.js';
import { address, useAsk, useNumbers } from '../ask.js';
import { phrase } from '../words.js';
import { clock, difference, number, percent, pieces, plain, zoneName } from '../format.js';
import { link, origin, rangeText } from '../range.js';
import { categoryOf, Icon, ORDER } from '../states.js';
import { Figure, headline, Num, Ratio } from '../parts/figures.js';
import { Caveats, Unplanned } from '../parts/caveats.js';
import { AT_A_GLANCE, MOST_DRAWN, rank, worstFirst } from '../parts/order.js';
import { Still } from '../parts/still.js';
import { ofTile, Tile } from '../parts/tile.js';
import { Why } from '../parts/why.js';
import { Frame } from '../parts/frame.js';

const MOST_ASKED = 199; // assets in one question, with the whole
const HELD_MS = 10_000;

export function Overview({ path, range, go, bare }) {
  const live = useLive();
  const lines = live.lines(path);
  const [text, search] = useState('');
  const [drawn, draw] = useState(MOST_DRAWN);
  const order = useRef({ at: -Infinity });
  const zone = live.zone(path || (lines[0] ?? ''));
  const zones = [...new Set([zone, ...lines.map((line) => live.zone(line))])];
  const [why, ask] = useState(null);
  const asked = [path, ...lines.slice(0, MOST_ASKED)];
  const ready = live.ready && lines.length > 0;
  const [answer, error] = useNumbers('kpi', ready && asked, range);
  const [plan] = useNumbers('plan', ready && asked, range);
  const first = plan.size ? Math.min(...[...plan.values()].map((each) => Date.parse(each.from))) : null;
  const last = plan.size ? Math.max(...[...plan.values()].map((each) => Date.parse(each.to))) : null;
  const [states] = useAsk(first && address('states', { asset: path, from: range.from === 'shift' ? first : origin(range, first), to: range.isLive ? 'now' : last }), { every: range.isLive ? 60_000 : undefined });
  const history = useMemo(() => new Map((states ?? []).map((each) => [each.asset, each.states])), [states]);
  // Worst first, but held for a while: what is being read does not jump about.
  const key = `${text}|${lines.length}`;
  if (order.current.key !== key || performance.now() - order.current.at > HELD_MS) {
    const rankOf = (line) => rank(range.isLive ? live.fact(line, 'state')?.state : undefined, plan.get(line));
    order.current = { key, at: performance.now(), lines: worstFirst(lines, text, (line) => live.title(line), rankOf) };
  }
  const found = order.current.lines;
  const shown = found.slice(0, drawn);
  const sites = [...new Set(shown.map((line) => line.split('/')[0]))];
  const crumbs = path ? [[phrase('all'), '/'], [live.title(path), '']] : [[phrase('all'), '/']];
  const words = `${rangeText(range, plan.get(path), zone)}${zones.length > 1 ? ` ${zoneName(zone)}` : ''}`;
  if (path && live.ready && !lines.length) return html`<${Frame} crumbs=${crumbs} range=${range} window=${plan.get(path)} text=${words} go=${go} zone=${zone} bare=${bare}><section class="card empty"><h2>${phrase('not.found', path)}</h2><p>${phrase('not.found.text')}</p></section><//>`;
  return html`<${Frame} crumbs=${crumbs} range=${range} window=${plan.get(path)} text=${words} go=${go} zone=${zone} zones=${zones} bare=${bare} answers=${answer}>
    ${live.ready && !lines.length && html`<${Empty} go=${go} />`}
    ${error && html`<p class="trouble" role="status">${phrase('error', error.message)} · ${phrase('trying')}</p>`}
    ${lines.length > 0 && html`<${Strip} path=${path} live=${live} answer=${answer.get(path)} plan=${plan.get(path)} range=${range} history=${history} ask=${ask} />`}
    ${why && html`<${Why} key="${why.asset} ${why.indicator}" about=${why} answer=${why.answer} close=${() => ask(null)} go=${go} />`}
    ${lines.length > AT_A_GLANCE && !bare && html`<p class="find"><label><span class="sr">${phrase('search')}</span><input type="search" placeholder=${phrase('search')} value=${text} onInput=${(event) => search(event.target.value)} /></label><span class="beside">${phrase('lines.shown', shown.length, lines.length)} · ${phrase('worst.first')}</span></p>`}
    <div class="bands ${lines.length <= 2 ? 'roomy' : ''}">${sites.map((site) => html`<${Band} key=${site} site=${site} isPage=${Boolean(path)} live=${live} lines=${shown.filter((line) => line.split('/')[0] === site)} answer=${answer} plan=${plan} history=${history} range=${range} go=${go} ask=${ask} zones=${zones} />`)}</div>
    ${found.length > drawn && !bare && html`<p><button type="button" class="pick" onClick=${() => draw(drawn + MOST_DRAWN)}>${phrase('lines.more', found.length - drawn)}</button></p>`}
  <//>`;
}

function Empty({ go }) {
  return html`<section class="card empty"><h2>${phrase('empty.title')}</h2><p>${phrase('empty.text')}</p><p><a class="pick" href=${link('/devices')} onClick=${go.click}>${phrase('empty.link')}</a></p></section>`;
}

/** The few figures of everything. */
function Strip({ path, live, answer, plan, range, history, ask }) {
  const values = answer?.indicators ?? {};
  const target = live.targets(path).oee ?? commonTarget(live, path);
  const { value: oee } = headline(answer, 'oee');
  const points = oee !== null && oee !== undefined && target ? (oee - target) * 100 : null;
  const machines = live.machines(path);
  const energy = values.energy_per_good_piece;
  const silent = machines.filter((path) => live.fact(path, 'state')?.silent || live.fact(path, 'state')?.online === false).length;
  return html`<section class="strip" aria-label=${phrase('figures.of', path ? live.title(path) : phrase('all'))}>
    <${Ratio} answer=${answer} name="oee" ask=${ask}>${points === null ? phrase(live.lines(path).some((line) => live.targets(line).oee) ? 'target.by.line' : 'no.target') : `${phrase('target', `${plain(target * 100)} %`)} · ${phrase(points < 0 ? 'short' : 'over', number(Math.abs(points), 2))}`}<//>
    <${Figure} title=${phrase('good.pieces')} value=${plan?.good == null ? null : pieces(plan.good)} missing=${plan && plan.good === null && phrase('nothing.counted')}>${plan?.plan == null ? (plan?.good == null ? '' : phrase('no.plan')) : html`${phrase(range.isLive ? 'plan.to.now' : 'plan.was', pieces(Math.round(plan.plan)))} · <b class=${plan.delta < -0.05 * plan.plan ? 't-wait' : ''}>${difference(plan.delta)}</b>`}<${Unplanned} plan=${plan} /><${Caveats} answer=${answer} name="good_output" /><//>
    <${Figure} title=${phrase('energy')} value=${energy == null ? null : html`<${Num} shown=${number(energy)} because=${() => ask({ asset: answer.asset, indicator: 'energy_per_good_piece', from: answer.from, to: answer.to, shown: `${number(energy)} kW·h`, answer })} />`} unit="kW·h" missing=${answer && energy == null && phrase(answer.ledger.electricity_kwh ? 'nothing.counted' : 'no.energy')}><${Caveats} answer=${answer} name="energy_per_good_piece" /><//>
    <${Figure} title=${phrase('coverage.title')} value=${answer?.coverage == null ? null : percent(answer.coverage)} unit="%" missing=${answer && answer.coverage === null && phrase('no.data')} uncertain=${answer?.coverage < 0.95}>${answer?.coverage < 0.95 ? `${phrase('unknown.part', percent(1 - answer.coverage))}${range.isLive ? ' · ' : ''}` : ''}${silent && range.isLive ? html`<b class="t-unknown">${phrase('silent.devices', silent)}</b>` : range.isLive ? phrase('all.report') : ''}<${Caveats} answer=${answer} name="coverage" /><//>
    <${Now} live=${live} machines=${machines} range=${range} history=${history} plan=${plan} />
  </section>`;
}

const commonTarget = (live, path) => {
  const all = new Set(live.lines(path).map((line) => live.targets(line).oee).filter(Boolean));
  return all.size === 1 ? [...all][0] : undefined;
};

function Now({ live, machines, range, history, plan }) {
  const tally = new Map();
  for (const path of machines) {
    const state = range.isLive ? live.fact(path, 'state')?.state ?? 'unknown' : history.get(path)?.at(-1)?.[2] ?? 'unknown';
    const kind = categoryOf(state);
    const words = tally.get(kind) ?? new Map();
    words.set(state, (words.get(state) ?? 0) + 1);
    tally.set(kind, words);
  }
  const parts = ORDER.filter((kind) => tally.has(kind)).flatMap((kind) => [...tally.get(kind)].map(([state, count]) => [kind, state, count]));
  return html`<div class="figure wide card"><h2>${!range.isLive ? phrase('machines.then', machines.length, plan ? `${clock(Date.parse(plan.to), live.zone(''))} ${zoneName(live.zone(''))}` : '') : machines.length === 1 ? phrase('machine.now') : phrase('machines.now', machines.length)}</h2>
    <svg class="tally" aria-hidden="true">${parts.reduce((bars, [kind, state, count]) => {
      const start = bars.at;
      bars.at += count / machines.length;
      bars.list.push(html`<rect class="f-${kind}" x="${start * 100}%" width="${(100 * count) / machines.length}%" height="100%" key=${state} />`);
      return bars;
    }, { at: 0, list: [] }).list}</svg>
    <ul class="legend">${parts.map(([kind, state, count]) => html`<li key=${state} class="s-${kind}"><${Icon} state=${state} /><b>${count}</b> ${phrase(`state.${state}`).toLowerCase()}</li>`)}</ul></div>`;
}

function Band({ site, isPage, live, lines, answer, plan, history, range, go, ask, zones }) {
  const areas = [...new Set(lines.map((line) => live.title(line.split('/').slice(0, 2).join('/'))))];
  return html`<section class="band ${lines.length > 1 ? 'many' : ''}" aria-label=${live.title(site)}><h2>${isPage ? html`<b>${live.title(site)}</b>` : html`<a href=${link(`/site/${site}`)} onClick=${go.click} title=${phrase('site.page')}><b>${live.title(site)}</b></a>`} · ${areas.join(' · ')}</h2>
    <div class="tiles">${lines.map((line) => html`<${Still} key=${line} of=${[...ofTile(live, line, answer.get(line), plan.get(line), range), history, areas.length, zones.length]} draw=${() => html`<${Tile} line=${line} live=${live} answer=${answer.get(line)} plan=${plan.get(line)} history=${history} range=${range} go=${go} ask=${ask} zones=${zones} alone=${areas.length === 1} />`} />`)}</div></section>`;
}
