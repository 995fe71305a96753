import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { afterLook, beginCourse, isChecked, isWell, nextLookMs, type HealthCourse } from '../../src/core/health.ts';
import type { HealthSpec } from '../../src/core/job.ts';
import { limitsDefault } from '../../src/core/limits.ts';

const terms: HealthSpec = { probe: { kind: 'tcp', port: 80 }, intervalMs: 5_000, timeoutMs: 2_000, retries: 3, startPeriodMs: 10_000 };

/** Looks from the start on, as the policy says when; `well` answers by the time since the start. */
function follow(well: (ms: number) => boolean, untilMs: number, changes: Partial<HealthSpec> = {}, from?: HealthCourse) {
  const told = { ...terms, ...changes };
  const looks: number[] = [];
  const turns: [number, string][] = [];
  let course = from ?? beginCourse('unknown', 0, 0);
  for (let now = course.judgedAt; ;) {
    now += nextLookMs(course, now, told, limitsDefault);
    if (now > untilMs) return { looks, turns };
    looks.push(Math.round(now));
    const before = course.health;
    course = afterLook(course, well(now), now, told);
    if (course.health !== before) turns.push([Math.round(now), course.health]);
  }
}

test('a service that is up soon is seen healthy soon, long before its interval', () => {
  assert.deepEqual(follow(() => true, 1_000).turns, [[100, 'healthy']]);
  const [[at, health]] = follow((ms) => ms >= 300, 1_000).turns as [[number, string]];
  assert.equal(health, 'healthy');
  assert.ok(at < 500, `seen after ${at} ms`);
});

test('the looks before the first good one get rarer, up to the interval', () => {
  const { looks } = follow(() => false, 60_000, { startPeriodMs: 3_600_000 });
  assert.deepEqual(looks.slice(0, 4), [100, 250, 475, 813]);
  const pauses = looks.slice(1).map((at, index) => at - looks[index]!);
  assert.deepEqual(
    pauses,
    pauses.toSorted((a, b) => a - b),
  );
  assert.equal(pauses.at(-1), terms.intervalMs);
  assert.ok(looks.length < 25);
});

test('a healthy one is looked at once an interval', () => {
  assert.deepEqual(follow(() => true, 15_100).looks, [100, 5_100, 10_100, 15_100]);
});

test('failed looks within the start period do not count, and after it as many as the retries do', () => {
  const { turns } = follow(() => false, 60_000);
  assert.equal(turns.length, 1);
  const [[at, health]] = turns as [[number, string]];
  assert.equal(health, 'unhealthy');
  assert.ok(at >= terms.startPeriodMs + 2 * terms.intervalMs && at <= terms.startPeriodMs + 3 * terms.intervalMs, String(at));
});

test('early looks that fail make nobody unhealthy sooner than its interval says', () => {
  assert.deepEqual(follow(() => false, 60_000, { startPeriodMs: 0 }).turns, [[15_000, 'unhealthy']]);
  assert.deepEqual(follow(() => false, 60_000, { startPeriodMs: 0, retries: 1 }).turns, [[5_000, 'unhealthy']]);
});

test('once it was healthy the start period protects it no more', () => {
  const { turns } = follow((ms) => ms < 2_000, 60_000, { startPeriodMs: 3_600_000 });
  assert.deepEqual(turns, [
    [100, 'healthy'],
    [15_100, 'unhealthy'],
  ]);
});

test('failures count in a row only: one good look forgives all', () => {
  const { turns } = follow((ms) => Math.round((ms - 100) / 5_000) % 3 === 0, 100_000);
  assert.deepEqual(turns, [[100, 'healthy']]);
});

test('an unhealthy one is healthy again with its first good look', () => {
  const { turns } = follow((ms) => ms > 40_000, 100_000, { startPeriodMs: 0 });
  assert.deepEqual(
    turns.map(([, health]) => health),
    ['unhealthy', 'healthy'],
  );
  assert.ok(turns[1]![0] <= 45_000);
});

test('whoever goes on looking after a pause keeps the last word until the retries are used up anew', () => {
  const from = beginCourse('healthy', 0, 100_000);
  assert.deepEqual(follow(() => false, 200_000, {}, from).turns, [[115_000, 'unhealthy']]);
  assert.deepEqual(follow(() => true, 200_000, {}, from).turns, []);
  assert.equal(follow(() => true, 200_000, {}, from).looks[0], 100_100, 'it looks soon');
});

test('an interval shorter than the first pause is kept to', () => {
  assert.deepEqual(follow(() => false, 100, { intervalMs: 20, startPeriodMs: 3_600_000 }).looks, [20, 40, 60, 80, 100]);
});

test('whatever looks find: pauses are never negative nor longer than the interval, and only good looks make healthy', () => {
  const anyTerms = fc.record({
    intervalMs: fc.integer({ min: 1, max: 100_000 }),
    retries: fc.integer({ min: 1, max: 5 }),
    startPeriodMs: fc.integer({ min: 0, max: 100_000 }),
  });
  fc.assert(
    fc.property(anyTerms, fc.array(fc.tuple(fc.boolean(), fc.nat(5_000)), { maxLength: 60 }), (changes, series) => {
      const told = { ...terms, ...changes };
      let course = beginCourse('unknown', 0, 0);
      let now = 0;
      let failedInRow = 0;
      for (const [ok, tookMs] of series) {
        const pauseMs = nextLookMs(course, now, told, limitsDefault);
        assert.ok(pauseMs >= 0 && pauseMs <= told.intervalMs);
        now += pauseMs + tookMs;
        const before = course;
        course = afterLook(course, ok, now, told);
        failedInRow = ok ? 0 : failedInRow + 1;
        assert.ok(course.failures <= failedInRow);
        if (ok) assert.equal(course.health, 'healthy');
        else if (course.health !== before.health) {
          assert.equal(course.health, 'unhealthy');
          assert.ok(failedInRow >= told.retries);
          assert.ok(before.health === 'healthy' || now >= told.startPeriodMs);
        }
      }
    }),
  );
});

test('a task has a check by its own terms, else by its image', () => {
  assert.deepEqual(
    [isChecked(undefined, true), isChecked(undefined, false), isChecked('none', true), isChecked(terms, false)],
    [true, false, false, true],
  );
});

test('with a check only its word makes well; without one running does', () => {
  assert.equal(isWell({ health: 'unknown' }), true);
  assert.equal(isWell({ health: 'unknown', hasCheck: false }, 'none'), true);
  assert.equal(isWell({ health: 'unknown', hasCheck: true }), false);
  assert.equal(isWell({ health: 'unknown', hasCheck: false }, terms), false, 'its worker has not heard of the check yet');
  assert.equal(isWell({ health: 'healthy', hasCheck: true }, terms), true);
  assert.equal(isWell({ health: 'unhealthy' }), false);
});
