/** Tasks without a place: when they are tried again, and when not. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobSpec } from '../../src/core/job.ts';
import { batch, service } from '../sim/scripts.ts';
import { createManagerBench, report, type ManagerBench } from './manager-bench.ts';

const resources = (cpu: number) => ({ resources: { cpu, memoryBytes: 0, diskBytes: 0, custom: {} } });

/** How often a task was looked at and found no place. */
function refusals(bench: ManagerBench): number {
  const { scheduler } = bench.host.role!.actor.getSnapshot().children as unknown as Record<
    string,
    { getSnapshot(): { context: { unplaced: number } } }
  >;
  return scheduler!.getSnapshot().context.unplaced;
}

async function submit(bench: ManagerBench, spec: JobSpec): Promise<void> {
  await bench.answer(bench.control.submit({ spec, origin: { kind: 'file' } }));
  await bench.pass(100);
}

async function stateOf(bench: ManagerBench, job: string): Promise<string[]> {
  const { tasks } = await bench.answer(bench.control.status({ job }));
  return tasks.map(({ state }) => state);
}

test('what no node can take is left alone while others come and go, and placed when a node that can take it joins', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join());
  await submit(bench, service('huge', 'runs', 1, resources(100)));
  assert.equal(refusals(bench), 1);
  for (let round = 1; round <= 5; round++) {
    await submit(bench, batch(`small-${round}`, 'runs', 1, resources(1)));
    const { tasks } = await bench.answer(bench.control.status({ job: `small-${round}` }));
    assert.deepEqual(await stateOf(bench, `small-${round}`), ['scheduled'], 'nobody is kept waiting by what cannot be placed');
    worker.send({ type: 'reports', reports: [report(tasks[0]!.id, 1, 'completed', { exitCode: 0 })] });
    await bench.pass(100);
  }
  assert.equal(refusals(bench), 1, 'the ends of small tasks make no room for it');
  assert.deepEqual(await stateOf(bench, 'huge'), ['pending']);
  const large = bench.worker('w2');
  await bench.answer(large.join({ facts: { ...large.facts, capacity: { ...large.facts.capacity, cpu: 200 } } }));
  await bench.pass(100);
  assert.deepEqual(await stateOf(bench, 'huge'), ['scheduled']);
});

test('a task that waits for room gets it when a task on that node ends', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join());
  await submit(bench, batch('first', 'runs', 1, resources(3)));
  await submit(bench, service('second', 'runs', 1, resources(2)));
  assert.deepEqual(await stateOf(bench, 'second'), ['pending']);
  const { tasks } = await bench.answer(bench.control.status({ job: 'first' }));
  worker.send({ type: 'reports', reports: [report(tasks[0]!.id, 1, 'completed', { exitCode: 0 })] });
  await bench.pass(100);
  assert.deepEqual(await stateOf(bench, 'second'), ['scheduled']);
});
