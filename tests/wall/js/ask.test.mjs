// When a question is asked again: changes bring the next answer forward and never put it off.

import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import './page.mjs';

const { Question } = await import('../static/ask.js');

let clock = 0;
let asked = [];
let answer = null;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
  clock = 0;
  asked = [];
  globalThis.performance.now = () => clock;
  globalThis.fetch = () => {
    asked.push(clock);
    return answer ?? Promise.resolve({ ok: true, json: async () => ({ at: clock }) });
  };
  answer = null;
});

/** Let time pass in steps, doing something at each. */
async function pass(ms, step, each = () => {}) {
  for (const until = clock + ms; clock < until; ) {
    clock += step;
    mock.timers.tick(step);
    for (let turn = 0; turn < 6; turn += 1) await Promise.resolve();
    each();
  }
}

const of = (every) => {
  const question = new Question('/api/v1/kpi?asset=x');
  question.users.add({ every, draw() {} });
  return question;
};

test('changes without a pause do not keep a question from being asked', async () => {
  const question = of(5_000);
  await question.ask();
  await pass(20_000, 50, () => question.hurry());
  assert.ok(asked.length >= 10, `${asked.length} in 20 s`);
});

test('without changes it is asked at its own pace', async () => {
  const question = of(5_000);
  await question.ask();
  await pass(20_000, 50);
  assert.equal(asked.length, 5);
});

test('a change while an answer is on its way leads to another question', async () => {
  const question = of(undefined);
  let arrive;
  answer = new Promise((done) => (arrive = done));
  const first = question.ask();
  question.hurry();
  answer = null;
  arrive({ ok: true, json: async () => ({}) });
  await first;
  await pass(3_000, 50);
  assert.equal(asked.length, 2);
});

test('a question that nobody asks any more is not asked again', async () => {
  const question = of(5_000);
  await question.ask();
  for (const user of [...question.users]) question.leave(user);
  await pass(20_000, 50, () => question.users.size && question.hurry());
  assert.equal(asked.length, 1);
});
