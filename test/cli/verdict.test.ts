import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeRun, judgeSeeds, judgeStop, judgeTaskStop, troubleLines } from '../../src/cli/verdict.ts';
import type { Goal, Verdict } from '../../src/cli/verdict.ts';
import { aJob, aStatus, aTask } from './samples.ts';

const goal: Goal = { job: 'shop', version: 1, before: new Set() };

function errorOf(verdict: Verdict) {
  assert.ok(verdict && !verdict.ok, 'expected a bad end');
  return verdict.error;
}

test('a service is done when it runs, a batch job when it is completed', () => {
  assert.deepEqual(judgeRun(aStatus([aJob()], []), goal), { ok: true });
  assert.deepEqual(judgeRun(aStatus([aJob({ type: 'batch', status: 'completed' })], []), goal), { ok: true });
  assert.equal(judgeRun(aStatus([aJob({ type: 'batch', status: 'running' })], []), goal), undefined);
  for (const status of ['pending', 'deploying', 'degraded'] as const) {
    assert.equal(judgeRun(aStatus([aJob({ status })], []), goal), undefined);
  }
});

test('an older version that still runs is not the one that was submitted', () => {
  assert.equal(judgeRun(aStatus([aJob({ version: 1 })], []), { ...goal, version: 2 }), undefined);
});

test('a newer version means that somebody else submitted meanwhile', () => {
  assert.equal(errorOf(judgeRun(aStatus([aJob({ version: 3 })], []), { ...goal, version: 2 })).code, 'conflict');
});

test('a failed job names each failed task with its reason and what to do', () => {
  const tasks = [
    aTask({ id: 'a', slot: 'shop/web.1', state: 'failed', exitCode: 3 }),
    aTask({ id: 'b', slot: 'shop/web.2', state: 'rejected', reason: 'no such image', reasonCode: 'image-not-found' }),
  ];
  const error = errorOf(judgeRun(aStatus([aJob({ status: 'failed', reason: 'attempts used up' })], tasks), goal));
  assert.equal(error.row.exit, 1);
  assert.match(error.message, /^shop failed: attempts used up\n/);
  assert.match(error.message, /shop\/web\.1 failed: exit code 3/);
  assert.match(error.message, /shop\/web\.2 rejected: no such image/);
  assert.match(error.hint, /cube logs shop\/web\.1/);
});

test('a reason that its task gives, too, is told once', () => {
  const task = aTask({ state: 'rejected', reason: 'no such host', reasonCode: 'image-unavailable' });
  const job = aJob({ status: 'failed', reason: 'shop/web.1 is rejected: no such host' });
  const error = errorOf(judgeRun(aStatus([job], [task]), goal));
  assert.equal(error.message, 'shop failed\nshop/web.1 rejected: no such host');
  assert.match(error.hint, /registry could not be reached .*; `cube status shop\/web\.1` tells more$/);
});

test('an image that cannot be had ends the wait for a service at once', () => {
  const rejected = aTask({ state: 'rejected', reason: 'not found', reasonCode: 'image-not-found' });
  const status = aStatus([aJob({ status: 'degraded' })], [rejected]);
  assert.match(errorOf(judgeRun(status, goal)).message, /shop cannot run/);
  assert.match(errorOf(judgeRun(status, goal)).hint, /check the name and the tag of the image/);
});

test('what may pass is waited for: a registry that does not answer, a rejection of an earlier run or version', () => {
  const waits = (changes: Parameters<typeof aTask>[0], more: Partial<Goal> = {}) =>
    judgeRun(aStatus([aJob({ status: 'degraded' })], [aTask({ state: 'rejected', reasonCode: 'image-not-found', ...changes })]), {
      ...goal,
      ...more,
    });
  assert.equal(waits({ reasonCode: 'image-unavailable' }), undefined);
  assert.equal(waits({ reasonCode: 'a code of a later version' }), undefined);
  assert.equal(waits({ reasonCode: null }), undefined);
  assert.equal(waits({ version: 0 }), undefined);
  assert.equal(waits({ id: 'old' }, { before: new Set(['old']) }), undefined);
});

test('a job that is stopped or forgotten while it is waited for is no success', () => {
  assert.match(errorOf(judgeRun(aStatus([aJob({ status: 'stopped' })], []), goal)).message, /was stopped/);
  assert.equal(errorOf(judgeRun(aStatus([], []), goal)).code, 'not-found');
});

