// Which machines and lines a page knows, and in which order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import './page.mjs';

const { Roster } = await import('../static/roster.js');

const DECLARED = ['a/shop/two/m', 'a/shop/one/m'];

test('declared machines come in the order of the plant, newcomers after them by name', () => {
  const roster = new Roster();
  roster.begin(DECLARED, ['b/shop/one/z', 'a/shop/one/m', 'b/shop/one/c', 'a', 'a/shop/one']);
  assert.deepEqual(roster.machines(), [...DECLARED, 'b/shop/one/c', 'b/shop/one/z']);
  assert.deepEqual(roster.lines(), ['a/shop/two', 'a/shop/one', 'b/shop/one']);
  assert.deepEqual(roster.machines('a/shop/one'), ['a/shop/one/m']);
  assert.deepEqual(roster.lines('b'), ['b/shop/one']);
});

test('a path that begins like another is not under it', () => {
  const roster = new Roster();
  roster.begin(['a/shop/one/m', 'a/shop/one-b/m'], []);
  assert.deepEqual(roster.machines('a/shop/one'), ['a/shop/one/m']);
});

test('the list is the same one until a machine comes, whatever else reports', () => {
  const roster = new Roster();
  roster.begin(DECLARED, []);
  const before = roster.machines('a');
  roster.add('a/shop/one/m');
  roster.add('a/shop/one');
  assert.equal(roster.machines('a'), before);
  roster.add('a/shop/one/new');
  assert.deepEqual(roster.machines('a'), [...DECLARED, 'a/shop/one/new']);
});
