import assert from 'node:assert/strict';
import test from 'node:test';
import { newTask, startedAgain, submission, underNewTerms } from '../../src/core/submission.ts';
import type { JobRecord, JobSpec } from '../../src/core/job.ts';
import { specHash } from '../../src/core/spec-hash.ts';
import { quickCheck } from '../sim/scripts.ts';
import { jobOf, look, now, record } from './records.ts';

const file = { kind: 'file' } as const;
const known = jobOf('service', 2, { index: 7, version: 3, run: 4 });
const other: JobSpec = { ...known.spec, priority: 60 };

function submitted(before: JobRecord | undefined, spec: JobSpec): ReturnType<typeof submission> {
  return submission(before, { spec, origin: file }, now, () => 9);
}

test('a new job begins at version 1 and run 1', () => {
  const { change, job } = submitted(undefined, known.spec);
  assert.deepEqual([change, job.version, job.run, job.index, job.status, job.createdAt], ['created', 1, 1, 9, 'pending', now]);
  assert.deepEqual(job.hashes, { web: specHash(known.spec, 'web') });
});

test('a changed job is its next version in its next run, and keeps when it was made and how it is', () => {
  const { change, job } = submitted({ ...known, stopWanted: true, reason: 'old' }, other);
  assert.deepEqual([change, job.version, job.run, job.index], ['updated', 4, 5, 9]);
  assert.deepEqual([job.createdAt, job.status, job.stopWanted, job.reason], [known.createdAt, 'running', false, undefined]);
});

test('an unchanged job is the same record, and asks for no index; whose it is may change', () => {
  const ask = () => assert.fail('nothing changes');
  assert.equal(submission(known, { spec: { ...known.spec }, origin: file }, now, ask).job, known);
  const { change, job } = submission({ ...known, origin: { kind: 'run' } }, { spec: known.spec, origin: file }, now, ask);
  assert.deepEqual([change, job], ['unchanged', known]);
});

test('a stopped job starts in its next run; one that is to be purged is made anew', () => {
  const started = submitted({ ...known, stopWanted: true }, known.spec);
  assert.deepEqual([started.change, started.job.version, started.job.run, started.job.stopWanted], ['started', 3, 5, false]);
  const anew = submitted({ ...known, stopWanted: true, purgeWanted: true }, known.spec);
  assert.deepEqual([anew.change, anew.job.version, anew.job.purgeWanted], ['updated', 4, false]);
});

test('what had completed counts no more when it is started again, and goes on counting else', () => {
  assert.equal(startedAgain({ ...known, status: 'completed', completedFrom: 2 }, 9, now).completedFrom, 5);
  assert.equal(startedAgain({ ...known, status: 'failed', completedFrom: 2 }, 9, now).completedFrom, 2);
});

test('a new task carries what its slot wants, and nothing that it does not need', () => {
  const [slot] = look(known, []).slots;
  const task = newTask(known, { kind: 'create', slot: slot!, failures: 0, avoid: [] }, 'id', now);
  assert.deepEqual([task.slot, task.version, task.run, task.state, task.desired], ['shop/web.1', 3, 4, 'pending', 'running']);
  assert.deepEqual(
    ['avoid', 'placeAfter', 'reason', 'hasCheck'].filter((key) => key in task),
    [],
  );
  const again = newTask(known, { kind: 'create', slot: slot!, failures: 2, avoid: ['n1'], placeAfter: 5, reason: 'why' }, 'id', now);
  assert.deepEqual([again.failures, again.avoid, again.placeAfter, again.reason], [2, ['n1'], 5, 'why']);
});

test('a task whose container stays gets the terms of the new version; one of another, or one that has ended, does not', () => {
  const job = jobOf('service', 1, { version: 3 }, { health: quickCheck });
  assert.equal(underNewTerms(job, record(1, 'running', { specHash: 'v1' })), undefined);
  assert.equal(underNewTerms(job, record(1, 'failed', { specHash: 'v3' })), undefined);
  const waiting = underNewTerms(job, record(1, 'pending', { specHash: 'v3' }));
  assert.deepEqual([waiting?.version, waiting?.hasCheck], [3, true]);
  const ran = underNewTerms(job, record(1, 'running', { specHash: 'v3', startedAt: 5, hasCheck: false }));
  assert.deepEqual([ran?.version, ran?.hasCheck], [3, false]);
});
