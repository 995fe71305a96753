import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobRecord } from '../../src/core/job.ts';
import { reconcile, type Change } from '../../src/core/reconcile.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import { jobOf, limits, look, now, record } from './records.ts';

function changesOf(job: JobRecord, tasks: readonly TaskRecord[], more: Partial<typeof limits> = {}): Change[] {
  const { slots, extra } = look(job, tasks);
  return reconcile(job, slots, extra, now, { ...limits, ...more });
}

/** Changes in short: `+shop/web.1`, `-00000007`. */
function brief(changes: readonly Change[]): string[] {
  return changes.map((change) => (change.kind === 'create' ? `+${change.slot.name}` : `-${change.task.id}`));
}

const v2 = { version: 2, specHash: 'v2' };
const wantsStop = { desired: 'stopped' as const };

// --- how many

test('a new job gets a record for each instance it asks for', () => {
  assert.deepEqual(brief(changesOf(jobOf('service', 3), [])), ['+shop/web.1', '+shop/web.2', '+shop/web.3']);
});

test('a job that has what it wants is left alone, whatever its records are at', () => {
  for (const state of ['pending', 'scheduled', 'preparing', 'starting', 'running', 'backingOff'] as const) {
    assert.deepEqual(changesOf(jobOf('service', 1), [record(1, state)]), [], state);
  }
});

test('a job that wants more gets the slots it lacks', () => {
  assert.deepEqual(brief(changesOf(jobOf('service', 3), [record(1, 'running')])), ['+shop/web.2', '+shop/web.3']);
});

test('a job that wants fewer loses its highest slots', () => {
  const tasks = [1, 2, 3].map((index) => record(index, 'running'));
  const changes = changesOf(jobOf('service', 1), tasks);
  assert.deepEqual(brief(changes), [`-${tasks[1]!.id}`, `-${tasks[2]!.id}`]);
  assert.ok(changes.every((change) => change.reason === 'the job wants fewer instances'));
});

test('what was told to stop is not told again', () => {
  assert.deepEqual(changesOf(jobOf('service', 1), [record(1, 'running'), record(2, 'stopping', wantsStop)]), []);
});

test('a task that is gone from the file is stopped in all its slots', () => {
  const old = record(1, 'running', { task: 'db', slot: 'shop/db.1' });
  assert.deepEqual(brief(changesOf(jobOf('service', 1), [record(1, 'running'), old])), [`-${old.id}`]);
});

test('a slot that is wanted again while its record still stops gets a fresh one only after that', () => {
  const stopping = record(1, 'stopping', wantsStop);
  assert.deepEqual(changesOf(jobOf('service', 1), [stopping]), []);
  assert.deepEqual(brief(changesOf(jobOf('service', 1), [{ ...stopping, state: 'stopped' }])), ['+shop/web.1']);
});

// --- stop and start

test('a job that is to stop has every live record stopped, of whatever version, and gets none', () => {
  const tasks = [record(1, 'running'), record(2, 'pending', v2), record(3, 'unreachable'), record(4, 'running'), record(2, 'failed')];
  const changes = changesOf(jobOf('service', 3, { stopWanted: true, version: 2 }), tasks);
  assert.deepEqual(
    brief(changes).toSorted(),
    tasks
      .slice(0, 4)
      .map(({ id }) => `-${id}`)
      .toSorted(),
  );
  assert.ok(changes.every((change) => change.reason === 'the job is stopped'));
});

test('a stopped job whose records have ended needs nothing', () => {
  assert.deepEqual(changesOf(jobOf('service', 2, { stopWanted: true }), [record(1, 'stopped'), record(2, 'failed')]), []);
});

test('a slot whose record was stopped by its user gets a fresh one at once', () => {
  const [change] = changesOf(jobOf('service', 1), [record(1, 'stopped', wantsStop)]);
  assert.deepEqual(change, { kind: 'create', slot: change?.kind === 'create' ? change.slot : undefined, failures: 0 });
});

