import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realClock } from '../../src/ambient/clock.ts';
import { realIds, realRandom } from '../../src/ambient/ids.ts';

const dayMs = 86_400_000;

test('the wall clock is the machine time and the monotonic one never goes back', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 });
  const clock = realClock();
  assert.equal(clock.now(), 1_700_000_000_000);
  t.mock.timers.setTime(1_600_000_000_000);
  assert.equal(clock.now(), 1_600_000_000_000);
  const readings = Array.from({ length: 1_000 }, () => clock.monotonic());
  assert.deepEqual(
    readings,
    readings.toSorted((a, b) => a - b),
  );
});

test('a timer runs once, when its time has come', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let runs = 0;
  realClock().setTimeout(() => runs++, 100);
  t.mock.timers.tick(99);
  assert.equal(runs, 0);
  t.mock.timers.tick(1);
  assert.equal(runs, 1);
  t.mock.timers.tick(1_000);
  assert.equal(runs, 1);
});

test('a timer of weeks does not fire at once', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let runs = 0;
  realClock().setTimeout(() => runs++, 60 * dayMs);
  for (let day = 0; day < 59; day++) t.mock.timers.tick(dayMs);
  assert.equal(runs, 0);
  // The mocked clock steps by whole days, so that each part of the wait may end up to one late.
  for (let day = 0; day < 4; day++) t.mock.timers.tick(dayMs);
  assert.equal(runs, 1);
});

test('a cleared timer never runs, whichever part of its wait it is in', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const clock = realClock();
  let runs = 0;
  clock.clearTimeout(clock.setTimeout(() => runs++, 10));
  const long = clock.setTimeout(() => runs++, 60 * dayMs);
  for (let day = 0; day < 40; day++) t.mock.timers.tick(dayMs);
  clock.clearTimeout(long);
  for (let day = 0; day < 40; day++) t.mock.timers.tick(dayMs);
  assert.equal(runs, 0);
});

test('clearing what is no timer, or a timer twice, does nothing', () => {
  const clock = realClock();
  const handle = clock.setTimeout(() => assert.fail('was cleared'), 5);
  for (const each of [handle, handle, undefined, null, 7, 'x', {}]) clock.clearTimeout(each);
});

test('ids are random uuids whose first eight characters tell them apart', () => {
  const ids = realIds();
  const made = Array.from({ length: 100 }, () => ids.id());
  for (const id of made) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(made.map((id) => id.slice(0, 8))).size, made.length);
});

test('a secret has 256 bits and fits a header', () => {
  const ids = realIds();
  const secret = ids.secret();
  assert.match(secret, /^[\w-]{43}$/);
  assert.equal(Buffer.from(secret, 'base64url').length, 32);
  assert.notEqual(ids.secret(), secret);
});

test('chance lies in [0, 1)', () => {
  for (let i = 0; i < 1_000; i++) {
    const number = realRandom();
    assert.ok(number >= 0 && number < 1);
  }
});
