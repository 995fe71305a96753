import assert from 'node:assert/strict';
import test from 'node:test';
import { createManagerBench, report } from './manager-bench.ts';
import { begin, periodic, withPeriodic, submit, until, tasks, job, ticksRun, told, end, crash, nextSequence } from './periodic-bench.ts';

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
  worker.send({ type: 'reports', reports: [report(tasks(bench)[0]!.id, nextSequence(), 'running')] });
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
