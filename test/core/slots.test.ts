import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobRecord } from '../../src/core/job.ts';
import { seededRandom } from '../../src/core/random.ts';
import { countSlots, isDone, isReachable, isSpent, isStuck, JobSlots, slotsOf, type Slot } from '../../src/core/slots.ts';
import { finalStates, taskStates, type TaskRecord } from '../../src/core/task.ts';
import { jobOf, look, record } from './records.ts';

function slotOf(job: JobRecord, ...tasks: TaskRecord[]): Slot {
  return look(job, tasks).slots[0]!;
}

const v2 = { version: 2, specHash: 'v2' };

test('there is a slot for each instance of each task, counted from 1', () => {
  const job = jobOf('service', 2);
  const two: JobRecord = { ...job, spec: { ...job.spec, tasks: { ...job.spec.tasks, db: { ...job.spec.tasks['web']!, count: 1 } } } };
  assert.deepEqual(
    look({ ...two, hashes: { web: 'a', db: 'b' } }, []).slots.map(({ name, task, index, specHash }) => [name, task, index, specHash]),
    [
      ['shop/web.1', 'web', 1, 'a'],
      ['shop/web.2', 'web', 2, 'a'],
      ['shop/db.1', 'db', 1, 'b'],
    ],
  );
  assert.deepEqual(look(jobOf('service', 0), []).slots, []);
});

test('live records of no slot are extra; ended ones are nobody’s concern', () => {
  const [third, ended] = [record(3, 'running'), record(4, 'stopped')];
  assert.deepEqual(look(jobOf('service', 2), [record(1, 'running'), third, ended]).extra, [third]);
});

test('a slot has its live records oldest first, and the newest of those that ended', () => {
  const [a, b, c, d] = [record(1, 'failed'), record(1, 'stopped'), record(1, 'running'), record(1, 'pending')];
  const slot = slotOf(jobOf('service', 1), d, b, c, a);
  assert.deepEqual(slot.live, [c, d]);
  assert.equal(slot.ended, b);
});

test('records made in the same moment are told apart by their version', () => {
  const [old, fresh] = [record(1, 'stopped', { createdAt: 5 }), record(1, 'failed', { ...v2, createdAt: 5 })];
  for (const tasks of [
    [old, fresh],
    [fresh, old],
  ]) {
    assert.equal(slotOf(jobOf('service', 1, { version: 2 }), ...tasks).ended, fresh);
  }
});

test('failures from before a job was started again are forgotten, completions are not', () => {
  for (const state of finalStates) {
    const task = record(1, state);
    const slot = slotOf(jobOf('batch', 1, { run: 2 }), task);
    assert.equal(slot.ended, state === 'completed' ? task : undefined, state);
    assert.equal(slotOf(jobOf('batch', 1), task).ended, task, 'what was made in this run counts');
    assert.equal(slotOf(jobOf('batch', 1, { run: 2, completedFrom: 2 }), task).ended, undefined, 'a job that had completed runs anew');
  }
});

test('a record that can be heard stands for its slot, one of the wanted version first', () => {
  const job = jobOf('service', 1, { version: 2 });
  const [old, away, fresh] = [record(1, 'running'), record(1, 'unreachable', v2), record(1, 'pending', v2)];
  assert.equal(slotOf(job, old, away, fresh).shown, fresh);
  assert.equal(slotOf(job, old, away).shown, old);
  assert.equal(slotOf(job, away).shown, away);
  assert.equal(slotOf(job).shown, undefined);
});

test('of what is out of reach and what ended, the newer stands for the slot', () => {
  const job = jobOf('batch', 1);
  const [before, away, after] = [record(1, 'failed'), record(1, 'unreachable'), record(1, 'failed')];
  assert.equal(slotOf(job, before, away).shown, away);
  assert.equal(slotOf(job, before, away, after).shown, after);
});

test('what completed a slot stands for it, whatever lives beside', () => {
  const [away, done, back] = [record(1, 'unreachable'), record(1, 'completed'), record(1, 'running')];
  const slot = slotOf(jobOf('batch', 1), away, done, back);
  assert.equal(slot.shown, done);
  assert.ok(isDone(slot));
  assert.equal(isDone(slotOf(jobOf('batch', 1, { version: 2 }), done)), false, 'an earlier version did');
});

test('only what is unreachable cannot be heard', () => {
  for (const state of taskStates) assert.equal(isReachable(record(1, state)), state !== 'unreachable');
});

