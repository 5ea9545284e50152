// States, words, losses and ribbons: what is drawn of them, worked out without drawing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import './page.mjs';

const { own } = await import('../static/own.js');
const { categoryOf, ORDER } = await import('../static/states.js');
const { phrase, phraseOr, language } = await import('../static/words.js');
const { topLoss } = await import('../static/parts/loss.js');
const { intervalsTo, shapes, stepOf } = await import('../static/parts/ribbon.js');
const { live } = await import('../static/live.js');

test('a table has only what is its own', () => {
  assert.equal(own({ a: 1 }, 'a'), 1);
  for (const name of ['constructor', 'toString', '__proto__']) assert.equal(own({ a: 1 }, name), undefined);
  assert.equal(own(undefined, 'a'), undefined);
});

test('every state has a category that stands in the order, and a foreign one is unknown', () => {
  assert.equal(categoryOf('running'), 'run');
  assert.equal(categoryOf('setup'), 'act');
  for (const foreign of ['constructor', '', undefined]) assert.equal(categoryOf(foreign), 'unknown');
  assert.ok(ORDER.includes(categoryOf('blocked')));
});

test('a text has its gaps filled in, and one that is not there is its key or the fallback', () => {
  assert.equal(language, 'en');
  assert.equal(phrase('limits', 1, 2), '1 … 2');
  assert.equal(phrase('limits', 1), '1 … ');
  assert.equal(phrase('no.such.text'), 'no.such.text');
  assert.equal(phraseOr('constructor', 'x'), 'x');
});

test('the top loss is the reason that cost most planned time; set-up without a reason is one', () => {
  const reasons = [
    { state: 'maintenance', reason: 'plan', seconds: 900 }, { state: 'down', reason: 'jam', seconds: 60 }, { state: 'idle', reason: '', seconds: 0 },
  ];
  assert.deepEqual(topLoss({ reasons, ledger: { setup_s: 0 } }), reasons[1]);
  assert.deepEqual(topLoss({ reasons, ledger: { setup_s: 100 } }), { state: 'setup', reason: '', seconds: 100 });
  assert.equal(topLoss({ reasons: [], ledger: { setup_s: 0 } }), null);
  assert.equal(topLoss(undefined), null);
});

test('a ribbon has each state that came since its history was asked for', () => {
  const path = 'a/b/c/trail';
  const send = (since, state) => live.merge({ now: since, facts: { [path]: { state: { state, since, reason: '' } } } });
  for (const [since, state] of [[10, 'idle'], [50, 'running'], [60, 'down'], [70, 'running'], [70, 'running']]) send(since, state);
  const history = [[0, 20, 'off', ''], [20, 40, 'setup', '']];
  assert.deepEqual(intervalsTo(history, path, 100, true), [
    [0, 20, 'off', ''], [20, 50, 'setup', ''], [50, 60, 'running', ''], [60, 70, 'down', ''], [70, 100, 'running', ''],
  ]);
  for (let time = 100; time < 200; time += 1) send(time, time % 2 ? 'down' : 'running');
  assert.ok(live.trail(path).length <= 40);
});

test('a strip has an area for each interval in its range, and down stands over all others', () => {
  const intervals = [[-100, -50, 'off', ''], [-50, 100, 'running', ''], [100, 300, 'down', 'jam'], [300, 400, 'running', ''], [400, 2_000, 'idle', '']];
  assert.deepEqual(shapes(intervals, 0, 1_000), [
    ['idle', 'M400 70H1000v30H400z'], ['run', 'M0 20H100v80H0zM300 20H400v80H300z'], ['down', 'M100 0H300v100H100z'],
  ]);
  assert.deepEqual(shapes([], 0, 1_000), []);
});

test('a strip stays small however often a machine changes, and shows each stop', () => {
  const often = Array.from({ length: 100_000 }, (_, place) => [place, place + 1, place % 2 ? 'down' : 'running', '']);
  for (const [, path] of shapes(often, 0, 100_000)) assert.ok(path.length < 200_000);
  const once = [[0, 50_000, 'running', ''], [50_000, 50_001, 'down', 'jam'], [50_001, 100_000, 'running', '']];
  assert.deepEqual(shapes(once, 0, 100_000).map(([kind]) => kind), ['run', 'down']);
});

test('a time that moves by less than a pixel of a strip changes nothing in it', () => {
  assert.ok(stepOf(8 * 3_600_000) <= (8 * 3_600_000) / 500);
  assert.ok(stepOf(60_000) >= 1_000);
});

test('a ribbon goes on from history with the live state', () => {
  const history = [[0, 50, 'running', ''], [50, 80, 'down', 'jam']];
  const states = (state, since, reason = '') => {
    live.facts = new Map([['a/b/c/d', { state: { state, since, reason } }]]);
    return intervalsTo(history, 'a/b/c/d', 100, true);
  };
  assert.deepEqual(states('down', 50, 'jam').at(-1), [50, 100, 'down', 'jam']);
  assert.deepEqual(states('running', 90).slice(1), [[50, 90, 'down', 'jam'], [90, 100, 'running', '']]);
  assert.deepEqual(states('unknown', 90, 'offline').at(-1), [90, 100, 'unknown', '']);
  assert.deepEqual(states('running', 20).slice(1), [[50, 50, 'down', 'jam'], [50, 100, 'running', '']]);
  assert.deepEqual(intervalsTo(history, 'a/b/c/d', 100, false), history);
  live.facts = new Map();
  assert.deepEqual(intervalsTo(null, 'a/b/c/d', 100, true), []);
});
