import assert from 'node:assert/strict';
import test from 'node:test';
import { isoTime } from '../../src/core/iso-time.ts';
import type { JobSpec, ScheduleSpec } from '../../src/core/job.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import { jobJson } from '../../src/core/views.ts';
import { jobSpec } from '../sim/scripts.ts';
import { createManagerBench, report, type ManagerBench, type ScriptedWorker } from './manager-bench.ts';

/** The simulated clock's first minute. */
const begin = Date.UTC(2026, 0, 1);

function periodic(schedule: Partial<ScheduleSpec> = {}, changes: Partial<JobSpec> = {}): JobSpec {
  const spec = jobSpec('report', 'periodic', 'completes:1', 1);
  return { ...spec, schedule: { cron: '* * * * *', timezone: 'UTC', overlap: 'skip', missed: 'skip', ...schedule }, ...changes };
}

/** A manager with one worker, and a job that ticks each minute. */
async function withPeriodic(
  schedule: Partial<ScheduleSpec> = {},
  changes: Partial<JobSpec> = {},
  bench = createManagerBench(),
): Promise<{ bench: ManagerBench; worker: ScriptedWorker }> {
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join());
  await submit(bench, periodic(schedule, changes));
  return { bench, worker };
}

async function submit(bench: ManagerBench, spec: JobSpec): Promise<void> {
  await bench.answer(bench.control.submit({ spec, origin: { kind: 'file' } }));
}

/** Passes time up to so many seconds after the start. */
async function until(bench: ManagerBench, seconds: number): Promise<void> {
  await bench.pass(begin + seconds * 1_000 - bench.world.clock.now());
}

function tasks(bench: ManagerBench): TaskRecord[] {
  return [...bench.host.mirror.tasks.values()].toSorted((a, b) => a.run - b.run || a.createdAt - b.createdAt);
}

function job(bench: ManagerBench) {
  return bench.host.mirror.jobs.get('report')!;
}

/** Ticks of the tasks that there are, in seconds since the start. */
function ticksRun(bench: ManagerBench): number[] {
  return tasks(bench).map(({ tick }) => ((tick ?? 0) - begin) / 1_000);
}

/** What was told of ticks so far: ticks in seconds since the start. */
function told(bench: ManagerBench): string[] {
  const events = bench.host.mirror.events.filter(({ event }) => event.startsWith('tick.'));
  const short = (iso: string): string => String((Date.parse(iso) - begin) / 1_000);
  return events.map(({ event, cause }) => `${event} ${cause.replaceAll(/2026-\S+?Z/g, short)}`);
}

let sequence = 0;

/** Ends the newest task. */
async function end(bench: ManagerBench, worker: ScriptedWorker, state: 'completed' | 'failed' | 'stopped' = 'completed'): Promise<void> {
  worker.send({ type: 'reports', reports: [report(tasks(bench).at(-1)!.id, ++sequence, state)] });
  await bench.pass(10);
}

/** A crash of the manager, and the next start so much later; the worker comes back. */
async function crash(bench: ManagerBench, worker: ScriptedWorker, awayMs: number): Promise<void> {
  worker.leave();
  bench.host.kill();
  await bench.pass(awayMs);
  await bench.start();
  const reports = tasks(bench)
    .filter(({ state }) => state === 'running' || state === 'scheduled')
    .map(({ id }) => report(id, ++sequence, 'running'));
  await bench.answer(worker.join({ reports }));
  await bench.pass(10);
}

test('between its ticks a periodic job rests, at its tick its tasks run, each told its tick', async () => {
  const { bench, worker } = await withPeriodic();
  await until(bench, 59);
  assert.deepEqual([tasks(bench), job(bench).status], [[], 'pending']);
  await until(bench, 61);
  assert.deepEqual(ticksRun(bench), [60]);
  assert.equal([...worker.orders().values()].at(-1)!.tick, begin + 60_000);
  assert.equal(job(bench).status, 'deploying');
  await end(bench, worker);
  assert.equal(job(bench).status, 'completed');
  await until(bench, 121);
  assert.deepEqual(ticksRun(bench), [60, 120]);
  assert.deepEqual(told(bench), ['tick.due tick 60: run 2 begins', 'tick.due tick 120: run 3 begins']);
});

test('the first tick is after the submit, also where one is due that very moment', async () => {
  const bench = createManagerBench();
  await bench.start();
  await until(bench, 60);
  await submit(bench, periodic());
  await until(bench, 119);
  assert.equal(tasks(bench).length, 0);
  await until(bench, 121);
  assert.deepEqual(ticksRun(bench), [120]);
});

test('a tick and the record of it are one commit', async () => {
  const { bench } = await withPeriodic();
  await until(bench, 61);
  const { run, ticks, runAt } = job(bench);
  assert.deepEqual(ticks, { at: begin + 60_000, run, through: begin + 60_000, queued: [] });
  assert.ok(runAt! >= begin + 60_000);
});

