// An address that is not there: says so, and where to go.

import { html } from '../lib.js';
import { useLive } from '../live.js';
import { phrase } from '../words.js';
import { link } from '../range.js';
import { Frame } from '../parts/frame.js';

export function Lost({ go }) {
  const live = useLive();
  return html`<${Frame} crumbs=${[[phrase('lost.page'), '']]} go=${go} zone=${live.zone('')}>
    <section class="card empty"><h2>${phrase('lost.page')}</h2><p>${phrase('lost.page.text', decodeURI(location.pathname))}</p>
      <ul class="ways">${[['/', phrase('all')], ...live.lines().slice(0, 12).map((line) => [`/line/${line}`, live.title(line)]), ['/stops', phrase('stops')], ['/devices', phrase('devices')]].map(([href, name]) => html`<li key=${href}><a class="pick" href=${link(href)} onClick=${go.click}>${name}</a></li>`)}</ul></section>
  <//>`;
}
