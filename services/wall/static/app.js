// The start: reads the address, draws the view that it names, and follows links without loading the page again.

import { isAsking } from './ask.js';
import { holdLoad } from './hold.js';
import { html, render, useEffect, useState } from './lib.js';
import { live } from './live.js';
import { rangeOf } from './range.js';
import { Overview } from './views/overview.js';
import { own } from './own.js';

/**
 * Views by the first part of their address; all but the overview are loaded when they are first shown. `scope` is what
 * they look at, as the stream's address says it.
 */
const VIEWS = {
  '': () => ({ View: Overview, scope: () => 'asset=', hasNumbers: true }),
  site: () => ({ View: Overview, scope: (path) => `asset=${path}`, hasNumbers: true }),
  stops: () => import('./views/stops.js').then((view) => ({ View: view.Stops, scope: (path) => `asset=${path}` })),
  why: () => import('./views/why.js').then((view) => ({ View: view.WhyPage, scope: (path) => `asset=${path}` })),
  lost: () => import('./views/lost.js').then((view) => ({ View: view.Lost, scope: () => 'asset=' })),
  line: () => import('./views/line.js').then((view) => ({ View: view.Line, scope: (path) => `asset=${path}&details=true`, hasNumbers: true })),
  machine: () => import('./views/machine.js').then((view) => ({ View: view.Machine, scope: (path) => `asset=${path}&details=true`, hasNumbers: true })),
  part: () => import('./views/part.js').then((view) => ({ View: view.PartPage, scope: () => 'asset=' })),
  batch: () => import('./views/part.js').then((view) => ({ View: view.BatchPage, scope: () => 'asset=' })),
  map: () => import('./views/map.js').then((view) => ({ View: view.MapPage, scope: () => 'asset=', hasNumbers: true })),
  devices: () => import('./views/devices.js').then((view) => ({ View: view.Devices, scope: () => 'devices=true&messages=true' })),
  kiosk: () => import('./views/kiosk.js').then((view) => ({ View: view.Kiosk, scope: null })),
};

function load(pathname, range) {
  const [name, ...rest] = pathname.split('/').filter(Boolean);
  const open = own(VIEWS, name ?? '') ?? VIEWS.lost;
  const path = rest.map(decoded).join('/');
  return Promise.resolve(open()).then(({ View, scope, hasNumbers }) => ({
    View, path, scope: scope && scope(path) + (hasNumbers && range.isLive ? `&numbers=${encodeURIComponent(range.from)}` : ''),
  }));
}

/** A part of an address as text; one that is not valid stays as it is. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Go to an address of the wall. `go.click` is for links: it leaves new tabs and downloads to the browser. */
function go(href, { replace = false } = {}) {
  history[replace ? 'replaceState' : 'pushState'](null, '', href);
  dispatchEvent(new PopStateEvent('popstate'));
}
go.click = (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(event.currentTarget.href);
  document.getElementById('main')?.focus({ preventScroll: true });
  scrollTo(0, 0);
};

/** Colours by the address, else the system's. */
function dress(query) {
  for (const [name, usual] of [['theme', 'calm'], ['scheme', 'auto']]) {
    const value = query.get(name) ?? usual;
    if (value === usual) delete document.documentElement.dataset[name];
    else document.documentElement.dataset[name] = value;
  }
}

function App() {
  const [shown, show] = useState(null);
  useEffect(() => {
    let wanted = 0;
    const follow = () => {
      const mine = (wanted += 1);
      const query = new URLSearchParams(location.search);
      dress(query);
      const range = rangeOf(query);
      load(location.pathname, range).then((view) => {
        if (mine !== wanted) return;
        if (view.scope !== null) live.look(view.scope);
        show({ ...view, range, address: location.pathname });
      });
    };
    addEventListener('popstate', follow);
    follow();
    return () => removeEventListener('popstate', follow);
  }, []);
  if (!shown) return null;
  const { View, path, range } = shown;
  return html`<${View} key=${shown.address} path=${path} range=${range} go=${go} load=${load} />`;
}

render(html`<${App} />`, document.getElementById('app'));
holdLoad(() => live.ready && document.getElementById('main') && !isAsking());