test('a tick whose commit did not happen runs after the crash, once', async () => {
  const { bench, worker } = await withPeriodic();
  await until(bench, 59);
  bench.world.writeMs = [500, 500];
  await until(bench, 60.2);
  bench.world.writeMs = [0, 0];
  await crash(bench, worker, 1_000);
  await until(bench, 90);
  assert.deepEqual(ticksRun(bench), [60]);
});

test('a crash right after a tick does not make it run twice', async () => {
  const { bench, worker } = await withPeriodic();
  await until(bench, 60.1);
  await crash(bench, worker, 1_000);
  await crash(bench, worker, 1_000);
  await until(bench, 90);
  assert.deepEqual(ticksRun(bench), [60]);
  assert.deepEqual(told(bench), ['tick.due tick 60: run 2 begins']);
});

test('with overlap skip a tick that meets a run is skipped, and told so', async () => {
  const { bench, worker } = await withPeriodic();
  await until(bench, 121);
  assert.deepEqual(ticksRun(bench), [60]);
  assert.equal(told(bench).at(-1), 'tick.skipped tick 120: the run of tick 60 goes on');
  await end(bench, worker);
  await until(bench, 181);
  assert.deepEqual(ticksRun(bench), [60, 180]);
});

test('with overlap queue ticks wait, and run one after the other', async () => {
  const { bench, worker } = await withPeriodic({ overlap: 'queue' });
  await until(bench, 190);
  assert.deepEqual(ticksRun(bench), [60]);
  assert.deepEqual(job(bench).ticks?.queued, [begin + 120_000, begin + 180_000]);
  assert.deepEqual(told(bench).slice(1), [
    'tick.queued tick 120: the run of tick 60 goes on',
    'tick.queued tick 180: the run of tick 60 goes on',
  ]);
  await end(bench, worker);
  assert.deepEqual(ticksRun(bench), [60, 120]);
  await crash(bench, worker, 1_000);
  await end(bench, worker, 'failed');
  assert.deepEqual(ticksRun(bench), [60, 120, 180]);
  await end(bench, worker);
  await until(bench, 239);
  assert.equal(tasks(bench).length, 3);
  const statuses = bench.host.mirror.events.filter(({ machine, from, to }) => machine === 'job' && from !== to).map(({ to }) => to);
  assert.equal(statuses.filter((to) => to === 'completed').length, 2);
  assert.equal(statuses.filter((to) => to === 'failed').length, 1);
});

test('with overlap replace the run before is stopped, and the new one begins when it has ended', async () => {
  const { bench, worker } = await withPeriodic({ overlap: 'replace' });
  await until(bench, 61);
  worker.send({ type: 'reports', reports: [report(tasks(bench)[0]!.id, ++sequence, 'running')] });
  await until(bench, 121);
  assert.deepEqual(ticksRun(bench), [60]);
  assert.equal(tasks(bench)[0]!.desired, 'stopped');
  assert.equal(job(bench).ticks?.at, begin + 120_000);
  await end(bench, worker, 'stopped');
  assert.deepEqual(ticksRun(bench), [60, 120]);
  assert.equal(tasks(bench)[1]!.desired, 'running');
  await end(bench, worker);
  assert.equal(job(bench).status, 'completed');
});

for (const [missed, ran] of [
  ['skip', [60, 240]],
  ['once', [60, 180]],
  ['all', [60, 120]],
] as const) {
  test(`of the ticks that passed while nobody led those run that the schedule names: ${missed}`, async () => {
    const { bench, worker } = await withPeriodic({ missed });
    await until(bench, 61);
    await end(bench, worker);
    await crash(bench, worker, 140_000);
    await until(bench, 230);
    if (missed === 'skip') await until(bench, 241);
    assert.deepEqual(ticksRun(bench), ran);
    if (missed !== 'all') return;
    assert.deepEqual(job(bench).ticks?.queued, [begin + 180_000]);
    await end(bench, worker);
    assert.deepEqual(ticksRun(bench), [60, 120, 180]);
  });
}

test('a run that failed does not keep the next tick from its run', async () => {
  const { bench, worker } = await withPeriodic();
  await until(bench, 61);
  await end(bench, worker, 'failed');
  assert.equal(job(bench).status, 'failed');
  await until(bench, 121);
  assert.deepEqual(ticksRun(bench), [60, 120]);
  assert.equal(job(bench).status, 'deploying');
  assert.equal(job(bench).reason, undefined);
});

test('a run past its deadline fails, and the next tick begins afresh', async () => {
  const { bench, worker } = await withPeriodic({}, { deadlineMs: 20_000 });
  await until(bench, 81);
  assert.equal(tasks(bench)[0]!.desired, 'stopped');
  await end(bench, worker, 'stopped');
  assert.equal(job(bench).status, 'failed');
  await until(bench, 121);
  assert.deepEqual(ticksRun(bench), [60, 120]);
  assert.deepEqual([job(bench).expired, job(bench).status], [undefined, 'deploying']);
});

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
  worker.send({ type: 'reports', reports: [report(old!.id, ++sequence, 'running')] });
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
  worker.send({ type: 'reports', reports: [report(lost!.id, ++sequence, 'running')] });
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
  await bench.answer(worker.join({ reports: [report(lost!.id, ++sequence, 'running')] }));
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
