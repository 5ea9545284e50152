// Where the pages of a view on a kiosk begin.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import './page.mjs';

const { nextTop } = await import('../static/parts/page_turn.js');

test('what fits has no further page', () => {
  assert.equal(nextTop([0, 400], 0, 1_000, 1_000), null);
  assert.equal(nextTop([0, 400], 0, 1_000, 1_005), null);
});

test('a page begins with the part that was cut', () => {
  assert.equal(nextTop([0, 400, 900, 1_500], 0, 1_000, 2_000), 900);
  assert.equal(nextTop([0, 400, 900, 1_500], 900, 1_000, 2_000), 1_500);
  assert.equal(nextTop([0, 400, 900, 1_500], 1_500, 1_000, 2_000), null);
});

test('a part that is higher than the screen is shown a screen at a time', () => {
  assert.equal(nextTop([0, 20], 0, 1_000, 3_000), 1_000);
  assert.equal(nextTop([0, 20], 1_000, 1_000, 3_000), 2_000);
});