test('a slot is stuck when its wanted version ended for good: rejected, or failed where nothing tries again', () => {
  const never = { restart: { ...jobOf('service', 1).spec.tasks['web']!.restart, on: 'never' as const } };
  for (const state of finalStates) {
    const task = record(1, state);
    assert.equal(isStuck(slotOf(jobOf('batch', 1), task), jobOf('batch', 1)), state === 'rejected' || state === 'failed', `batch ${state}`);
    assert.equal(isStuck(slotOf(jobOf('service', 1), task), jobOf('service', 1)), state === 'rejected', `service ${state}`);
    const job = jobOf('service', 1, {}, never);
    assert.equal(isStuck(slotOf(job, task), job), state === 'rejected' || state === 'failed', `service that never restarts ${state}`);
  }
});

test('a slot with an earlier version running is stuck, and not spent; out of reach it is', () => {
  const job = jobOf('service', 1, { version: 2 });
  const [old, bad] = [record(1, 'running'), record(1, 'rejected', v2)];
  assert.deepEqual([isStuck(slotOf(job, old, bad), job), isSpent(slotOf(job, old, bad), job)], [true, false]);
  const away: TaskRecord = { ...old, state: 'unreachable' };
  assert.deepEqual([isStuck(slotOf(job, away, bad), job), isSpent(slotOf(job, away, bad), job)], [true, true]);
});

test('a slot that is tried once more is not stuck', () => {
  const job = jobOf('batch', 1);
  const slot = slotOf(job, record(1, 'failed'), record(1, 'pending'));
  assert.deepEqual([isStuck(slot, job), isSpent(slot, job)], [false, false]);
});

test('a slot without records is neither done, stuck nor spent', () => {
  const job = jobOf('batch', 1);
  assert.deepEqual([isDone(slotOf(job)), isStuck(slotOf(job), job), isSpent(slotOf(job), job)], [false, false, false]);
});

test('with a check only what it found healthy counts as healthy', () => {
  const check = { probe: { kind: 'tcp' as const, port: 80 }, intervalMs: 1, timeoutMs: 1, retries: 1, startPeriodMs: 0 };
  const tasks = [
    record(1, 'running', { hasCheck: true }),
    record(2, 'running', { hasCheck: true, health: 'healthy' }),
    record(3, 'running', { hasCheck: false }),
    record(4, 'running', { specHash: 'v0' }),
  ];
  assert.equal(countSlots(look(jobOf('service', 4), tasks).slots).healthy, 3);
  const checked = jobOf('service', 4, {}, { health: check });
  assert.equal(
    countSlots(look(checked, tasks).slots).healthy,
    2,
    'one has not heard of the check yet, one of an earlier version never had it',
  );
  assert.equal(countSlots(look(jobOf('service', 4, {}, { health: 'none' }), tasks).slots).healthy, 3);
});

test('each slot counts once, by the record that stands for it', () => {
  const job = jobOf('service', 8);
  const tasks = [
    record(1, 'running'),
    record(2, 'running', { health: 'healthy' }),
    record(3, 'running', { health: 'unhealthy' }),
    record(4, 'completed'),
    record(5, 'failed'),
    record(6, 'rejected'),
    record(7, 'unreachable'),
    record(7, 'running'),
    record(1, 'failed'),
    record(9, 'running'),
  ];
  assert.deepEqual(countSlots(look(job, tasks).slots), { desired: 8, running: 4, healthy: 3, failed: 2, completed: 1 });
});

test('slots that are kept while records change are the ones drawn from all records at once', () => {
  const plain = (list: ReturnType<typeof slotsOf>): unknown => ({
    slots: list.slots.map(({ fits: _fits, ...slot }) => slot),
    extra: list.extra.toSorted((a, b) => a.id.localeCompare(b.id)),
  });
  const random = seededRandom(7);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
  const known = new Map<string, TaskRecord>();
  const job = jobOf('service', 4, { version: 2 });
  const kept = new JobSlots(job, [], (slot) => [...known.values()].filter((task) => task.slot === slot));
  for (let step = 0; step < 2_000; step++) {
    const old = known.size > 12 || (known.size > 0 && random() < 0.5) ? pick([...known.values()]) : undefined;
    const task = old ?? record(1 + Math.floor(random() * 6), 'pending', random() < 0.5 ? v2 : {});
    if (old && random() < 0.4) known.delete(task.id);
    else known.set(task.id, { ...task, state: pick(taskStates), desired: pick(['running', 'stopped']) });
    kept.touch(task.slot);
    if (random() < 0.7) assert.deepEqual(plain(kept.read()), plain(slotsOf(job, known.values())));
  }
});
