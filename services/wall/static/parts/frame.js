// What stands around every view: where one is, the range, live or not, the colours, the clock; and the footer that says
// how fresh everything is.

import { html, useEffect } from '../lib.js';
import { useLive } from '../live.js';
import { phrase } from '../words.js';
import { age, clock, number, span, zoneName } from '../format.js';
import { link, RangePicker } from '../range.js';
import { own } from '../own.js';

const LEVELS = ['site', 'area', 'line', 'machine'];

/** The frame. `crumbs` are [title, address] pairs, the last one is here. */
export function Frame({ crumbs, range, window: shown, text, go, zone, zones = [zone], right, children, bare, answers }) {
  const live = useLive();
  const title = crumbs.at(-1)[0];
  const brokerAway = live.ready && live.connected && live.health.broker === false;
  useEffect(() => {
    document.title = `${title} · ${phrase('app')}`;
  }, [title]);
  return html`<div class="frame ${(live.ready && !live.connected) || brokerAway ? 'is-lost' : ''} ${bare ? 'bare' : ''}">
    <a class="skip" href="#main">${phrase('skip')}</a>
    <header>
      <nav class="crumbs" aria-label=${phrase('crumbs')}><a class="brand" href=${link('/')} onClick=${go.click}>${phrase('app')}</a>${crumbs.map(([name, href], place) => (place === crumbs.length - 1 ? html`<h1 aria-current="page">${name}</h1>` : html`<a href=${link(href)} onClick=${go.click}>${name}</a>`))}</nav>
      ${range && html`<${RangePicker} range=${range} text=${text} go=${go} zone=${zone} />`}
      <${Link} live=${live} range=${range} go=${go} answers=${answers} />
      <${Origin} live=${live} />
      <span class="right">${right}${live.plant.grafana && html`<a href=${grafana(live.plant.grafana, range, shown)} target="_blank" rel="noopener">${phrase('grafana')}</a>`}<a href=${link('/map')} onClick=${go.click}>${phrase('map')}</a><a href=${link('/stops')} onClick=${go.click}>${phrase('stops')}</a><a href=${link('/part')} onClick=${go.click}>${phrase('parts')}</a><a href=${link('/devices')} onClick=${go.click}>${phrase('devices')}</a><${Colours} go=${go} />${zones.map((each) => html`<${Clock} key=${each} zone=${each} live=${live} secs=${zones.length === 1} />`)}</span>
    </header>
    ${live.ready && !live.connected && html`<div class="lost"><b><span role="alert">${phrase('lost.short')}</span><span aria-hidden="true"> ${phrase('lost.for', age(performance.now() - (live.lostAt ?? performance.now())))}</span></b><span>${phrase('lost.how')}</span></div>`}
    ${brokerAway && html`<div class="lost" role="alert"><b>${phrase('broker.lost')}</b><span>${phrase('broker.lost.how')}</span></div>`}
    ${live.health.ahead_min > 0 && html`<p class="trouble ahead" role="status">${phrase('ahead', span(live.health.ahead_min * 60_000))}</p>`}
    <p class="printed">${text} · ${phrase('printed', clock(live.ready ? live.now() : Date.now(), zone, { date: true }), zoneName(zone))}</p>
    <main id="main" tabindex="-1">${children}</main>
    <${Footer} live=${live} zones=${zones} />
  </div>`;
}

/** The page of Grafana that shows what this view does, over the same time. */
function grafana(url, range, shown) {
  const [view, ...levels] = decodeURI(location.pathname).split('/').filter(Boolean);
  const page = own({ line: 'corridor-line', machine: 'corridor-machine' }, view) ?? 'corridor-overview';
  const query = new URLSearchParams(levels.map((level, place) => [`var-${LEVELS[place]}`, level]));
  if (shown) {
    query.set('from', range.from.startsWith('now-') ? range.from : Date.parse(shown.from));
    query.set('to', range.isLive ? 'now' : Date.parse(shown.to));
  }
  return `${url}/d/${page}?${query}`;
}

/** Whether what is shown is live: what lacks something that was reported a while ago is marked with its age. */
function Link({ live, range, go, answers }) {
  if (!live.ready) return html`<span class="link">${phrase('connecting')}</span>`;
  if (live.connected && live.health.broker === false) return html`<span class="link off">${phrase('broker.lost.short')}</span>`;
  if (!live.connected) return html`<span class="link off">${phrase('lost.short')}</span>`;
  if (range && !range.isLive) return html`<span class="link past">${phrase('not.live')} · <a href=${link(location.pathname, { from: null, to: null })} onClick=${go.click}>${phrase('range.back')}</a></span>`;
  const old = answers ? live.numbers.age(answers.values(), live.now()) : null;
  if (old !== null) return html`<span class="link old">${phrase('figures.old', age(old))}</span>`;
  return html`<span class="link on">${phrase('live')}</span>`;
}

function Origin({ live }) {
  const origins = live.machines().map((path) => live.fact(path, 'state')?.simulated).filter((each) => each !== undefined);
  if (!origins.length) return null;
  const key = origins.every(Boolean) ? 'simulated.plant' : origins.some(Boolean) ? 'mixed.plant' : 'real';
  return html`<span class="badge">${phrase(key)}</span>`;
}

function Colours({ go }) {
  const root = document.documentElement.dataset;
  const theme = root.theme ?? 'calm';
  const scheme = root.scheme ?? 'auto';
  const next = own({ auto: 'light', light: 'dark', dark: 'auto' }, scheme) ?? 'auto';
  const set = (name, value, usual) => () => go(link(location.pathname, { [name]: value === usual ? null : value }));
  return html`<span class="colours" role="group" aria-label=${phrase('theme')}>
    <button type="button" onClick=${set('scheme', next, 'auto')} title="${phrase('theme')}: ${phrase(`scheme.${scheme}`)} → ${phrase(`scheme.${next}`)}"><svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path fill-rule="evenodd" d="M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zm0 1.6v9.8a4.9 4.9 0 0 0 0-9.8z" /></svg><span class="sr">${phrase(`scheme.${scheme}`)}</span></button>
    <button type="button" aria-pressed=${theme === 'andon'} onClick=${set('theme', theme === 'andon' ? 'calm' : 'andon', 'calm')} title="${phrase('theme')}: ${phrase(`theme.${theme}`)}"><svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path fill-rule="evenodd" d="M5 1.5h6v13H5zm1.5 1.4v2.9h3V2.9zm0 4v2.4h3V6.9zm0 3.5v2.7h3v-2.7z" /></svg><span class="sr">${phrase(`theme.${theme}`)}</span></button></span>`;
}

const Clock = ({ zone, live, secs }) => html`<time class="clock">${live.ready ? clock(live.now(), zone, { secs }) : ''} <small>${zoneName(zone)}</small></time>`;

function Footer({ live, zones }) {
  const { newest, rate, refused_hour: rejected } = live.health;
  return html`<footer>
    <span class=${newest && live.now() - newest > 60_000 ? 'warn' : ''}>${newest ? phrase('foot.newest', age(live.now() - newest)) : phrase('foot.none')}</span>
    <span>${phrase('foot.rate', number(rate ?? 0))}</span>
    <a class=${rejected ? 'warn' : ''} href=${link('/devices')}>${phrase('foot.rejected', number(rejected ?? 0))}</a>
    <span>${zones.length > 1 ? phrase('foot.zones', zones.map(zoneName).join(', ')) : phrase('foot.zone', zoneName(zones[0]))}</span>
    <span class="end">${phrase('foot.click')}</span>
  </footer>`;
}
