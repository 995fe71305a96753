/** Reconciling slots that failed, or whose health is not known yet. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobRecord } from '../../src/core/job.ts';
import { reconcile, type Change } from '../../src/core/reconcile.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import { jobOf, limits, look, now, record } from './records.ts';

function changesOf(job: JobRecord, tasks: readonly TaskRecord[]): Change[] {
  const { slots, extra } = look(job, tasks);
  return reconcile(job, slots, extra, now, limits);
}

/** Changes in short: `+shop/web.1`, `-00000007`. */
function brief(changes: readonly Change[]): string[] {
  return changes.map((change) => (change.kind === 'create' ? `+${change.slot.name}` : `-${change.task.id}`));
}

const v2 = { version: 2, specHash: 'v2' };

test('a job of more instances than fit a call gets every one of them', () => {
  assert.equal(changesOf(jobOf('batch', 130_000), []).length, 130_000);
});

test('a service that failed is to go elsewhere: the nodes where it failed in this row are remembered, the last few of them', () => {
  const avoidAfter = (changes: Parameters<typeof record>[2]): readonly string[] | undefined => {
    const [change] = changesOf(jobOf('service', 1), [record(1, 'failed', { startedAt: now - 10, finishedAt: now, ...changes })]);
    assert.ok(change?.kind === 'create');
    return change.avoid;
  };
  assert.deepEqual(avoidAfter({}), ['n1']);
  assert.deepEqual(avoidAfter({ node: 'n2', failures: 1, avoid: ['n1'] }), ['n1', 'n2']);
  assert.deepEqual(avoidAfter({ node: 'n1', failures: 2, avoid: ['n1', 'n2'] }), ['n2', 'n1'], 'each node once, the last at the end');
  const many = Array.from({ length: 8 }, (_, index) => `m${index}`);
  assert.deepEqual(avoidAfter({ node: 'n9', failures: 8, avoid: many }), [...many.slice(1), 'n9']);
  const ranLong = { startedAt: now - 600_001, finishedAt: now, failures: 2, avoid: ['n1', 'n2'], node: 'n3' };
  assert.deepEqual(avoidAfter(ranLong), ['n3'], 'a long run begins a new row');
  assert.deepEqual(avoidAfter({ node: undefined, failures: 1, avoid: ['n1'] }), ['n1']);
});

test('what was stopped, lost or never there avoids no node', () => {
  for (const tasks of [[], [record(1, 'stopped')], [record(1, 'lost', { avoid: ['n1'] })]]) {
    const [change] = changesOf(jobOf('service', 1), tasks);
    assert.ok(change?.kind === 'create');
    assert.equal(change.avoid, undefined);
  }
});

test('an update goes on only when the new one is healthy, where it has a check', () => {
  const old = [1, 2].map((index) => record(index, 'running'));
  const job = jobOf('service', 2, { version: 2 });
  const fresh = { ...v2, hasCheck: true };
  assert.deepEqual(changesOf(job, [...old, record(1, 'running', fresh)]), [], 'its check has not spoken yet');
  assert.deepEqual(brief(changesOf(job, [...old, record(1, 'running', { ...fresh, health: 'healthy' })])), [
    `-${old[0]!.id}`,
    '+shop/web.2',
  ]);
});

test('a long life with a restart now and then resets the count of failures, though its last attempt was short', () => {
  const failuresAfter = (restarts: number): number => {
    const ended = record(1, 'failed', { startedAt: now - 10, finishedAt: now, failures: 6, restarts });
    const [change] = changesOf(jobOf('service', 1), [ended]);
    assert.ok(change?.kind === 'create');
    return change.failures;
  };
  assert.equal(failuresAfter(3), 7, 'as many as its policy allows in one window');
  assert.equal(failuresAfter(4), 1, 'more than fit into one window');
});
