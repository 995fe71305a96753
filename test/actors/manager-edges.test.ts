/** The manager at its edges: sets too large for a frame, jobs that begin and end in odd ways. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { limitsWith } from '../../src/core/limits.ts';
import type { JobOrigin, JobSpec } from '../../src/core/job.ts';
import { batch, service } from '../sim/scripts.ts';
import { createManagerBench, report, type ManagerBench } from './manager-bench.ts';

async function started(options: Parameters<typeof createManagerBench>[0] = {}): Promise<ManagerBench> {
  const bench = createManagerBench(options);
  await bench.start();
  return bench;
}

function submit(bench: ManagerBench, spec: JobSpec, origin: JobOrigin = { kind: 'file' }) {
  return bench.answer(bench.control.submit({ spec, origin }));
}

function withEnv(spec: JobSpec, bytes: number): JobSpec {
  const tasks = Object.entries(spec.tasks).map(([name, task]) => [name, { ...task, env: { BIG: 'x'.repeat(bytes) } }] as const);
  return { ...spec, tasks: Object.fromEntries(tasks) };
}

test('orders that do not fit one frame travel in several, in a full set and in what follows', async () => {
  const bench = await started({ limits: limitsWith({ ordersBytesMax: 10_000 }) });
  const worker = bench.worker('w1');
  await bench.answer(worker.join());
  await submit(bench, withEnv(service('big', 'runs', 12), 3_000));
  await bench.pass(200);
  assert.equal(worker.orders().size, 12);
  assert.ok(worker.heard.filter(({ type }) => type === 'delta').length >= 4, 'deltas');

  const again = bench.worker('w1', worker.id);
  await bench.answer(again.join());
  await bench.pass(200);
  assert.equal(again.orders().size, 12);
  const sets = again.heard.filter((frame) => frame.type === 'assignments' || frame.type === 'delta');
  assert.equal(sets[0]!.type, 'assignments');
  assert.ok(sets.length >= 4, `${sets.length} frames`);
});

test('a batch job that had completed runs once more when it is started, and a stop leaves it completed', async () => {
  const bench = await started();
  const worker = bench.worker('w1');
  await bench.answer(worker.join());
  await submit(bench, batch('sum'));
  await bench.pass(100);
  const [id] = worker.orders().keys();
  worker.send({ type: 'reports', reports: [report(id!, 1, 'completed', { exitCode: 0 })] });
  await bench.pass(100);
  assert.equal(bench.host.mirror.jobs.get('sum')?.status, 'completed');
  await bench.answer(bench.control.stopJob('sum', { purge: false }));
  await bench.pass(100);
  assert.equal(bench.host.mirror.jobs.get('sum')?.status, 'completed');
  await bench.answer(bench.control.startJob('sum'));
  await bench.pass(100);
  assert.equal(worker.orders().size, 2, 'a fresh task');
  assert.notEqual(bench.host.mirror.jobs.get('sum')?.status, 'completed');
});

test('a batch job of no instances is completed at once', async () => {
  const bench = await started();
  await submit(bench, batch('none', 'completes', 0));
  await bench.pass(100);
  assert.equal(bench.host.mirror.jobs.get('none')?.status, 'completed');
});

test('the client’s Task.ID goes with the job it belonged to', async () => {
  const bench = await started();
  await submit(bench, service('mine'), { kind: 'seeds', clientTaskId: 'client-1' });
  await submit(bench, service('mine', 'runs', 2));
  await assert.rejects(bench.answer(bench.control.status({ task: 'client-1' })), { code: 'not-found' });
});

test('a task that has ended is explained without what it held', async () => {
  const bench = await started();
  const worker = bench.worker('w1');
  await bench.answer(worker.join());
  const spec = batch('sum');
  const [name] = Object.keys(spec.tasks);
  const all = { ...spec.tasks[name!]!, resources: { cpu: 2, memoryBytes: 0, diskBytes: 0, custom: {} } };
  await submit(bench, { ...spec, tasks: { [name!]: all } });
  await bench.pass(100);
  const [id] = worker.orders().keys();
  worker.send({ type: 'reports', reports: [report(id!, 1, 'completed', { exitCode: 0 })] });
  await bench.pass(100);
  const capacity = [...bench.host.mirror.nodes.values()][0]!.capacity.cpu;
  await submit(bench, { ...service('full'), tasks: { t: { ...all, resources: { ...all.resources, cpu: capacity } } } });
  await bench.pass(100);
  const { nodes } = await bench.answer(bench.control.explain(id!));
  assert.equal(nodes[0]!.feasible, false);
  assert.equal(nodes[0]!.filter, 'cpu');
});
