// The libraries that the wall uses, in one place: Preact with htm as a module, uPlot only where traces are drawn.

import htm from './vendor/htm-3.1.1/htm.module.js';
import { h } from './vendor/htm-3.1.1/standalone.module.js';

export {
  render, Component, useState, useEffect, useLayoutEffect, useRef, useMemo, useCallback,
} from './vendor/htm-3.1.1/standalone.module.js';

const NO_REUSE = 3;

/**
 * Make elements of a template. By itself htm makes those without a value once and gives them out again; each holds the
 * tree that it was first drawn in, and so every component that this tree ever had: memory grew without end.
 */
export const html = htm.bind(function make(...element) {
  this[0] = NO_REUSE;
  return h(...element);
});

const UPLOT = new URL('./vendor/uplot-1.6.32/', import.meta.url);
let plotting = null;

/** Load uPlot once; it is a plain script that names itself. */
export function loadPlot() {
  plotting ??= new Promise((done, failed) => {
    const sheet = document.createElement('link');
    sheet.rel = 'stylesheet';
    sheet.href = `${UPLOT}uPlot.min.css`;
    const script = document.createElement('script');
    script.src = `${UPLOT}uPlot.iife.min.js`;
    script.onload = () => done(globalThis.uPlot);
    script.onerror = () => {
      plotting = null;
      failed(new Error('uPlot could not be loaded'));
    };
    document.head.append(sheet, script);
  });
  return plotting;
}
