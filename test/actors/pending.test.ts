/** Tasks that wait for a place: whatever lets them have one reaches them, also while a batch is being scored. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobSpec } from '../../src/core/job.ts';
import { batch, service } from '../sim/scripts.ts';
import type { WorldOptions } from '../sim/world.ts';
import { createManagerBench, report, type ManagerBench, type ScriptedWorker } from './manager-bench.ts';

const resources = (cpu: number) => ({ resources: { cpu, memoryBytes: 0, diskBytes: 0, custom: {} } });

async function begin(options: Partial<WorldOptions> = {}): Promise<{ bench: ManagerBench; worker: ScriptedWorker }> {
  const bench = createManagerBench(options);
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join());
  await bench.pass(500);
  return { bench, worker };
}

function ask(bench: ManagerBench, spec: JobSpec) {
  return bench.answer(bench.control.submit({ spec, origin: { kind: 'file' } }));
}

async function tasksOf(bench: ManagerBench, job: string) {
  return (await bench.answer(bench.control.status({ job }))).tasks;
}

async function statesOf(bench: ManagerBench, job: string): Promise<string[]> {
  return (await tasksOf(bench, job)).map(({ state }) => state);
}

test('what is more than a batch takes comes with the next ones', async () => {
  const { bench } = await begin({ limits: { batchTasksMax: 5 } });
  await ask(bench, service('shop', 'runs', 12));
  await bench.pass(5_000);
  assert.deepEqual(new Set(await statesOf(bench, 'shop')), new Set(['scheduled']));
});

test('a job whose terms change while its tasks are being scored is asked for anew', async () => {
  const { bench } = await begin({ scoreMs: [300, 300] });
  const spec = service('shop');
  await ask(bench, { ...spec, datacenters: ['other'] });
  await bench.pass(50);
  await ask(bench, { ...spec, datacenters: ['dc1'] });
  await bench.pass(3_000);
  assert.deepEqual(await statesOf(bench, 'shop'), ['scheduled']);
});

test('a task may have the room of another once that one matters less', async () => {
  const { bench } = await begin();
  await ask(bench, { ...service('first', 'runs', 1, resources(4)), priority: 50 });
  await bench.pass(500);
  await ask(bench, { ...service('second', 'runs', 1, resources(4)), priority: 50 });
  await bench.pass(500);
  assert.deepEqual(await statesOf(bench, 'second'), ['pending']);
  await ask(bench, { ...service('first', 'runs', 1, resources(4)), priority: 10 });
  await bench.pass(2_000);
  const [first] = await tasksOf(bench, 'first');
  assert.equal(first!.desired, 'stopped');
});

test('a task that may preempt does so, however often others end meanwhile', async () => {
  const { bench, worker } = await begin({ scoreMs: [300, 300] });
  await ask(bench, { ...service('low', 'runs', 1, resources(3)), priority: 10 });
  await ask(bench, { ...batch('busy', 'runs', 40, resources(0.01)), priority: 90 });
  await bench.pass(1_000);
  const busy = await tasksOf(bench, 'busy');
  await ask(bench, { ...service('high', 'runs', 1, resources(3)), priority: 80 });
  for (const { id } of busy) {
    worker.send({ type: 'reports', reports: [report(id, 1, 'completed', { exitCode: 0 })] });
    await bench.pass(100);
  }
  const [low] = await tasksOf(bench, 'low');
  assert.equal(low!.desired, 'stopped', 'preempted within 4 s');
});

test('a change is rehearsed, whoever waited for a place before', async () => {
  const { bench } = await begin();
  await ask(bench, service('gone', 'runs', 1, resources(100)));
  await bench.pass(500);
  await bench.answer(bench.control.stopJob('gone', { purge: true }));
  await bench.pass(500);
  await bench.answer(bench.control.plan({ spec: service('shop'), origin: { kind: 'file' } }));
});

test('room that was held for a task which is wanted no more goes to those that wait, before its victims have ended', async () => {
  const { bench, worker } = await begin();
  await ask(bench, { ...service('low', 'runs', 2, resources(1.5)), priority: 10 });
  await bench.pass(500);
  const first = await tasksOf(bench, 'low');
  worker.send({ type: 'reports', reports: first.map(({ id }) => report(id, 1, 'running')) });
  await ask(bench, { ...service('high', 'runs', 1, resources(4)), priority: 80 });
  await bench.pass(500);
  assert.deepEqual(await statesOf(bench, 'high'), ['pending']);
  worker.send({ type: 'reports', reports: [report(first[0]!.id, 2, 'stopped', { exitCode: 0 })] });
  await ask(bench, { ...service('other', 'runs', 1, resources(0.5)), priority: 5 });
  await bench.pass(500);
  assert.deepEqual(await statesOf(bench, 'other'), ['pending'], 'the room is held');
  await bench.answer(bench.control.stopJob('high', { purge: false }));
  await bench.pass(500);
  assert.deepEqual(await statesOf(bench, 'other'), ['scheduled']);
});

/** How often a task was looked at and found no place. */
function refusals(bench: ManagerBench): number {
  const { scheduler } = bench.host.role!.actor.getSnapshot().children as unknown as Record<
    string,
    { getSnapshot(): { context: { unplaced: number } } }
  >;
  return scheduler!.getSnapshot().context.unplaced;
}

test('what no node can take is left alone while others come and go, and placed when a node that can take it joins', async () => {
  const { bench, worker } = await begin();
  await ask(bench, service('huge', 'runs', 1, resources(100)));
  await bench.pass(100);
  assert.equal(refusals(bench), 1);
  for (let round = 1; round <= 5; round++) {
    await ask(bench, batch(`small-${round}`, 'runs', 1, resources(1)));
    await bench.pass(100);
    const tasks = await tasksOf(bench, `small-${round}`);
    assert.deepEqual(await statesOf(bench, `small-${round}`), ['scheduled'], 'nobody is kept waiting by what cannot be placed');
    worker.send({ type: 'reports', reports: [report(tasks[0]!.id, 1, 'completed', { exitCode: 0 })] });
    await bench.pass(100);
  }
  assert.equal(refusals(bench), 1, 'the ends of small tasks make no room for it');
  assert.deepEqual(await statesOf(bench, 'huge'), ['pending']);
  const large = bench.worker('w2');
  await bench.answer(large.join({ facts: { ...large.facts, capacity: { ...large.facts.capacity, cpu: 200 } } }));
  await bench.pass(100);
  assert.deepEqual(await statesOf(bench, 'huge'), ['scheduled']);
});

test('a task that waits for room gets it when a task on that node ends', async () => {
  const { bench, worker } = await begin();
  await ask(bench, batch('first', 'runs', 1, resources(3)));
  await bench.pass(100);
  await ask(bench, service('second', 'runs', 1, resources(2)));
  await bench.pass(100);
  assert.deepEqual(await statesOf(bench, 'second'), ['pending']);
  const tasks = await tasksOf(bench, 'first');
  worker.send({ type: 'reports', reports: [report(tasks[0]!.id, 1, 'completed', { exitCode: 0 })] });
  await bench.pass(100);
  assert.deepEqual(await statesOf(bench, 'second'), ['scheduled']);
});
