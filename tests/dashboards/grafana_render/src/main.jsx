// `show(page, view)`: a page of Grafana over a real InfluxDB, drawn on this document; returns what its panels say.

import { ThemeContext } from '@grafana/data';
import { GlobalStyles, PanelChrome } from '@grafana/ui';
import { Component } from 'react';
import { createRoot } from 'react-dom/client';
import { flushSync } from 'react-dom';
import { prepared, reported, unknownSettings } from './fields.js';
import { framesOf } from './frames.js';
import { Drawing, theme } from './panels.jsx';
import { filledIn, heightOf, intervalOf, laidOut, rangeOf, widthOf } from './view.js';

const GAP_PX = 8;
const PADDING_PX = 32;

/**
 * @param page a dashboard
 * @param view {influxd, databases, now, from, to, timeZone, width, chosen, all}: the server's address, the database of
 *     each source, the present and the range (ms, or `now-1h`), the values of variables, and of those that repeat all
 */
window.show = async (page, view) => {
  drawing.clear();
  const told = [];
  for (const { panel, chosen, grid } of laidOut(page, view.chosen, view.all)) {
    if (panel.type === 'row') told.push({ panel, grid, title: filledIn(panel.title, at(view, panel, chosen)) });
    else told.push(await asked(panel, view, chosen, grid));
  }
  document.body.innerHTML = '<div id="page"></div>';
  document.body.style.background = theme.colors.background.canvas;
  const root = createRoot(document.getElementById('page'));
  flushSync(() => root.render(<Page {...{ told, view }} />));
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  return {
    unknown_settings: [...unknownSettings],
    panels: told
      .filter(({ panel }) => panel.type !== 'row')
      .map(({ panel, title, range, interval, error, frames, grid }, place) => ({
        title,
        type: panel.type,
        interval,
        from: range.from.valueOf(),
        to: range.to.valueOf(),
        error: error ?? drawing.get(place) ?? '',
        frames: frames ? reported(frames) : [],
        width_px: widthOf(grid.w, view.width),
        ...seen(place),
      })),
  };
};

const drawing = new Map();

function at(view, panel, chosen) {
  return { range: rangeOf(panel, view), interval: '', chosen };
}

async function asked(panel, view, chosen, grid) {
  const range = rangeOf(panel, view);
  const interval = intervalOf(panel, range, widthOf(grid.w, view.width) - PADDING_PX);
  const context = { range, interval, chosen };
  const interpolate = (text, scoped) => filledIn(text, { ...context, chosen: { ...chosen, ...scoped } });
  const one = { panel, grid, range, interval, interpolate, title: interpolate(panel.title) };
  try {
    const frames = [];
    for (const target of panel.targets ?? []) {
      const series = await answered(view, target.datasource.uid, interpolate(target.query));
      frames.push(...framesOf({ ...target, alias: target.alias && filledInAlias(target.alias, chosen) }, series));
    }
    one.frames = await prepared(panel, frames, { theme, timeZone: view.timeZone, interpolate });
  } catch (error) {
    one.error = `${error.stack ?? error}`;
  }
  return one;
}

const filledInAlias = (alias, chosen) => alias.replace(/\$\{(\w+)\}/g, (whole, name) => chosen[name] ?? whole);

async function answered(view, source, query) {
  const body = new URLSearchParams({ q: query, db: view.databases[source], epoch: 'ms' });
  const response = await fetch(`${view.influxd}/query`, { method: 'POST', body });
  const { results, error } = await response.json();
  const problem = error ?? results.find((result) => result.error)?.error;
  if (problem) throw new Error(`${problem}: ${query}`);
  return results[0].series ?? [];
}

function Page({ told, view }) {
  const below = Math.max(...told.map(({ grid }) => grid.y + grid.h));
  let number = -1;
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ position: 'relative', width: view.width, height: heightOf(below) + 20 }}>
        {told.map((one, key) => {
          const { panel, grid } = one;
          const place = {
            position: 'absolute',
            left: Math.round(((view.width + GAP_PX) / 24) * grid.x),
            top: grid.y * 38,
            width: widthOf(grid.w, view.width),
            height: heightOf(grid.h),
          };
          if (panel.type === 'row') return <h4 key={key} style={{ ...place, margin: 0 }}>{one.title}</h4>;
          number += 1;
          return <div key={key} style={place} data-panel={number}><Framed {...{ one, view, place, number }} /></div>;
        })}
      </div>
    </ThemeContext.Provider>
  );
}

function Framed({ one, view, place, number }) {
  const { panel, frames, range, interpolate } = one;
  return (
    <PanelChrome title={one.title} width={place.width} height={place.height}>
      {(width, height) => (
        <Guarded number={number}>
          {frames?.some((frame) => frame.length) ? (
            <Drawing {...{ panel, frames, range, timeZone: view.timeZone, width, height, interpolate }} />
          ) : (
            <p>{one.error ?? panel.fieldConfig.defaults.noValue ?? 'No data'}</p>
          )}
        </Guarded>
      )}
    </PanelChrome>
  );
}

class Guarded extends Component {
  state = {};
  static getDerivedStateFromError(error) {
    return { error };
  }
  componentDidCatch(error) {
    drawing.set(this.props.number, `${error.stack ?? error}`);
  }
  render() {
    return this.state.error ? <pre>{`${this.state.error}`}</pre> : this.props.children;
  }
}

/** Return what can be read on a drawn panel: its text, and of a table what does not fit. */
function seen(place) {
  const box = document.querySelector(`[data-panel="${place}"]`);
  const grid = box?.querySelector('[role="grid"]');
  const clipped = [];
  for (const cell of grid?.querySelectorAll('[role="columnheader"], [role="gridcell"]') ?? []) {
    const parts = [cell, ...cell.querySelectorAll('*')];
    if (parts.some((part) => part.clientWidth && part.scrollWidth > part.clientWidth + 1)) clipped.push(cell.innerText);
  }
  return {
    text: box?.innerText ?? '',
    columns_beyond_px: grid ? grid.scrollWidth - grid.clientWidth : 0,
    clipped: [...new Set(clipped)],
  };
}
