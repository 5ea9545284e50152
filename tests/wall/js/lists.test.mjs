// Lists: which stops are shown and in which order, which lines come first, what an event's amount is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import './page.mjs';

globalThis.matchMedia = () => ({ addEventListener() {} });
const { NONE, reasonsOf, shownStops } = await import('../static/parts/stoplist.js');
const { AT_A_GLANCE, rank, worstFirst } = await import('../static/parts/order.js');
const { amount, chosenEvents } = await import('../static/parts/why.js');

const STOPS = [
  { asset: 'a/b/c/mill', from: '2026-01-01T08:00:00Z', reason: 'jam', seconds: 60, order: 'wo-1' },
  { asset: 'a/b/c/saw', from: '2026-01-01T09:00:00Z', reason: '', seconds: 500, order: '' },
  { asset: 'a/b/c/mill', from: '2026-01-01T10:00:00Z', reason: 'jam', seconds: 5, order: 'wo-2' },
];
const all = { reason: null, machine: '', text: '', sort: '-from' };
const lengths = (chosen) => shownStops(STOPS, { ...all, ...chosen }, (each) => `${each.asset} ${each.reason}`).map((each) => each.seconds);

test('stops are sorted by any column, both ways', () => {
  assert.deepEqual(lengths({}), [5, 500, 60]);
  assert.deepEqual(lengths({ sort: 'seconds' }), [5, 60, 500]);
  assert.deepEqual(lengths({ sort: '-seconds' }), [500, 60, 5]);
  assert.deepEqual(lengths({ sort: 'asset' }).slice(-1), [500]);
});

test('stops are filtered by reason, also by none, by machine and by a text', () => {
  assert.deepEqual(lengths({ reason: 'jam' }), [5, 60]);
  assert.deepEqual(lengths({ reason: NONE }), [500]);
  assert.deepEqual(lengths({ machine: 'a/b/c/saw' }), [500]);
  assert.deepEqual(lengths({ text: ' JAM ' }), [5, 60]);
  assert.deepEqual(reasonsOf(STOPS), ['', 'jam']);
});

test('a line that is down comes before one that waits, one behind its plan before one that is not', () => {
  const plan = (delta) => ({ plan: 100, delta });
  assert.ok(rank('down', plan(0)) < rank('unknown', plan(0)));
  assert.ok(rank('unknown', plan(0)) < rank('starved', plan(0)));
  assert.ok(rank('running', plan(-50)) < rank('running', plan(-20)));
  assert.ok(rank('running', plan(-20)) < rank('running', plan(10)));
  assert.ok(rank('running', undefined) > rank('down', undefined));
});

test('few lines stand in the order of the plant, many with the worst first; a search finds titles in any alphabet', () => {
  const lines = Array.from({ length: AT_A_GLANCE + 1 }, (_, place) => `site/area/line-${place}`);
  const title = (line) => (line.endsWith('-3') ? 'Линия три' : line.endsWith('-4') ? '第四線' : line);
  const rankOf = (line) => (line.endsWith('-7') ? 0 : 1);
  assert.equal(worstFirst(lines, '', title, rankOf)[0], 'site/area/line-7');
  assert.equal(worstFirst(lines.slice(0, AT_A_GLANCE), '', title, rankOf)[0], 'site/area/line-0');
  assert.deepEqual(worstFirst(lines, 'ЛИНИЯ', title, rankOf), ['site/area/line-3']);
  assert.deepEqual(worstFirst(lines, '四', title, rankOf), ['site/area/line-4']);
});

test('amounts are shown as people read them, and events by reason and machine', () => {
  assert.equal(amount('down_s', 720), '12 min');
  assert.equal(amount('produced', 24), '24');
  assert.equal(amount('electricity_kwh', 1.5), '1.50 kW·h');
  const events = [{ reason: 'jam', machine: 'm' }, { reason: '', machine: 'n' }];
  assert.equal(chosenEvents(events, '*', '*').length, 2);
  assert.deepEqual(chosenEvents(events, 'jam', '*'), [events[0]]);
  assert.deepEqual(chosenEvents(events, '*', 'n'), [events[1]]);
});
