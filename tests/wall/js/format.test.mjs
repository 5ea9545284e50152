import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as format from '../static/format.js';

const cases = (name, of, table) => test(name, () => {
  for (const [given, expected] of table) assert.equal(of(...[given].flat()), expected, JSON.stringify(given));
});

cases('a number has three significant figures and whole digits before the point', format.number, [
  [0, '0'], [0.1234, '0.123'], [0.5, '0.500'], [1.5, '1.50'], [2, '2'], [12.345, '12.3'], [999.6, '1\u202f000'], [1234.5, '1\u202f235'], [-3.14159, '−3.14'],
  [-1234567, '−1\u202f234\u202f567'], [100, '100'], [0.00001, '1.00e−5'], [Infinity, '∞'], [-Infinity, '−∞'], [NaN, '–'],
]);
cases('what is not there is a dash', (value) => format.number(value) + format.pieces(value) + format.percent(value), [[null, '–––']]);
cases('pieces are whole where they are whole', format.pieces, [[0, '0'], [1.25, '1.3'], [12.5, '13'], [12345, '12\u202f345']]);
cases('a difference has its sign', format.difference, [[0.4, '±0'], [-0.4, '±0'], [3, '+3'], [-3, '−3'], [undefined, '–']]);
cases('a ratio is per cent, never rounded up to the whole', format.percent, [
  [0, '0.0'], [0.7249, '72.5'], [0.9994, '99.9'], [0.9995, '100'], [1, '100'], [1.234, '123'],
]);
cases('a span has its two largest units', format.span, [
  [-5, '0 s'], [99_999, '99 s'], [100_000, '1 min'], [3_599_000, '59 min'], [3_600_000, '1 h'], [5_160_000, '1 h 26 min'],
  [172_800_000, '2 d'], [273_600_000, '3 d 4 h'], [null, '–'],
]);
cases('an age has a tenth of a second while it is young', format.age, [[-50, '0.0 s'], [1_250, '1.3 s'], [10_000, '10 s']]);
cases('seconds of an indicator take the unit that suits', format.seconds, [[99, '99 s'], [120, '2 min'], [7_200, '2 h'], [null, '–']]);
cases('minutes of a loss', format.minutes, [[5.26, '5.3 s'], [59, '59 s'], [90, '1.5 min'], [6_000, '100 min']]);
cases('a unit is written as people write it', format.unit, [
  ['', ''], ['Cel', '°C'], ['um', 'µm'], ['kW.h', 'kW·h'], ['m2', 'm²'], ['m3/h', 'm³/h'], ['constructor', 'constructor'],
]);
cases('a path without a title is readable', format.readable, [['a/b/c/friction-stir-2', 'Friction stir 2'], ['leeds', 'Leeds']]);
cases('a zone goes by its city', format.zoneName, [['America/New_York', 'New York'], ['UTC', 'UTC']]);

test('a time of day is that of the zone, with the day where it is not today', () => {
  const at = Date.parse('2026-11-25T23:30:00Z');
  assert.equal(format.clock(at, 'UTC'), '23:30');
  assert.equal(format.clock(at, 'Asia/Shanghai', { secs: true }), '07:30:00');
  assert.equal(format.when(at, 'UTC', at - 60_000), '23:30');
  assert.match(format.when(at, 'UTC', at + 3_600_000), /^25 Nov\b.*23:30$/);
});

test('how far a zone is from UTC, with its sign, half hours and both sides of a clock change', () => {
  const summer = Date.UTC(2026, 6, 1);
  const winter = Date.UTC(2026, 0, 1);
  assert.equal(format.offset(summer, 'Europe/Berlin'), '+02:00');
  assert.equal(format.offset(winter, 'Europe/Berlin'), '+01:00');
  assert.equal(format.offset(summer, 'Asia/Kolkata'), '+05:30');
  assert.equal(format.offset(winter, 'America/St_Johns'), '-03:30');
  assert.equal(format.offset(winter, 'UTC'), '+00:00');
  const change = Date.UTC(2026, 2, 29, 1);
  assert.equal(format.offsetMs(change - 1, 'Europe/Berlin'), 3_600_000);
  assert.equal(format.offsetMs(change, 'Europe/Berlin'), 7_200_000);
});
