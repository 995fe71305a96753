import assert from 'node:assert/strict';
import test from 'node:test';
import { isoTime } from '../../src/core/iso-time.ts';
import type { JobSpec } from '../../src/core/job.ts';
import { jobJson } from '../../src/core/views.ts';
import { createManagerBench, report, type ManagerBench } from './manager-bench.ts';
import { begin, periodic, withPeriodic, submit, until, tasks, job, ticksRun, told, end, crash, nextSequence } from './periodic-bench.ts';

test('a stopped job has no ticks, also where its last run has completed; a started one goes on with the next', async () => {
  const { bench, worker } = await withPeriodic({ missed: 'all', overlap: 'queue' });
  await until(bench, 61);
  await end(bench, worker);
  await bench.answer(bench.control.stopJob('report', { purge: false }));
  assert.equal(job(bench).status, 'stopped');
  await until(bench, 190);
  await crash(bench, worker, 1_000);
  assert.deepEqual(ticksRun(bench), [60]);
  await bench.answer(bench.control.startJob('report'));
  await until(bench, 239);
  assert.deepEqual([ticksRun(bench), job(bench).status], [[60], 'pending']);
  await until(bench, 241);
  assert.deepEqual(ticksRun(bench), [60, 240]);
  await bench.answer(bench.control.stopJob('report', { purge: true }));
  await end(bench, worker, 'stopped');
  await until(bench, 310);
  assert.equal(bench.host.mirror.jobs.size, 0);
});

test('a new version lets a run end that goes on, and the next tick runs the new one', async () => {
  const { bench, worker } = await withPeriodic();
  await until(bench, 61);
  const [old] = tasks(bench);
  worker.send({ type: 'reports', reports: [report(old!.id, nextSequence(), 'running')] });
  await submit(bench, jobWithImage('completes:2'));
  await until(bench, 121);
  assert.deepEqual(
    tasks(bench).map(({ id, desired }) => [id, desired]),
    [[old!.id, 'running']],
  );
  assert.equal(told(bench).at(-1), 'tick.skipped tick 120: the run of tick 60 goes on');
  await end(bench, worker);
  assert.equal(job(bench).status, 'pending');
  await until(bench, 181);
  assert.deepEqual(
    tasks(bench).map(({ image }) => image),
    ['completes:1', 'completes:2'],
  );
});

function jobWithImage(image: string): JobSpec {
  const spec = periodic();
  return { ...spec, tasks: { main: { ...spec.tasks['main']!, image } } };
}

test('another schedule counts from its submit on, and a job that is periodic no more has no ticks', async () => {
  const { bench, worker } = await withPeriodic({ cron: '0 * * * *', missed: 'all' });
  await until(bench, 600.5);
  await submit(bench, periodic({ missed: 'all' }));
  await until(bench, 659);
  assert.equal(tasks(bench).length, 0);
  await until(bench, 661);
  assert.deepEqual(ticksRun(bench), [660]);
  await end(bench, worker);
  const { schedule: _schedule, ...rest } = periodic();
  await submit(bench, { ...rest, type: 'batch' });
  await until(bench, 800);
  assert.equal(tasks(bench).length, 2);
  assert.equal(tasks(bench)[1]!.tick, undefined);
});

test('a run on a node that is out of reach is made anew elsewhere, and what is left of it gives way to the next', async () => {
  const { bench, worker } = await withPeriodic();
  await until(bench, 61);
  const [lost] = tasks(bench);
  worker.send({ type: 'reports', reports: [report(lost!.id, nextSequence(), 'running')] });
  const other = bench.worker('w2');
  await bench.answer(other.join());
  await bench.pass(100);
  worker.leave();
  worker.silence();
  await until(bench, 90);
  assert.deepEqual(ticksRun(bench), [60, 60]);
  await end(bench, other);
  await until(bench, 121);
  assert.deepEqual(ticksRun(bench), [60, 60, 120]);
  await bench.answer(worker.join({ reports: [report(lost!.id, nextSequence(), 'running')] }));
  await bench.pass(100);
  const byId = bench.host.mirror.tasks;
  assert.equal(byId.get(lost!.id)!.desired, 'stopped');
  assert.equal(tasks(bench).at(-1)!.desired, 'running');
});

/** A manager whose wall clock can be set. */
function withSettableClock(): { bench: ManagerBench; setBy(ms: number): void } {
  const bench = createManagerBench();
  const { now } = bench.world.clock;
  let leapMs = 0;
  Object.assign(bench.world.clock, { now: () => now() + leapMs });
  return { bench, setBy: (ms) => void (leapMs += ms) };
}

test('a clock that is set forward is noticed: what it leapt over was missed, what comes next is in time', async () => {
  const { bench, setBy } = withSettableClock();
  const { worker } = await withPeriodic({}, {}, bench);
  await until(bench, 61);
  await end(bench, worker);
  setBy(600_000);
  await bench.pass(10_000);
  assert.deepEqual(
    told(bench).slice(1),
    [120, 180, 240, 300, 360, 420, 480, 540, 600, 660].map((tick) => `tick.skipped tick ${tick}: nobody led when it was due`),
  );
  await bench.pass(60_000);
  assert.deepEqual(ticksRun(bench), [60, 720]);
  assert.ok(job(bench).runAt! - job(bench).ticks!.at! < 100);
});

test('a clock that is put back makes no tick run twice', async () => {
  const { bench, setBy } = withSettableClock();
  const { worker } = await withPeriodic({}, {}, bench);
  await until(bench, 61);
  await end(bench, worker);
  setBy(-30_000);
  await bench.pass(80_000);
  assert.deepEqual(ticksRun(bench), [60]);
  await bench.pass(10_000);
  assert.deepEqual(ticksRun(bench), [60, 120]);
});

test('what a job shows of its ticks: the last one that ran, and the next', async () => {
  const { bench } = await withPeriodic();
  const shown = async () => {
    const { jobs } = await bench.answer(bench.control.status({ job: 'report' }));
    return jobJson(jobs[0]!, jobs[0]!.counts);
  };
  assert.deepEqual([(await shown()).lastTick, (await shown()).nextTick], [null, isoTime(begin + 60_000)]);
  await until(bench, 61);
  assert.deepEqual([(await shown()).lastTick, (await shown()).nextTick], [isoTime(begin + 60_000), isoTime(begin + 120_000)]);
});
