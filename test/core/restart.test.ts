import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { RunKind, RestartSpec } from '../../src/core/job.ts';
import { afterExit, delayAfter, delayLeft, recentRestarts, type Ended } from '../../src/core/restart.ts';

const now = 1_000_000;
const policy: RestartSpec = { on: 'failure', attempts: 3, withinMs: 60_000, delayMs: 1_000, backoff: 2, delayMsMax: 5_000 };

/** An end without jitter: a chance of a half is the middle. */
function ended(exitCode: number, restartedAt: readonly number[] = [], chance = 0.5): Ended {
  return { exitCode, restartedAt, now, chance };
}

function after(type: RunKind, on: RestartSpec['on'], exitCode: number): string {
  return afterExit(type, { ...policy, on }, ended(exitCode), 0).then;
}

test('exit 0 completes a batch task whatever its policy, and a service whose policy is not always', () => {
  assert.deepEqual(
    (['always', 'failure', 'never'] as const).map((on) => [after('batch', on, 0), after('service', on, 0)]),
    [
      ['completed', 'restart'],
      ['completed', 'completed'],
      ['completed', 'completed'],
    ],
  );
});

test('one that was ended for its health has failed, whatever its exit code', () => {
  const unwell: Ended = { ...ended(0), unwell: true };
  for (const type of ['batch', 'service'] as const) {
    for (const on of ['always', 'failure'] as const) assert.equal(afterExit(type, { ...policy, on }, unwell, 0).then, 'restart');
    assert.equal(afterExit(type, { ...policy, on: 'never' }, unwell, 0).then, 'failed');
  }
  assert.equal(afterExit('batch', policy, { ...unwell, restartedAt: [now, now, now] }, 0).then, 'failed');
});

test('a policy without a delay restarts at once, with all its backoff and jitter', () => {
  const atOnce = { ...policy, delayMs: 0, delayMsMax: 0 };
  assert.deepEqual(afterExit('service', atOnce, ended(1, [now, now], 0.99), 0.5), { then: 'restart', delayMs: 0, attemptsUsed: 3 });
});

test('another exit code restarts, but for the policy never', () => {
  for (const type of ['batch', 'service'] as const) {
    assert.deepEqual(
      (['always', 'failure', 'never'] as const).map((on) => after(type, on, 3)),
      ['restart', 'restart', 'failed'],
    );
  }
});

test('a failure under the policy never tells its exit code', () => {
  assert.deepEqual(afterExit('batch', { ...policy, on: 'never' }, ended(7), 0), { then: 'failed', reason: 'exit code 7' });
});

test('the delay grows with each restart in the window, up to its cap', () => {
  const restartedAt: number[] = [];
  const delays: number[] = [];
  for (let used = 1; used <= 5; used++) {
    const verdict = afterExit('service', { ...policy, attempts: 9 }, ended(1, restartedAt), 0);
    assert.ok(verdict.then === 'restart');
    assert.equal(verdict.attemptsUsed, used);
    delays.push(verdict.delayMs);
    restartedAt.push(now - 1);
  }
  assert.deepEqual(delays, [1_000, 2_000, 4_000, 5_000, 5_000]);
});

test('attempts that are used up fail, with how many there were', () => {
  const two = [now - 3, now - 2];
  assert.equal(afterExit('service', policy, ended(1, two), 0).then, 'restart');
  assert.deepEqual(afterExit('service', policy, ended(1, [...two, now - 1]), 0), {
    then: 'failed',
    reason: 'exit code 1, after 3 restarts',
  });
  assert.deepEqual(afterExit('service', { ...policy, attempts: 0 }, ended(1), 0), {
    then: 'failed',
    reason: 'exit code 1, after 0 restarts',
  });
});

test('restarts outside the window count no more: it slides', () => {
  const edge = now - policy.withinMs;
  const outside = afterExit('service', policy, ended(1, [edge - 1, edge, edge]), 0);
  assert.deepEqual(outside, { then: 'restart', delayMs: 1_000, attemptsUsed: 1 });
  const inside = afterExit('service', policy, ended(1, [edge + 1, edge + 1, edge + 1]), 0);
  assert.equal(inside.then, 'failed');
});

