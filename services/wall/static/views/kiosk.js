// The kiosk: shows views one after another on a screen that nobody touches: /kiosk?views=/,/line/…&every=20, those that
// are higher than the screen in pages. It hides what is for hands, fills the screen on the first click or key, and shows
// in large letters when the connection is lost.

import { html, useEffect, useState } from '../lib.js';
import { live, useLive } from '../live.js';
import { phrase } from '../words.js';
import { rangeOf } from '../range.js';
import { turnPage } from '../parts/page_turn.js';

const SHORTEST_S = 5;

/** `load` finds the view of an address. */
export function Kiosk({ go, load }) {
  useLive();
  const query = new URLSearchParams(location.search);
  const views = (query.get('views') ?? '/').split(',').map((view) => view.trim()).filter(Boolean);
  const every = Math.max(SHORTEST_S, Number(query.get('every')) || 20) * 1_000;
  const [place, step] = useState(0);
  const [shown, show] = useState(null);
  useEffect(() => {
    const timer = setInterval(() => {
      if (turnPage()) return;
      scrollTo({ top: 0, behavior: 'instant' });
      if (views.length > 1) step((former) => former + 1);
    }, every);
    return () => clearInterval(timer);
  }, [every, views.length]);
  const address = views[place % views.length];
  useEffect(() => {
    if (!address) return undefined;
    let gone = false;
    const { pathname, searchParams } = new URL(address, location.origin);
    const range = rangeOf(searchParams);
    load(pathname === '/kiosk' ? '/' : pathname, range).then((view) => {
      if (gone) return;
      live.look(view.scope ?? '');
      show({ ...view, address, range });
    });
    return () => {
      gone = true;
    };
  }, [address]);
  useEffect(() => {
    const fill = () => !document.fullscreenElement && document.documentElement.requestFullscreen?.().catch(() => {});
    addEventListener('click', fill);
    addEventListener('keydown', fill);
    return () => {
      removeEventListener('click', fill);
      removeEventListener('keydown', fill);
    };
  }, []);
  if (!address) return html`<p class="empty card">${phrase('kiosk.none')}</p>`;
  if (!shown) return null;
  return html`<div class="kiosk"><${shown.View} key=${shown.address} path=${shown.path} range=${shown.range} go=${go} bare />
    ${views.length > 1 && html`<ol class="dots" aria-hidden="true">${views.map((view, dot) => html`<li key=${view} class=${dot === place % views.length ? 'on' : ''}></li>`)}</ol>`}</div>`;
}
