// The numbers of now: which of two answers is shown, and when a figure is marked with its age.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import './page.mjs';

const { newest, Numbers } = await import('../static/numbers.js');

const at = (second) => `2026-11-25T09:00:${String(second).padStart(2, '0')}Z`;
const ms = (second) => Date.parse(at(second));
const MILL = 'leeds/shop/line-1/mill-1';

test('what was sent replaces what was asked for, and leaves what it does not have', () => {
  const asked = { asset: 'x', counted_to: at(1), indicators: { oee: 0.5, cpk: 1.3 }, ledger: { good: 3, scrap: 1 }, notes: ['a'] };
  const sent = { asset: 'x', counted_to: at(2), indicators: { oee: 0.6 }, ledger: { good: 4 } };
  assert.deepEqual(newest(asked, sent), { ...asked, counted_to: at(2), indicators: { oee: 0.6, cpk: 1.3 }, ledger: { good: 4, scrap: 1 } });
  assert.equal(newest({ ...asked, counted_to: at(3) }, sent).indicators.oee, 0.5);
  assert.equal(newest(undefined, sent), sent);
  assert.equal(newest(asked, undefined), asked);
  assert.equal(newest({ asset: 'x', to: at(1), good: 1 }, { asset: 'x', to: at(2), good: 2 }).good, 2);
});

test('numbers are sent as long as they come, for the begin that they are of', () => {
  const numbers = new Numbers();
  assert.equal(numbers.areSent('shift', 0), false);
  numbers.take({ from: 'shift', answers: [{ asset: 'x' }], plans: [{ asset: 'x' }] }, 1_000);
  assert.equal(numbers.areSent('shift', 2_000), true);
  assert.equal(numbers.areSent('now-1h', 2_000), false);
  assert.equal(numbers.areSent('shift', 60_000), false);
  assert.deepEqual([numbers.of.kpi.size, numbers.of.plan.size], [1, 1]);
  numbers.take({ from: '1795593600000', answers: [], plans: [] }, 3_000);
  assert.equal(numbers.of.kpi.size, 0);
});

test('a figure that lacks what was reported a while ago has an age; another has none', () => {
  const numbers = new Numbers();
  numbers.move(MILL, { count: { at: ms(10) } });
  const answers = [{ asset: 'leeds/shop/line-1', counted_to: at(8) }, { asset: '', counted_to: at(11) }];
  assert.equal(numbers.age(answers, ms(10) + 900), null);
  assert.equal(numbers.age(answers, ms(14)), 6_000);
  assert.equal(numbers.age([answers[1]], ms(14)), null);
  assert.equal(numbers.age([{ asset: 'york/shop/line-1', counted_to: at(1) }], ms(14)), null);
});

test('signals, and groups that only stand differently, make no figure old', () => {
  const numbers = new Numbers();
  numbers.move(MILL, { 'signal/load': [ms(10), 3] });
  numbers.move('leeds/shop/line-1', { state: { since: ms(10) } });
  assert.equal(numbers.age([{ asset: 'leeds/shop/line-1', counted_to: at(8) }], ms(20)), null);
});

test('what has too many machines is named, so that it is asked for', () => {
  const numbers = new Numbers();
  numbers.take({ from: 'shift', answers: [{ asset: 'a/b/c' }], plans: [], unsent: [''] }, 1_000);
  assert.ok(numbers.unsent.has('') && !numbers.unsent.has('a/b/c'));
  numbers.clear();
  assert.equal(numbers.unsent.size, 0);
});
