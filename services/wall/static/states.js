// How a state looks: its category's colour, a shape and a word, never colour alone.

import { CATEGORY } from './palette.js';
import { html } from './lib.js';
import { phrase } from './words.js';
import { own } from './own.js';

export const categoryOf = (state) => own(CATEGORY, state) ?? 'unknown';

/** All states, in the order of the contract. */
export const STATES = Object.keys(CATEGORY);

/** Categories in the order in which they stand side by side. */
export const ORDER = ['run', 'down', 'wait', 'act', 'idle', 'off', 'unknown'];

const SHAPES = {
  running: 'M4 2.5v11l9-5.5z',
  down: 'M3.2 1.8 8 6.6l4.8-4.8 1.4 1.4L9.4 8l4.8 4.8-1.4 1.4L8 9.4l-4.8 4.8-1.4-1.4L6.6 8 1.8 3.2z',
  starved: 'M2 2h12v12H2zm1.6 1.6v8.8H8V3.6z',
  blocked: 'M2 2h12v12H2zm6 1.6v8.8h4.4V3.6z',
  setup: 'M8 1.5 14.5 8 8 14.5 1.5 8zm0 2.4L3.9 8 8 12.1z',
  maintenance: 'M8 1.5 14.5 8 8 14.5 1.5 8z',
  idle: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zm0 1.7a4.3 4.3 0 1 0 0 8.6 4.3 4.3 0 0 0 0-8.6z',
  off: 'M2 7h12v2H2z',
  alarm: 'M8 1.6 15 14H1zM7.2 6.2v4h1.6v-4zm0 5.2v1.4h1.6v-1.4z',
  unknown: 'M5 5.6C5 3.6 6.3 2.4 8.1 2.4c1.8 0 3.1 1.1 3.1 2.8 0 1.3-.7 2-1.6 2.7-.7.5-.8.8-.8 1.6v.3H7.2v-.5c0-1.2.4-1.8 1.3-2.5.7-.5 1-.9 1-1.5 0-.7-.6-1.2-1.4-1.2-.9 0-1.4.6-1.4 1.5zM7.1 11h1.8v2H7.1z',
};

/** The shape of a state, in the colour of the text around it. */
export const Icon = ({ state }) => html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path fill-rule="evenodd" d=${own(SHAPES, state) ?? SHAPES.unknown} /></svg>`;

/** Shape and word of a state. */
export const StateWord = ({ state }) => html`<span class="state s-${categoryOf(state)}"><${Icon} state=${state} />${phrase(`state.${state}`)}</span>`;