test('a restart that always fails at once comes to an end, and one that runs longer than the window never does', () => {
  for (const [ranMs, most] of [
    [10, policy.attempts],
    [policy.withinMs + 1, Number.POSITIVE_INFINITY],
  ] as const) {
    const restartedAt: number[] = [];
    let at = now;
    for (let round = 0; round < 20; round++) {
      at += ranMs;
      const verdict = afterExit('service', policy, { exitCode: 1, restartedAt, now: at, chance: 0.5 }, 0);
      if (verdict.then !== 'restart') break;
      restartedAt.push(at);
    }
    assert.equal(restartedAt.length, Math.min(most, 20));
  }
});

test('the delay varies by its jitter and no more, and is never negative', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(100_000),
      fc.nat(3),
      (chance, jitter, delayMs, before) => {
        const spec: RestartSpec = { ...policy, attempts: 9, delayMs, delayMsMax: 300_000 };
        const verdict = afterExit(
          'service',
          spec,
          ended(
            1,
            Array.from({ length: before }, () => now),
            chance,
          ),
          jitter,
        );
        assert.ok(verdict.then === 'restart');
        const plainMs = Math.min(300_000, delayMs * 2 ** before);
        assert.ok(verdict.delayMs >= Math.floor(plainMs * (1 - jitter)) && verdict.delayMs <= Math.ceil(plainMs * (1 + jitter)));
        assert.ok(Number.isInteger(verdict.delayMs) && verdict.delayMs >= 0);
      },
    ),
  );
});

test('chance at its ends gives the ends of the range', () => {
  const delay = (chance: number): number => {
    const verdict = afterExit('service', policy, ended(1, [], chance), 0.1);
    return verdict.then === 'restart' ? verdict.delayMs : Number.NaN;
  };
  assert.deepEqual([delay(0), delay(0.5), delay(0.999_999)], [900, 1_000, 1_100]);
});

test('a delay of nothing stays nothing, however large the power of its backoff', () => {
  const huge = { ...policy, attempts: 9, delayMs: 0, backoff: 1e300 };
  const thrice = [now, now, now];
  assert.equal(delayAfter(huge, 3), 0);
  assert.deepEqual(afterExit('service', huge, ended(1, thrice, 0.99), 0.5), { then: 'restart', delayMs: 0, attemptsUsed: 4 });
  assert.equal(delayAfter({ ...huge, delayMs: 1 }, 3), policy.delayMsMax);
});

test('the cap of the delay holds with its jitter, too', () => {
  const capped = afterExit('service', { ...policy, attempts: 9 }, ended(1, [now, now, now], 0.99), 0.5);
  assert.deepEqual(capped, { then: 'restart', delayMs: 5_000, attemptsUsed: 4 });
});

test('restarts in the future count no more: the clock went back', () => {
  const ahead = [now + 1, now + 60_000, now + 1e9];
  assert.deepEqual(afterExit('service', policy, ended(1, ahead), 0), { then: 'restart', delayMs: 1_000, attemptsUsed: 1 });
  assert.deepEqual(recentRestarts(policy, [now - 60_000, now - 59_999, now, now + 1], now), [now - 59_999, now]);
});

test('what is left of a delay is the delay before the newest restart, less the time since', () => {
  const left = (restartedAt: readonly number[]): number => delayLeft(policy, restartedAt, now);
  assert.deepEqual([left([now - 300]), left([now - 9_000, now - 300]), left([now - 9_000, now - 5_000, now])], [700, 1_700, 4_000]);
  assert.equal(left([now - 1_000]), 0);
  assert.equal(left([now - 90_000]), 0);
  assert.equal(left([now + 90_000]), 1_000, 'a clock that went back makes no delay longer');
  assert.equal(left([]), 1_000);
});

test('exit 0 completes no batch task that somebody else stopped', () => {
  const foreign: Ended = { ...ended(0), foreign: true };
  assert.equal(afterExit('batch', policy, foreign, 0).then, 'restart');
  assert.deepEqual(afterExit('batch', { ...policy, on: 'never' }, foreign, 0), { then: 'failed', reason: 'exit code 0' });
  assert.equal(afterExit('service', policy, foreign, 0).then, 'completed');
});