test('a slot whose record was lost gets a fresh one, batch or not', () => {
  for (const type of ['service', 'batch'] as const)
    assert.deepEqual(brief(changesOf(jobOf(type, 1), [record(1, 'lost')])), ['+shop/web.1']);
});

// --- ends

test('a slot that completed is not run again', () => {
  assert.deepEqual(changesOf(jobOf('batch', 1), [record(1, 'completed')]), []);
  assert.deepEqual(
    changesOf(jobOf('service', 1, {}, { restart: { ...jobOf('service', 1).spec.tasks['web']!.restart, on: 'failure' } }), [
      record(1, 'completed'),
    ]),
    [],
  );
});

test('a batch task that failed for good is not placed again', () => {
  assert.deepEqual(changesOf(jobOf('batch', 1), [record(1, 'failed')]), []);
});

test('a service that is never to restart is not placed again', () => {
  const job = jobOf('service', 1);
  const never = jobOf('service', 1, {}, { restart: { ...job.spec.tasks['web']!.restart, on: 'never' } });
  assert.deepEqual(changesOf(never, [record(1, 'failed')]), []);
});

test('what was rejected is not tried again until the job changes or is started', () => {
  const rejected = record(1, 'rejected');
  for (const type of ['service', 'batch'] as const) {
    assert.deepEqual(changesOf(jobOf(type, 1), [rejected]), []);
    assert.deepEqual(brief(changesOf(jobOf(type, 1, { run: 2 }), [rejected])), ['+shop/web.1']);
    assert.deepEqual(brief(changesOf(jobOf(type, 1, { version: 2 }), [rejected])), ['+shop/web.1']);
  }
});

test('a failed batch job that is started again runs what failed, and not what completed', () => {
  const tasks = [record(1, 'completed'), record(2, 'failed')];
  assert.deepEqual(brief(changesOf(jobOf('batch', 2, { run: 2 }), tasks)), ['+shop/web.2']);
});

