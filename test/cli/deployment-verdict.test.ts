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

test('a first version that fails, and a restart of a good one, say that there is nothing to go back to, and what becomes of it', () => {
  for (const goodVersion of [null, 2]) {
    const error = errorOf(judge({ state: 'failed', goodVersion, reason: 'no progress for 5m: 1 of 4 are well' }));
    const where = goodVersion === null ? 'there is no good version to go back to' : 'it is the last good version itself';
    assert.equal(error.message, `version 2 of shop failed: no progress for 5m: 1 of 4 are well; ${where}; it goes on being tried`);
    assert.doesNotMatch(error.hint, /rollback/);
  }
});

test('a first version of which something failed for good does not say that it goes on being tried', () => {
  const rejected = aTask({ version: 2, state: 'rejected', reason: 'no such image', reasonCode: 'image-not-found' });
  const first = { state: 'failed', goodVersion: null } as const;
  const ended = /there is no good version to go back to; what failed for good is not tried again/;
  assert.match(errorOf(judge(first, {}, [rejected])).message, ended);
  assert.match(errorOf(judge(first, { status: 'failed' })).message, ended);
});

test('after a roll-back the hint names the task that failed by its id: its slot stands for the good one again', () => {
  const failed = aTask({ id: '22222222-2222-4222-8222-222222222222', version: 2, state: 'failed', exitCode: 3 });
  const tasks = [aTask({ version: 1 }), failed];
  const back = { version: 3, rollbackOf: 2, goodVersion: 1, state: 'succeeded' } as const;
  const { hint } = errorOf(judge(back, { version: 3 }, tasks));
  assert.match(hint, /`cube status 22222222` and `cube logs 22222222` tell more$/);
  assert.doesNotMatch(hint, /shop\/web\.1/);
  const anew = aTask({ id: 'new', version: 3, createdAt: '2026-01-31T12:00:09.000Z' });
  assert.match(errorOf(judge(back, { version: 3 }, [anew, failed])).hint, /`cube logs 22222222`/);
  const stopped = { ...failed, state: 'stopped', exitCode: 137, reason: 'an older version is wanted' } as const;
  assert.match(errorOf(judge(back, { version: 3 }, [anew, stopped])).hint, /`cube logs 22222222`/, 'one that never got well');
  assert.match(errorOf(judge({ state: 'failed' }, {}, [failed])).hint, /`cube logs shop\/web\.1`/, 'nothing else has its slot');
});

test('of the tasks in trouble the hint names one of the version that failed, and of a slot the newest', () => {
  const tasks = [
    aTask({ id: 'old', slot: 'shop/db.1', version: 1, state: 'failed', exitCode: 1 }),
    aTask({ id: 'newer', version: 2, state: 'failed', exitCode: 3, createdAt: '2026-01-31T12:00:09.000Z' }),
    aTask({ id: 'older', version: 2, state: 'failed', exitCode: 4 }),
  ];
  const error = errorOf(judge({ state: 'failed', reason: 'why' }, {}, tasks));
  assert.match(error.message, /shop\/web\.1 failed: exit code 3$/m);
  assert.match(error.hint, /`cube logs shop\/web\.1`/);
});

test("a job's own reason is told where no task tells why", () => {
  const waits = 'web waits for db to be healthy';
  assert.match(
    errorOf(judge({ state: 'failed', reason: 'no progress' }, { status: 'deploying', reason: waits })).message,
    /shop is deploying: web waits/,
  );
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

test('what began a deployment is told, unless it was a submit; one that replaces nothing counts what is up', () => {
  const text = (changes: Partial<DeploymentJson>) => deploymentText(jobWith(changes));
  assert.equal(text({ cause: 'restarted by its user', updated: 1 }), 'version 2 (restarted by its user): 1 of 4 updated');
  assert.equal(text({ cause: 'config site changed: version 2', state: 'succeeded' }), 'version 2 (config site changed: version 2): done');
  assert.equal(text({ cause: null, updated: 1 }), 'version 2: 1 of 4 updated');
  assert.equal(text({ cause: 'rolled back to version 1: why', rollbackOf: 1 }), 'version 2 (going back from version 1): 0 of 4 updated');
  const first = jobWith({ replaces: false, updated: 1 });
  assert.deepEqual([deploymentText(first), deploymentMark(first)[0]], ['version 2: 1 of 4 up', '1/4 up']);
  const verdict = judge({ replaces: false, state: 'awaitingPromotion', updated: 1 });
  assert.ok(verdict?.ok && verdict.says === 'shop waits for `cube promote shop`: 1 of 4 up (version 2)');
  const { cause: _, replaces: __, ...old } = aDeployment({ updated: 1 });
  assert.equal(deploymentText(aJob({ deployment: old as DeploymentJson })), 'version 1: 1 of 1 updated', 'a manager of an earlier version');
});
