// The libraries that the wall uses, in one place: Preact with htm as a module, uPlot only where traces are drawn.

export {
  html, render, Component, useState, useEffect, useLayoutEffect, useRef, useMemo, useCallback,
} from './vendor/htm-3.1.1/standalone.module.js';

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
