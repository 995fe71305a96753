/** What tasks and nodes use: measured by workers, told in beats, shown by the manager, and counted by its scheduler. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { createMetrics } from '../../src/ambient/metrics.ts';
import type { TaskUsage } from '../../src/core/node.ts';
import { registerGauges } from '../../src/boot/gauges.ts';
import { measuredBy } from '../../actors/manager/measured.ts';
import type { Leader } from '../../actors/manager/leader.ts';
import { TaskUsages } from '../../actors/manager/task-usages.ts';
import { record } from '../core/records.ts';
import { service } from '../sim/scripts.ts';
import { createManagerBench, report, type ManagerBench, type ScriptedWorker } from './manager-bench.ts';
import { createWorkerBench, order, type WorkerBench } from './worker-bench.ts';

function toldBy(bench: WorkerBench): (readonly TaskUsage[])[] {
  return bench.heard.flatMap((frame) => (frame.type === 'beat' && frame.tasks ? [frame.tasks] : []));
}

const usageCalls = (bench: WorkerBench): number => bench.host.engine.calls.filter(({ verb }) => verb === 'usage').length;

const env = { FAKE_CPU: '0.25', FAKE_MEMORY_BYTES: '5000000' };
const network = { networkInBytes: 0, networkOutBytes: 0 };

test('a worker with nothing that runs measures nothing', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.welcome([]);
  await bench.pass(60_000);
  assert.equal(usageCalls(bench), 0);
  assert.deepEqual(toldBy(bench).flat(), []);
});

test('running tasks are measured, and told when that changed; a new link hears all anew', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.welcome([order('a', 'runs', {}, { env })]);
  await bench.pass(45_000);
  assert.equal(usageCalls(bench), 4);
  const [nothing, ...told] = toldBy(bench);
  assert.deepEqual(nothing, []);
  assert.deepEqual(told, [
    [{ id: 'a', cpu: null, memoryBytes: 5_000_000, ...network }],
    [{ id: 'a', cpu: 0.25, memoryBytes: 5_000_000, ...network }],
  ]);

  bench.world.network.drop('w1');
  await bench.pass(1_000);
  bench.welcome([order('a', 'runs', {}, { env })], { revision: 2 });
  await bench.pass(2_000);
  assert.deepEqual(toldBy(bench).slice(3), [told[1]]);
});

test('a task that has ended is told no more, and what cannot be measured is not known', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.welcome([order('a', 'completes:15000', { jobType: 'batch' }, { env }), order('b', 'runs', {}, { env })]);
  await bench.pass(12_000);
  assert.deepEqual(
    toldBy(bench)
      .at(-1)
      ?.map(({ id }) => id),
    ['a', 'b'],
  );
  await bench.pass(10_000);
  assert.deepEqual(
    toldBy(bench)
      .at(-1)
      ?.map(({ id }) => id),
    ['b'],
  );
  bench.host.engine.down();
  await bench.pass(12_000);
  assert.deepEqual(toldBy(bench).at(-1), []);
  bench.host.engine.up();
  await bench.pass(12_000);
  assert.deepEqual(
    toldBy(bench)
      .at(-1)
      ?.map(({ id }) => id),
    ['b'],
  );
});

async function joined(bench: ManagerBench, name: string): Promise<ScriptedWorker> {
  const worker = bench.worker(name);
  await bench.answer(worker.join());
  await bench.pass(50);
  return worker;
}

async function submit(bench: ManagerBench, name: string): Promise<void> {
  await bench.answer(bench.control.submit({ spec: service(name), origin: { kind: 'file' } }));
  await bench.pass(100);
}

test("a task's use is shown while it runs, and not after", async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = await joined(bench, 'w1');
  await submit(bench, 'shop');
  const [id = ''] = worker.orders().keys();
  const usage = { id, cpu: 0.5, memoryBytes: 7, networkInBytes: null, networkOutBytes: 3 };
  const shown = async (): Promise<TaskUsage | undefined> => (await bench.answer(bench.control.status({ task: id }))).tasks[0]?.usage;
  worker.send({ type: 'beat', usage: null, tasks: [usage, { ...usage, id: 'unknown' }] });
  await bench.pass(50);
  assert.equal(await shown(), undefined, 'it does not run yet');
  worker.send({ type: 'reports', reports: [report(id, 1, 'running')] });
  await bench.pass(50);
  assert.deepEqual(await shown(), usage);
  assert.deepEqual((await bench.answer(bench.control.status())).tasks[0]?.usage, usage);
  assert.deepEqual((await bench.answer(bench.control.status({ job: 'shop' }))).tasks[0]?.usage, usage);
  worker.send({ type: 'beat', usage: null });
  await bench.pass(50);
  assert.deepEqual(await shown(), usage, 'a beat that tells nothing changes nothing');
  worker.send({ type: 'beat', usage: null, tasks: [] });
  await bench.pass(50);
  assert.equal(await shown(), undefined);
});

test('E-PVM counts what was measured where that is more than what is reserved', async () => {
  const bench = createManagerBench();
  await bench.start();
  const [busy, idle] = [await joined(bench, 'w1'), await joined(bench, 'w2')];
  const used = (cpu: number) => ({ at: 1, used: { cpu, memoryBytes: 0, diskBytes: 0, custom: {} } });
  busy.send({ type: 'beat', usage: used(3.5) });
  idle.send({ type: 'beat', usage: used(0.1) });
  await bench.pass(50);
  for (const name of ['a', 'b', 'c']) await submit(bench, name);
  const nodes = [...bench.host.mirror.tasks.values()].map(({ node }) => node);
  assert.deepEqual(nodes, [idle.id, idle.id, idle.id], 'by what is reserved alone, each would have got some');

  busy.send({ type: 'beat', usage: used(0) });
  idle.send({ type: 'beat', usage: used(3.9) });
  await bench.pass(50);
  await submit(bench, 'd');
  assert.equal([...bench.host.mirror.tasks.values()].find(({ job }) => job === 'd')?.node, busy.id);
  const { nodes: explained } = await bench.answer(bench.control.explain('d/main.1'));
  const cpuTerm = (name: string): number => explained.find(({ node }) => node === name)!.terms!['cpu']!;
  assert.ok(cpuTerm('w2') > cpuTerm('w1'));
});

test('metrics name nodes, and the tasks that use the most, up to a bound', async () => {
  const tasks = [1, 2, 3].map((index) => record(index, 'running', { id: `t${index}`, slot: `shop/web.${index}`, node: 'n1' }));
  const taskUsage = new TaskUsages();
  const rest = { networkInBytes: null, networkOutBytes: null };
  taskUsage.take('n1', [
    { id: 't1', cpu: 0.1, memoryBytes: 10, ...rest },
    { id: 't2', cpu: null, memoryBytes: 20, ...rest },
    { id: 't3', cpu: 0.3, memoryBytes: 30, ...rest },
    { id: 'gone', cpu: 9, memoryBytes: 30, ...rest },
  ]);
  const leader = {
    state: { tasks: new Map(tasks.map((task) => [task.id, task])), nodes: new Map([['n1', { name: 'bar' }]]) },
    usage: new Map([
      ['n1', { at: 1, used: { cpu: 1.5, memoryBytes: 100, diskBytes: 200, custom: {} } }],
      ['gone', { at: 1, used: { cpu: 9, memoryBytes: 9, diskBytes: 9, custom: {} } }],
    ]),
    taskUsage,
  } as unknown as Leader;
  const metrics = createMetrics();
  let tasksMax = 2;
  registerGauges(metrics, () => measuredBy(leader, tasksMax));
  const lines = async (): Promise<string[]> => (await metrics.expose()).text.split('\n').filter((line) => line.startsWith('cube_'));
  assert.deepEqual(await lines(), [
    'cube_node_cpu_used_cores{node="bar"} 1.5',
    'cube_node_memory_used_bytes{node="bar"} 100',
    'cube_node_disk_used_bytes{node="bar"} 200',
    'cube_task_cpu_used_cores{slot="shop/web.3"} 0.3',
    'cube_task_cpu_used_cores{slot="shop/web.1"} 0.1',
    'cube_task_memory_used_bytes{slot="shop/web.3"} 30',
    'cube_task_memory_used_bytes{slot="shop/web.1"} 10',
  ]);
  tasksMax = 9;
  assert.ok((await lines()).includes('cube_task_memory_used_bytes{slot="shop/web.2"} 20'), 'its cpu is not known, its memory is');
});