test('a service that failed is placed again with a delay that grows up to its cap', () => {
  let failures = 0;
  const delays: number[] = [];
  for (let round = 0; round < 9; round++) {
    const [change] = changesOf(jobOf('service', 1), [record(1, 'failed', { failures, startedAt: now - 10, finishedAt: now, exitCode: 3 })]);
    assert.ok(change?.kind === 'create');
    failures = change.failures;
    delays.push(change.placeAfter! - now);
    assert.equal(change.reason, `placed again after ${failures === 1 ? 'a failure' : `${failures} failures`}: exit code 3`);
  }
  assert.deepEqual(delays, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

test('a service that ran longer than its window fails as if for the first time', () => {
  const ranLong = record(1, 'failed', { failures: 7, startedAt: now - 600_001, finishedAt: now });
  const [change] = changesOf(jobOf('service', 1), [ranLong]);
  assert.ok(change?.kind === 'create');
  assert.deepEqual([change.failures, change.placeAfter], [1, now + 1_000]);
});

test('the delay counts from when the manager learned of the failure, and a record that never started counts as one that ran for no time', () => {
  const [change] = changesOf(jobOf('service', 1), [record(1, 'failed', { failures: 2, endedAt: now - 500, reason: 'no engine' })]);
  assert.ok(change?.kind === 'create');
  assert.deepEqual([change.failures, change.placeAfter], [3, now - 500 + 4_000]);
  assert.match(change.reason!, /no engine/);
});

// --- nodes out of reach

test('a record out of reach is replaced, and stays', () => {
  assert.deepEqual(brief(changesOf(jobOf('service', 1), [record(1, 'unreachable')])), ['+shop/web.1']);
});

test('a replacement is enough: no second one is made, whatever it is at', () => {
  for (const state of ['pending', 'running'] as const) {
    assert.deepEqual(changesOf(jobOf('service', 1), [record(1, 'unreachable'), record(1, state)]), []);
  }
});

test('when the original returns and both run, the original is kept', () => {
  const [original, replacement] = [record(1, 'running'), record(1, 'running')];
  assert.deepEqual(brief(changesOf(jobOf('service', 1), [original, replacement])), [`-${replacement.id}`]);
});

test('when the original returns and does not run, or is unhealthy, the replacement that runs is kept', () => {
  for (const original of [record(1, 'backingOff'), record(1, 'running', { health: 'unhealthy' })]) {
    const replacement = record(1, 'running');
    assert.deepEqual(brief(changesOf(jobOf('service', 1), [original, replacement])), [`-${original.id}`]);
  }
});

test('when the original returns before its replacement runs, the replacement goes', () => {
  const [original, replacement] = [record(1, 'running'), record(1, 'pending')];
  assert.deepEqual(brief(changesOf(jobOf('service', 1), [original, replacement])), [`-${replacement.id}`]);
});

test('a batch task out of reach whose replacement completed is not run again, and stops when it returns', () => {
  const [away, done] = [record(1, 'unreachable', wantsStop), record(1, 'completed')];
  assert.deepEqual(changesOf(jobOf('batch', 1), [away, done]), []);
  const back: TaskRecord = { ...away, state: 'running', desired: 'running' };
  assert.deepEqual(brief(changesOf(jobOf('batch', 1), [back, done])), [`-${back.id}`]);
});

test('a record that is stopping out of reach does not hold its slot up', () => {
  assert.deepEqual(brief(changesOf(jobOf('service', 1), [record(1, 'unreachable', wantsStop)])), ['+shop/web.1']);
});

// --- updates

const ported = { ports: [{ host: 8080, container: 80, protocol: 'tcp' as const }] };
const anyPort = { ports: [{ container: 80, protocol: 'tcp' as const }] };

test('an update makes the new one first, a slot at a time', () => {
  const old = [1, 2, 3].map((index) => record(index, 'running'));
  const job = jobOf('service', 3, { version: 2 }, anyPort);
  assert.deepEqual(brief(changesOf(job, old)), ['+shop/web.1']);
  const fresh = record(1, 'pending', v2);
  for (const state of ['pending', 'scheduled', 'starting', 'backingOff'] as const) {
    assert.deepEqual(changesOf(job, [...old, { ...fresh, state }]), [], `nothing while the new one is ${state}`);
  }
  assert.deepEqual(brief(changesOf(job, [...old, { ...fresh, state: 'running' }])), [`-${old[0]!.id}`, '+shop/web.2']);
});

test('an unhealthy new one does not replace the old one', () => {
  const tasks = [record(1, 'running'), record(1, 'running', { ...v2, health: 'unhealthy' })];
  assert.deepEqual(changesOf(jobOf('service', 1, { version: 2 }), tasks), []);
});

test('an update of a slot with a fixed port stops the old one first', () => {
  const old = [1, 2].map((index) => record(index, 'running'));
  const job = jobOf('service', 2, { version: 2 }, ported);
  assert.deepEqual(brief(changesOf(job, old)), [`-${old[0]!.id}`]);
  const stopping: TaskRecord = { ...old[0]!, state: 'stopping', desired: 'stopped' };
  assert.deepEqual(changesOf(job, [stopping, old[1]!]), []);
  const stopped: TaskRecord = { ...stopping, state: 'stopped' };
  assert.deepEqual(brief(changesOf(job, [stopped, old[1]!])), ['+shop/web.1']);
  const fresh = record(1, 'pending', v2);
  assert.deepEqual(changesOf(job, [stopped, fresh, old[1]!]), []);
  assert.deepEqual(brief(changesOf(job, [stopped, { ...fresh, state: 'running' }, old[1]!])), [`-${old[1]!.id}`]);
});

test('a slot with a fixed port whose old record returns from out of reach does not wait for the new one to run', () => {
  const [old, fresh] = [record(1, 'running'), record(1, 'pending', v2)];
  assert.deepEqual(brief(changesOf(jobOf('service', 1, { version: 2 }, ported), [old, fresh])), [`-${old.id}`]);
});

test('several slots at once where several may be', () => {
  const old = [1, 2, 3, 4].map((index) => record(index, 'running'));
  const job = jobOf('service', 4, { version: 2 });
  assert.deepEqual(brief(changesOf(job, old, { updateParallel: 2 })), ['+shop/web.1', '+shop/web.2']);
  const fresh = record(1, 'starting', v2);
  assert.deepEqual(brief(changesOf(job, [...old, fresh], { updateParallel: 2 })), ['+shop/web.2']);
  assert.equal(changesOf(job, old, { updateParallel: 9 }).length, 4);
});

test('each task of a job is updated on its own', () => {
  const job = jobOf('service', 1, { version: 2 });
  const both: JobRecord = {
    ...job,
    spec: { ...job.spec, tasks: { web: job.spec.tasks['web']!, db: job.spec.tasks['web']! } },
    hashes: { web: 'v2', db: 'v2' },
  };
  const tasks = [record(1, 'running'), record(1, 'running', { task: 'db', slot: 'shop/db.1' })];
  assert.deepEqual(brief(changesOf(both, tasks)), ['+shop/web.1', '+shop/db.1']);
});

for (const state of ['rejected', 'failed'] as const) {
  test(`an update whose new record was ${state} for good halts, and the old ones go on`, () => {
    const old = [1, 2].map((index) => record(index, 'running'));
    const bad = record(1, state, v2);
    assert.deepEqual(changesOf(jobOf('batch', 2, { version: 2 }), [...old, bad]), []);
  });
}

test('an update whose new record failed goes on trying that slot, later and later, and no other', () => {
  const old = [1, 2].map((index) => record(index, 'running'));
  const bad = record(1, 'failed', { ...v2, startedAt: now - 5, finishedAt: now, failures: 1 });
  const [change, ...others] = changesOf(jobOf('service', 2, { version: 2 }), [...old, bad]);
  assert.deepEqual(others, []);
  assert.ok(change?.kind === 'create');
  assert.deepEqual([change.slot.name, change.failures, change.placeAfter], ['shop/web.1', 2, now + 2_000]);
});

test('a version after one that could not run is tried', () => {
  const old = record(1, 'running');
  const bad = record(1, 'rejected', v2);
  assert.deepEqual(brief(changesOf(jobOf('service', 1, { version: 3 }), [old, bad])), ['+shop/web.1']);
  assert.deepEqual(changesOf(jobOf('service', 1, { version: 3, hashes: { web: 'v1' } }), [old, bad]), [], 'back to what runs');
});

test('a third version leaves only the best of the two before it in place', () => {
  const [first, second] = [record(1, 'running'), record(1, 'pending', v2)];
  assert.deepEqual(brief(changesOf(jobOf('service', 1, { version: 3 }), [first, second])), [`-${second.id}`, '+shop/web.1']);
  const third = record(1, 'running', { version: 3, specHash: 'v3' });
  const both = brief(changesOf(jobOf('service', 1, { version: 3 }), [first, second, third]));
  assert.deepEqual(both.toSorted(), [`-${first.id}`, `-${second.id}`].toSorted());
});

test('an old version out of reach is not waited for', () => {
  assert.deepEqual(brief(changesOf(jobOf('service', 1, { version: 2 }), [record(1, 'unreachable')])), ['+shop/web.1']);
});

test('a batch slot whose new version completed at once has its old version stopped', () => {
  const old = record(1, 'running');
  assert.deepEqual(brief(changesOf(jobOf('batch', 1, { version: 2 }), [old, record(1, 'completed', v2)])), [`-${old.id}`]);
});

test('an update goes past slots that have completed', () => {
  const job = jobOf('batch', 2, { version: 2 });
  const [done, old] = [record(1, 'completed', v2), record(2, 'running')];
  assert.deepEqual(brief(changesOf(job, [done, old])), [`-${old.id}`], 'work is never done by two at once');
});
