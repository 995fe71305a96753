import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobRecord } from '../../src/core/job.ts';
import { jobSignal, type JobSignal } from '../../src/core/job-status.ts';
import type { TaskRecord, TaskState } from '../../src/core/task.ts';
import { jobOf, look, record } from './records.ts';

function signal(job: JobRecord, tasks: readonly TaskRecord[]): JobSignal {
  const { slots, extra } = look(job, tasks);
  return jobSignal(job, slots, extra);
}

const v2 = { version: 2, specHash: 'v2' };

test('a job none of whose tasks has a node waits, and says why where it is known', () => {
  assert.deepEqual(signal(jobOf('service', 2), []), { event: 'tasks.waiting', reason: undefined });
  const pending = record(1, 'pending', { reason: '1 node: cpu is short' });
  assert.deepEqual(signal(jobOf('service', 1), [pending]), {
    event: 'tasks.waiting',
    reason: 'shop/web.1 is pending: 1 node: cpu is short',
  });
});

test('a job some of whose tasks are placed, and not all run yet, is being placed', () => {
  for (const state of ['scheduled', 'preparing', 'starting', 'backingOff', 'stopping', 'unreachable'] as const) {
    assert.equal(signal(jobOf('service', 2), [record(1, state), record(2, 'running')]).event, 'tasks.placed', state);
    assert.equal(signal(jobOf('service', 2), [record(1, state), record(2, 'pending')]).event, 'tasks.placed', state);
  }
});

test('a task in trouble gives the job its reason', () => {
  const tasks = [record(1, 'running', { reason: 'old news' }), record(2, 'backingOff', { reason: 'exit code 3; restart 1 of 3' })];
  assert.deepEqual(signal(jobOf('service', 2), tasks), {
    event: 'tasks.placed',
    reason: 'shop/web.2 is backingOff: exit code 3; restart 1 of 3',
  });
});

test('a job all of whose tasks run is healthy, unless one is unhealthy', () => {
  const tasks = [record(1, 'running'), record(2, 'running', { health: 'healthy' })];
  assert.deepEqual(signal(jobOf('service', 2), tasks), { event: 'tasks.healthy' });
  const reason = 'health check failed 3 times: GET / answered 503';
  const unhealthy = record(2, 'running', { health: 'unhealthy', reason });
  assert.deepEqual(signal(jobOf('service', 2), [tasks[0]!, unhealthy]), {
    event: 'tasks.placed',
    reason: `shop/web.2 is unhealthy: ${reason}`,
  });
});

test('a job is not healthy before all of its checks have said so', () => {
  const checked = { hasCheck: true };
  assert.equal(signal(jobOf('service', 1), [record(1, 'running', checked)]).event, 'tasks.placed');
  assert.equal(signal(jobOf('service', 1), [record(1, 'running', { ...checked, health: 'healthy' })]).event, 'tasks.healthy');
});

test('a job that wants nothing has it', () => {
  assert.equal(signal(jobOf('service', 0), []).event, 'tasks.healthy');
});

test('some that have completed and some that run are healthy together', () => {
  assert.equal(signal(jobOf('batch', 2), [record(1, 'completed'), record(2, 'running')]).event, 'tasks.healthy');
});

test('a job all of whose tasks have completed has, even while a record of one is out of reach or returns', () => {
  const done = [record(1, 'completed'), record(2, 'completed')];
  assert.deepEqual(signal(jobOf('batch', 2), done), { event: 'tasks.completed' });
  for (const state of ['unreachable', 'running', 'stopping'] as TaskState[]) {
    assert.deepEqual(signal(jobOf('batch', 2), [record(1, state), ...done]), { event: 'tasks.completed' }, state);
  }
});

test('a job with a task that failed for good is failed when nothing of it is at work any more', () => {
  const failed = record(1, 'failed', { exitCode: 3 });
  assert.equal(signal(jobOf('batch', 2), [failed, record(2, 'preparing')]).event, 'tasks.placed');
  for (const other of [record(2, 'completed'), record(2, 'failed'), record(2, 'rejected')]) {
    assert.deepEqual(signal(jobOf('batch', 2), [failed, other]), { event: 'tasks.failed', reason: 'shop/web.1 is failed: exit code 3' });
  }
});

test('what is out of reach keeps no job from having failed', () => {
  const tasks = [record(1, 'unreachable'), record(1, 'failed', { exitCode: 3 })];
  assert.equal(signal(jobOf('batch', 1), tasks).event, 'tasks.failed');
});

test('a job with a task that will not come by itself while all others run is short of it', () => {
  const rejected = record(1, 'rejected', { reason: 'no such image' });
  assert.deepEqual(signal(jobOf('service', 2), [rejected, record(2, 'running')]), {
    event: 'tasks.short',
    reason: 'shop/web.1 is rejected: no such image',
  });
  const three = [rejected, record(2, 'running'), record(3, 'completed')];
  assert.equal(signal(jobOf('batch', 3), three).event, 'tasks.short');
});

test('a reason that nobody knows is said to be so', () => {
  assert.equal(signal(jobOf('service', 1), [record(1, 'rejected')]).reason, 'shop/web.1 is rejected: no reason is known');
});

test('a service that failed and is tried again has not failed', () => {
  const tasks = [record(1, 'failed'), record(1, 'pending')];
  assert.equal(signal(jobOf('service', 1), tasks).event, 'tasks.waiting');
});

test('an update is under way until all run the new version', () => {
  const job = jobOf('service', 2, { version: 2 });
  const old = [record(1, 'running'), record(2, 'running')];
  assert.equal(signal(job, old).event, 'tasks.placed');
  assert.equal(signal(job, [...old, record(1, 'running', v2)]).event, 'tasks.placed');
  assert.equal(signal(job, [...old, record(1, 'running', v2), record(2, 'running', v2)]).event, 'tasks.healthy');
});

test('an update that halted leaves its job short, and says at what', () => {
  const job = jobOf('service', 3, { version: 2 });
  const old = [1, 2, 3].map((index) => record(index, 'running'));
  const bad = record(1, 'rejected', { ...v2, reason: 'no such image' });
  assert.deepEqual(signal(job, [...old, bad]), { event: 'tasks.short', reason: 'shop/web.1 is rejected: no such image' });
  assert.equal(signal(job, [...old, bad, record(2, 'starting', v2)]).event, 'tasks.placed', 'another slot is still at it');
});

test('a job that is to stop has stopped when nothing of it lives, also in slots it no longer has', () => {
  const job = jobOf('service', 1, { stopWanted: true });
  assert.deepEqual(signal(job, [record(1, 'stopped'), record(2, 'stopped')]), { event: 'tasks.gone' });
  assert.deepEqual(signal(job, []), { event: 'tasks.gone' });
  assert.deepEqual(signal(job, [record(1, 'stopping')]), { event: undefined });
  assert.deepEqual(signal(job, [record(1, 'stopped'), record(2, 'stopping')]), { event: undefined });
  assert.deepEqual(signal(job, [record(1, 'unreachable')]), { event: undefined });
});
