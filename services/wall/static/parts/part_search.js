// The box that finds a part by its serial number, or a batch of material by its number.

import { html, useState } from '../lib.js';
import { phrase } from '../words.js';
import { link } from '../range.js';

/** The address of a part's or a batch's page; names may have any character. */
export const partLink = (serial) => link(`/part/${encodeURIComponent(serial)}`);
export const batchLink = (number) => link(`/batch/${encodeURIComponent(number)}`);

/** The box. `name` is what was looked for last. */
export function PartSearch({ name, go }) {
  const [text, write] = useState(name);
  const find = (event) => {
    event.preventDefault();
    if (text.trim()) go(partLink(text.trim()));
  };
  return html`<form class="tools seek" role="search" onSubmit=${find}><label class="grow"><span class="sr">${phrase('part.seek')}</span><input type="search" name="name" autocomplete="off" spellcheck=${false} placeholder=${phrase('part.seek')} value=${text} onInput=${(event) => write(event.target.value)} /></label><button class="primary">${phrase('part.find')}</button></form>`;
}
