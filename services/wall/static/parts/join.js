// A device joins: what to set on it and lines to copy, and for whoever is logged in a credential of its own, shown once.

import { html, useRef, useState } from '../lib.js';
import { address, useAsk } from '../ask.js';
import { phrase } from '../words.js';
import { Waiting } from './waiting.js';

const LEVEL = '[a-z0-9-]{1,32}';
const PATH = new RegExp(`^(?!.*(^|/)kpi(/|$))${LEVEL}(/${LEVEL}){3}$`);

export function Join({ live }) {
  const [machine, name] = useState('bench/demo/line-1/my-machine');
  const [form, setForm] = useState('');
  const [made, setMade] = useState(null);
  const [trouble, setTrouble] = useState('');
  const [changes, setChanges] = useState(0);
  const asset = machine.trim().replace(/^\/+|\/+$/g, '');
  const host = location.hostname;
  const isPath = PATH.test(asset);
  const [known] = useAsk(`/api/v1/devices?${changes}`);
  const [lines] = useAsk(isPath ? address('devices/lines', { asset, form, host }) : null);
  const own = made?.asset === asset && made.form === form ? made.sections : null;

  const change = async (path, wanted) => {
    setTrouble('');
    try {
      const answer = await post(path, wanted);
      setMade(answer.password ? { ...answer, form: wanted.form ?? '', since: live.now() } : null);
      if (answer.password) name(answer.asset);
      setChanges((count) => count + 1);
    } catch (error) {
      setTrouble(error.message);
    }
  };
  const add = (event) => {
    event.preventDefault();
    if (isPath) change('devices', { asset, form, host });
  };

  return html`<section class="card stack join"><h2>${phrase('join.title')}</h2><p class="beside">${phrase(known?.may ? 'join.credential' : 'join.text')}</p>
    <form class="tools" onSubmit=${add}><label class="grow">${phrase('join.name')}<input value=${machine} onInput=${(event) => name(event.target.value)} spellcheck="false" autocapitalize="none" aria-invalid=${!isPath} /></label>
      <label>${phrase('join.form')}<select value=${form} onChange=${(event) => setForm(event.target.value)}><option value="">${phrase('join.contract')}</option>${(known?.forms ?? []).map((each) => html`<option key=${each} value=${each}>${each}</option>`)}</select></label>
      ${known?.may && !form && html`<button type="submit" class="pick" disabled=${!isPath}>${phrase('join.add')}</button>`}</form>
    ${!isPath && html`<p class="t-wait" role="status">${phrase('join.path')}</p>`}
    ${trouble && html`<p class="trouble" role="alert">${trouble}</p>`}
    ${own && html`<div class="credential" role="status"><p><b>${phrase('join.once')}</b></p><dl><dt>${phrase('join.user')}</dt><dd><code>${made.user}</code></dd><dt>${phrase('join.password')}</dt><dd><code>${made.password}</code></dd></dl></div>`}
    ${made && html`<${Waiting} key=${made.since} live=${live} asset=${made.asset} since=${made.since} />`}
    <${Sections} sections=${own ?? lines?.sections} />
    ${known?.may && html`<${Credentials} devices=${known.devices} change=${change} host=${host} />`}</section>`;
}

/** What to copy, by tabs; the last is shown while the next is fetched. */
function Sections({ sections }) {
  const shown = useRef([]);
  const [way, choose] = useState('');
  const [copied, setCopied] = useState(false);
  if (sections) shown.current = sections;
  const current = shown.current.find((each) => each.title === way) ?? shown.current[0];
  const copy = () => navigator.clipboard.writeText(current.text).then(() => {
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  });
  if (!current) return null;
  return html`<div class="tools"><div role="tablist" class="tabs">${shown.current.map(({ title }) => html`<button type="button" role="tab" key=${title} title=${title} aria-selected=${title === current.title} onClick=${() => choose(title)}>${title.replace(/[ ,(].*\)$/, '')}</button>`)}</div>
      ${navigator.clipboard && html`<button type="button" class="pick" onClick=${copy}>${phrase(copied ? 'join.copied' : 'join.copy')}</button>`}</div>
    <pre class="copy" tabindex="0">${current.text}</pre>`;
}

/** The devices that have a credential. */
function Credentials({ devices, change, host }) {
  const [sure, setSure] = useState('');
  if (!devices.length) return html`<p class="beside">${phrase('join.nobody')}</p>`;
  const remove = (asset) => {
    if (sure !== asset) return setSure(asset);
    setSure('');
    return change('devices/remove', { asset });
  };
  return html`<h3>${phrase('join.have')}</h3><ul class="credentials">${devices.map((asset) => html`<li key=${asset}><code>${asset}</code><span>
    <button type="button" class="pick" aria-label=${`${phrase('join.rotate')}: ${asset}`} onClick=${() => change('devices/rotate', { asset, host })}>${phrase('join.rotate')}</button>
    <button type="button" class="pick" aria-label=${`${phrase(sure === asset ? 'join.sure' : 'join.remove')}: ${asset}`} onClick=${() => remove(asset)}>${phrase(sure === asset ? 'join.sure' : 'join.remove')}</button></span></li>`)}</ul>`;
}

/** Change something: by the address without a login in it, and with the header that only this page sends. */
async function post(path, wanted) {
  const answer = await fetch(`${location.origin}/api/v1/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Corridor': 'devices' },
    body: JSON.stringify(wanted),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error([body.detail ?? answer.statusText, body.hint].filter(Boolean).join(' → '));
  return body;
}
