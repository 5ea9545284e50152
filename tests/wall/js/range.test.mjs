import assert from 'node:assert/strict';
import { test } from 'node:test';
import { visit } from './page.mjs';

const { link, local, origin, rangeOf, refresh, rangeText, zoned } = await import('../static/range.js');
const query = (text) => rangeOf(new URLSearchParams(text));

test('an address without a range is the running shift, live', () => {
  assert.deepEqual(query(''), { from: 'shift', to: 'now', isLive: true, name: 'shift' });
});

test('a range is live where it ends now; the shift before does not', () => {
  assert.deepEqual(['from=now-1h', 'from=previous-shift', 'from=0&to=3600000'].map((text) => query(text).isLive), [true, false, false]);
  assert.deepEqual(['from=now-8h', 'from=now-3h', 'from=now-8h&to=1'].map((text) => query(text).name), ['now-8h', 'custom', 'custom']);
});

test('a link takes range, colours and language along, and no more', () => {
  visit('/?from=now-8h&theme=andon&lang=en&views=/');
  assert.equal(link('/line/a'), '/line/a?from=now-8h&theme=andon&lang=en');
  assert.equal(link('/', { from: null, scheme: 'dark' }), '/?theme=andon&lang=en&scheme=dark');
  visit('/');
  assert.equal(link('/devices'), '/devices');
});

test('a range that moves is asked for by its name, and again; one that is over is not', () => {
  assert.equal(origin(query('from=now-1h'), 123), 'now-1h');
  assert.equal(origin(query('from=previous-shift'), 123), 123);
  assert.deepEqual(['', 'from=now-8h', 'from=now-7d', 'from=previous-shift'].map((text) => refresh(query(text))), [5_000, 10_000, 30_000, undefined]);
});

test('before its answer a range goes by its name, then with its times', () => {
  const range = query('from=0&to=1');
  const window = { from: '2026-11-25T06:00:00Z', to: '2026-11-25T10:00:00Z' };
  assert.match(rangeText(query(''), { ...window, shift: 'early', ends: '2026-11-25T14:00:00Z' }, 'UTC'), /^This shift · .*06:00.*14:00$/);
  assert.match(rangeText(range, window, 'UTC'), /06:00.*10:00$/);
  assert.equal(rangeText(query('from=now-1h'), null, 'UTC'), 'Last hour');
});

test('the wall-clock text of any instant is that instant again, also around the change of the clocks', () => {
  for (const zone of ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata']) {
    for (const day of ['2026-03-08', '2026-03-29', '2026-10-25']) {
      for (let hour = -14; hour < 38; hour += 1) {
        const at = Date.parse(`${day}T00:00Z`) + hour * 3_600_000;
        const found = zoned(local(at, zone), zone);
        // An hour that is there twice has one text.
        assert.equal(local(found, zone), local(at, zone));
        assert.ok(found === at || Math.abs(found - at) === 3_600_000, `${zone} ${local(at, zone)}`);
      }
    }
  }
  assert.equal(zoned('2026-03-29T01:30', 'Europe/Berlin'), Date.parse('2026-03-29T00:30Z'));
  assert.equal(zoned('', 'UTC'), null);
});

test('a range across a change of the clocks is headed with both offsets, and no other', () => {
  const range = query('from=0&to=1');
  const night = { from: '2026-10-24T22:00:00Z', to: '2026-10-25T05:00:00Z' };
  assert.match(rangeText(range, night, 'Europe/Berlin'), /00:00 \+02:00 – .*06:00 \+01:00$/);
  assert.doesNotMatch(rangeText(range, night, 'Asia/Kolkata'), /\+/);
  assert.match(rangeText(range, night, 'Europe/London'), /23:00 \+01:00 – .*05:00 \+00:00$/);
});
