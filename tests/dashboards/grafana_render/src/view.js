// A page as it is looked at: its time range, its variables, its panels on the grid of 24 columns.

import { dateTime, rangeUtil } from '@grafana/data';

const COLUMNS = 24;
const ROW_PX = 30;
const GAP_PX = 8;

/** Return the px that so many grid units take. */
export const widthOf = (columns, whole) => Math.floor(((whole + GAP_PX) / COLUMNS) * columns - GAP_PX);
export const heightOf = (rows) => rows * (ROW_PX + GAP_PX) - GAP_PX;

/** Return the panels of a page with those that repeat repeated, each with the values that its variables have. */
export function laidOut(page, chosen, all) {
  const placed = [];
  let below = 0;
  for (const panel of page.panels) {
    const grid = panel.gridPos;
    if (!panel.repeat) {
      placed.push({ panel, chosen, grid: { ...grid, y: grid.y + below } });
      continue;
    }
    const values = all[panel.repeat] ?? [];
    const perRow = panel.maxPerRow ?? 4;
    const width = COLUMNS / Math.min(perRow, Math.max(values.length, 1));
    values.forEach((value, place) => {
      const at = { w: width, h: grid.h, x: (place % perRow) * width, y: grid.y + below + Math.floor(place / perRow) * grid.h };
      placed.push({ panel, chosen: { ...chosen, [panel.repeat]: value }, grid: at });
    });
    below += Math.max(Math.ceil(values.length / perRow) - 1, 0) * grid.h;
  }
  return placed;
}

/** Return a panel's time range: its own (`timeFrom`) goes up to the present, as the page's range does if it is relative. */
export function rangeOf(panel, view) {
  const at = (text) => dateTime(typeof text === 'number' ? text : view.now - rangeUtil.intervalToMs(text.slice(4) || '0s'));
  const range = { from: at(view.from), to: at(view.to), raw: { from: view.from, to: view.to } };
  if (!panel.timeFrom || typeof view.from === 'number') return range;
  const from = dateTime(view.now - rangeUtil.intervalToMs(panel.timeFrom));
  return { from, to: dateTime(view.now), raw: { from: `now-${panel.timeFrom}`, to: 'now' } };
}

/** Return a text with Grafana's variables filled in, as its InfluxDB source does. */
export function filledIn(text, { range, interval, chosen }) {
  const known = {
    timeFilter: `time >= ${range.from.valueOf()}ms and time <= ${range.to.valueOf()}ms`,
    __interval: interval,
    __from: `${range.from.valueOf()}`,
    __to: `${range.to.valueOf()}`,
    ...chosen,
  };
  return text.replace(/\$\{(\w+)(?::(\w+))?\}|\$(\w+)/g, (whole, braced, format, bare) => {
    const value = known[braced ?? bare];
    return value === undefined ? whole : formatted(value, format);
  });
}

/** Return the width of an interval for a chart of so many px. */
export function intervalOf(panel, range, px) {
  return rangeUtil.calculateInterval(range, panel.maxDataPoints ?? px, panel.interval || '1s').interval;
}

function formatted(value, format) {
  if (!Array.isArray(value)) return format === 'regex' && value !== '.*' ? escaped(value) : value;
  return format === 'regex' ? `(${value.map(escaped).join('|')})` : value.join(' + ');
}

const escaped = (text) => text.replace(/[\\^$*+?.()|[\]{}/]/g, '\\$&');
