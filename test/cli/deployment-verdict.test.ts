/** What a job's deployment says of a submit, scale, roll-back or restart; and what `cube wait` makes of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deploymentMark, deploymentText } from '../../src/cli/deployment-text.ts';
import { judgeRun } from '../../src/cli/verdict.ts';
import type { Goal, Verdict } from '../../src/cli/verdict.ts';
import { judgeWait } from '../../src/cli/verdict-wait.ts';
import type { DeploymentJson } from '../../src/core/deployment-view.ts';
import type { JobJson, TaskJson } from '../../src/core/views.ts';
import { aDeployment, aJob, aStatus, aTask } from './samples.ts';

const goal: Goal = { job: 'shop', version: 2, before: new Set(), goodVersion: 1 };
const states = ['rolling', 'awaitingPromotion', 'paused', 'succeeded', 'failed', 'superseded'] as const;

function jobWith(deployment: Partial<DeploymentJson>, changes: Partial<JobJson> = {}): JobJson {
  return aJob({ version: 2, deployment: aDeployment({ version: 2, goodVersion: 1, desired: 4, ...deployment }), ...changes });
}

function judge(deployment: Partial<DeploymentJson>, changes: Partial<JobJson> = {}, tasks: readonly TaskJson[] = []): Verdict {
  return judgeRun(aStatus([jobWith(deployment, changes)], tasks), goal);
}

function errorOf(verdict: Verdict) {
  assert.ok(verdict && !verdict.ok, 'expected a bad end');
  return verdict.error;
}

test('a job that runs is not done before its deployment is', () => {
  assert.equal(judge({ state: 'rolling', updated: 3 }), undefined);
  assert.deepEqual(judge({ state: 'succeeded' }), { ok: true });
  assert.deepEqual(judge({ state: 'succeeded' }, { status: 'completed' }), { ok: true });
});

test('a job whose deployment went well, but of which an instance is down by now, is waited for', () => {
  assert.equal(judge({ state: 'succeeded' }, { status: 'degraded' }), undefined);
  assert.equal(errorOf(judge({ state: 'succeeded' }, { status: 'failed', reason: 'attempts used up' })).row.exit, 1);
});

test('a failed deployment is exit 1 with its reason once, and the tasks in trouble', () => {
  const tasks = [
    aTask({ id: 'a', slot: 'shop/web.1', state: 'failed', exitCode: 3 }),
    aTask({ id: 'b', slot: 'shop/web.2', state: 'backingOff', reason: 'exit code 4' }),
  ];
  const error = errorOf(judge({ state: 'failed', reason: 'shop/web.1 failed: exit code 3' }, { status: 'degraded' }, tasks));
  assert.equal(error.row.exit, 1);
  assert.equal(error.message, 'version 2 of shop failed: shop/web.1 failed: exit code 3\nshop/web.2 backingOff on bar: exit code 4');
  assert.match(error.hint, /^`cube rollback shop` goes back to version 1; `cube status shop\/web\.1`/);
});

test('a task of which the reason tells already is not told again', () => {
  const rejected = aTask({ version: 2, state: 'rejected', reason: 'no such host', reasonCode: 'image-unavailable' });
  const error = errorOf(judge({ state: 'paused', reason: 'shop/web.1 is rejected: no such host' }, {}, [rejected]));
  assert.equal(error.message, 'the update of shop to version 2 is paused: shop/web.1 is rejected: no such host');
  assert.match(error.hint, /registry could not be reached/);
});

test('a first version that fails, and a restart of a good one, name nothing to go back to', () => {
  for (const goodVersion of [null, 2]) {
    const error = errorOf(judge({ state: 'failed', goodVersion, reason: 'no progress for 5m: 1 of 4 are well' }));
    assert.match(error.message, /^version 2 of shop failed: no progress for 5m: 1 of 4 are well$/);
    assert.doesNotMatch(error.hint, /rollback/);
  }
});

test('a paused deployment is exit 1 with both ways out', () => {
  const error = errorOf(judge({ state: 'paused', reason: 'shop/web.1 is rejected: no such image' }, { status: 'degraded' }));
  assert.equal(error.message, 'the update of shop to version 2 is paused: shop/web.1 is rejected: no such image');
  assert.match(error.hint, /^`cube rollback shop` goes back to version 1, `cube promote shop` goes on/);
  assert.equal(error.row.exit, 1);
});

test('canaries that are well are the end of the wait, which says what is left to do', () => {
  const says = 'shop waits for `cube promote shop`: 1 of 4 updated (version 2)';
  assert.deepEqual(judge({ state: 'awaitingPromotion', updated: 1 }, { status: 'degraded' }), { ok: true, says });
});

test('a job that is stopped while it is rolled out is no success', () => {
  for (const state of states) assert.match(errorOf(judge({ state }, { status: 'stopped' })).message, /was stopped/);
  assert.match(errorOf(judge({ state: 'superseded' }, { status: 'running' })).message, /was stopped/);
});

test('a failed version that is followed by an earlier one is waited for to the end of the roll-back', () => {
  const reason = 'version 2 failed: shop/web.1 failed: exit code 3';
  const back = (state: DeploymentJson['state'], changes: Partial<JobJson> = {}, more: Partial<DeploymentJson> = {}) =>
    judge({ version: 3, rollbackOf: 2, goodVersion: null, state, reason, ...more }, { version: 3, ...changes });
  assert.equal(back('rolling'), undefined);
  assert.equal(back('rolling', { status: 'failed' }), undefined);
  const done = errorOf(back('succeeded'));
  assert.deepEqual([done.row.exit, done.message], [1, `shop: ${reason}; rolled back to version 1`]);
  assert.match(errorOf(back('succeeded', {}, { reason: 'no progress' })).message, /^shop: version 2 failed: no progress; rolled back/);
  assert.match(errorOf(back('succeeded', {}, { reason: null })).message, /^shop: version 2 failed; rolled back to version 1$/);
  for (const state of ['failed', 'paused'] as const) {
    const both = errorOf(back(state, {}, { reason: 'shop/web.1 failed' }));
    assert.equal(both.message, 'shop: version 2 failed, and so did the roll-back to version 1: shop/web.1 failed');
  }
});

test('where the good version is not known, none is named', () => {
  const status = aStatus([jobWith({ version: 3, rollbackOf: 2, state: 'succeeded' }, { version: 3 })], []);
  assert.match(errorOf(judgeRun(status, { job: 'shop', version: 2, before: new Set() })).message, /rolled back to what was good before$/);
});

test("another's version, and a roll-back of another one, is a conflict", () => {
  assert.equal(errorOf(judge({ version: 3 }, { version: 3 })).code, 'conflict');
  assert.equal(errorOf(judge({ version: 4, rollbackOf: 3 }, { version: 4 })).code, 'conflict');
});

test('while there is a version to go back to, a job that has failed may do so yet', () => {
  assert.equal(judge({ state: 'rolling' }, { status: 'failed' }), undefined);
  assert.match(
    errorOf(judge({ state: 'rolling', goodVersion: null }, { status: 'failed', reason: 'attempts used up' })).message,
    /shop failed/,
  );
});

test('an image that cannot be had is judged by the deployment, which may roll back', () => {
  const rejected = aTask({ version: 2, state: 'rejected', reasonCode: 'image-not-found' });
  assert.equal(judge({ state: 'rolling' }, { status: 'deploying' }, [rejected]), undefined);
});

test('a system job without a node is accepted, and says so', () => {
  const verdict = judge({ state: 'succeeded', desired: 0 }, { type: 'system', desired: 0, healthy: 0 });
  assert.deepEqual(verdict, { ok: true, says: 'shop is running: no node takes its tasks now, nodes that join may (version 2)' });
});

test('a manager that tells of no deployment is judged by the status of the job', () => {
  const { deployment: _, ...old } = aJob({ version: 2 });
  assert.deepEqual(judgeRun(aStatus([old as JobJson], []), goal), { ok: true });
  assert.equal(judgeRun(aStatus([{ ...old, status: 'deploying' } as JobJson], []), goal), undefined);
  assert.equal(deploymentText(old as JobJson), undefined);
});

test('wait ends when a job is as it is wanted, whichever its version', () => {
  const wait = (job: JobJson, aim: 'running' | 'completed' = 'running') => judgeWait(aStatus([job], []), { ...goal, version: 1 }, aim);
  assert.deepEqual(wait(aJob()), { ok: true });
  assert.deepEqual(wait(jobWith({ state: 'succeeded' })), { ok: true });
  assert.deepEqual(wait(jobWith({ state: 'failed' })), { ok: true }, 'all are well');
  assert.deepEqual(wait(aJob({ status: 'completed' }), 'completed'), { ok: true });
  assert.deepEqual(wait(aJob({ type: 'batch', status: 'completed' })), { ok: true }, 'it has run');
  for (const state of ['rolling', 'awaitingPromotion'] as const) assert.equal(wait(jobWith({ state })), undefined);
  for (const status of ['pending', 'deploying', 'degraded'] as const) assert.equal(wait(aJob({ status })), undefined);
  assert.equal(wait(aJob(), 'completed'), undefined);
  assert.match(errorOf(wait(jobWith({ state: 'paused', reason: 'x' }, { status: 'degraded' }))).message, /is paused: x/);
  assert.equal(errorOf(wait(aJob({ status: 'failed' }))).row.exit, 1);
  assert.equal(errorOf(wait(aJob({ status: 'stopped' }), 'completed')).row.exit, 1);
  assert.equal(errorOf(judgeWait(aStatus([], []), goal, 'running')).row.exit, 4);
});

test('every state of a deployment has its words, or none', () => {
  const texts = states.map((state) => deploymentText(jobWith({ state, updated: 2, reason: 'why' })));
  assert.deepEqual(texts, [
    'version 2: 2 of 4 updated',
    'version 2: 2 of 4 updated; it waits for `cube promote shop`',
    'version 2: 2 of 4 updated; paused: why; `cube rollback shop` goes back to version 1, `cube promote shop` goes on',
    undefined,
    'version 2 failed: why',
    undefined,
  ]);
  const marks = states.map((state) => deploymentMark(jobWith({ state, updated: 2 }))[0]);
  assert.deepEqual(marks, ['updating 2/4', 'awaits promotion', 'update paused', '', 'update failed', '']);
  const back = { rollbackOf: 2, version: 3, reason: 'version 2 failed: x' };
  assert.equal(deploymentText(jobWith({ ...back, state: 'succeeded' })), 'went back from version 2: version 2 failed: x');
  assert.deepEqual(
    [deploymentMark(jobWith(back))[0], deploymentMark(jobWith({ ...back, state: 'succeeded' }))[0]],
    ['rolling back 0/4', 'rolled back'],
  );
});