test('trouble is told once a slot, newest record last, at most eight lines and a count', () => {
  const twice = [aTask({ id: 'a', state: 'failed', exitCode: 1 }), aTask({ id: 'b', state: 'failed', exitCode: 2 })];
  assert.deepEqual(troubleLines(aStatus([], twice), goal), ['shop/web.1 failed: exit code 2']);
  const many = Array.from({ length: 12 }, (_, index) => aTask({ id: `${index}`, slot: `shop/web.${index}`, state: 'pending', node: null }));
  const lines = troubleLines(aStatus([], many), goal);
  assert.equal(lines.length, 9);
  assert.equal(lines.at(-1), 'and 4 more tasks');
});

test('a stop is over when every task has ended, and with a purge when the job is gone', () => {
  const ended = aStatus([aJob({ status: 'stopped' })], [aTask({ state: 'stopped' })]);
  assert.deepEqual(judgeStop(ended, 'shop', false), { ok: true });
  assert.equal(judgeStop(ended, 'shop', true), undefined);
  assert.deepEqual(judgeStop(aStatus([], []), 'shop', true), { ok: true });
  assert.equal(judgeStop(aStatus([], [aTask({ state: 'stopping' })]), 'shop', false), undefined);
});

test('a stop of a job with runs is over when theirs have ended, too, and with a purge when they are gone', () => {
  const run = aJob({ name: 'shop-1', status: 'stopped', parent: 'shop' });
  const jobs = [aJob({ status: 'stopped' }), run];
  const live = aTask({ job: run.name, state: 'stopping' });
  assert.equal(judgeStop(aStatus(jobs, [live]), 'shop', false, [run.name]), undefined);
  assert.deepEqual(judgeStop(aStatus(jobs, [{ ...live, state: 'stopped' }]), 'shop', false, [run.name]), { ok: true });
  assert.equal(judgeStop(aStatus([run], []), 'shop', true, [run.name]), undefined);
  assert.deepEqual(judgeStop(aStatus([], []), 'shop', true, [run.name]), { ok: true });
});

test('the stop of one task does not wait for the fresh one of its slot', () => {
  const tasks = [aTask({ id: 'old', state: 'stopped' }), aTask({ id: 'new', state: 'pending' })];
  assert.deepEqual(judgeTaskStop(aStatus([], tasks), 'old'), { ok: true });
  assert.equal(judgeTaskStop(aStatus([], tasks), 'new'), undefined);
  assert.deepEqual(judgeTaskStop(aStatus([], []), 'old'), { ok: true });
});

test("a task of the seeds' API with a check is there when it is healthy", () => {
  const judge = (health: 'healthy' | 'unhealthy' | 'unknown', hasCheck = true) =>
    judgeSeeds(aStatus([aJob({ status: 'deploying' })], [aTask({ state: 'running', health, hasCheck })]), goal);
  assert.deepEqual([judge('healthy'), judge('unknown', false)], [{ ok: true }, { ok: true }]);
  assert.deepEqual([judge('unknown'), judge('unhealthy')], [undefined, undefined]);
});

test('a task that runs and is not well is in trouble, with the last look', () => {
  const detail = 'health check: GET / answered 503';
  const tasks = [
    aTask({ id: 'a', slot: 'shop/web.1', health: 'healthy', hasCheck: true }),
    aTask({ id: 'b', slot: 'shop/web.2', hasCheck: true, detail, node: 'bar' }),
    aTask({ id: 'c', slot: 'shop/web.3', health: 'unhealthy', hasCheck: true, reason: 'health check failed 3 times', node: 'bar' }),
  ];
  assert.deepEqual(troubleLines(aStatus([aJob()], tasks), goal), [
    `shop/web.2 running (unknown) on bar: ${detail}`,
    'shop/web.3 running (unhealthy) on bar: health check failed 3 times',
  ]);
});

test("a task of the seeds' API is there when it runs or has completed, whatever its job says", () => {
  const judge = (state: 'running' | 'completed' | 'failed' | 'pending') =>
    judgeSeeds(aStatus([aJob({ status: 'deploying' })], [aTask({ state })]), goal);
  assert.deepEqual(judge('running'), { ok: true });
  assert.deepEqual(judge('completed'), { ok: true });
  assert.equal(judge('pending'), undefined);
  assert.equal(errorOf(judge('failed')).row.exit, 1);
});
