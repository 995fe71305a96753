/** Where tasks may be: what follows when their job says otherwise. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobSpec } from '../../src/core/job.ts';
import { createCodec } from '../../src/store/codec.ts';
import { service } from '../sim/scripts.ts';
import { createManagerBench, report } from './manager-bench.ts';

test('a job that may not use a data center any more leaves it, and one that may stays', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join());
  const submit = (spec: JobSpec) => bench.answer(bench.control.submit({ spec, origin: { kind: 'file' } }));
  await submit(service('shop'));
  await bench.pass(100);
  const [id] = worker.orders().keys();
  worker.send({ type: 'reports', reports: [report(id!, 1, 'running')] });
  await bench.pass(100);
  const dc = [...bench.host.mirror.nodes.values()][0]!.dc;

  await submit({ ...service('shop'), datacenters: [dc, 'other'] });
  await bench.pass(100);
  assert.equal([...bench.host.mirror.tasks.values()].length, 1);

  await submit({ ...service('shop'), datacenters: ['other'] });
  await bench.pass(100);
  const tasks = [...bench.host.mirror.tasks.values()];
  const fresh = tasks.find((task) => task.id !== id);
  assert.equal(tasks.length, 2);
  assert.equal(fresh!.state, 'pending');
  assert.match(fresh!.reason!, /data center/);
  assert.equal(tasks.find((task) => task.id === id)!.desired, 'running', 'it runs on until its replacement does');
});

test('tasks that avoid different nodes are asked for apart, and each goes where it has not failed', async () => {
  const bench = createManagerBench();
  await bench.start();
  for (const name of ['w1', 'w2']) await bench.answer(bench.worker(name).join());
  await bench.pass(100);
  await bench.answer(bench.control.submit({ spec: service('shop', 'runs', 4), origin: { kind: 'file' } }));
  const placed = new Map((await bench.answer(bench.control.status())).tasks.map((task) => [task.id, task]));
  const avoid = new Map([...placed.keys()].map((id, at) => [id, at % 2 === 0 ? 'node-w1' : 'node-w2']));
  bench.host.kill();
  for (const [id, task] of placed) {
    const { node: _node, nodeName: _name, dc: _dc, ...rest } = task;
    const waiting = { ...rest, state: 'pending', ports: [], avoid: [avoid.get(id)!], placeAfter: task.createdAt + 5_000 };
    bench.host.disk.tamper(`task:${id}`, () => createCodec().encode('task', id, waiting, 1));
  }
  await bench.start();
  for (const name of ['w1', 'w2']) await bench.answer(bench.worker(name).join());
  await bench.pass(6_000);
  const { tasks } = await bench.answer(bench.control.status());
  assert.equal(tasks.length, 4);
  for (const { id, node } of tasks) assert.deepEqual([id, node], [id, avoid.get(id) === 'node-w1' ? 'node-w2' : 'node-w1']);
  const [task] = tasks;
  const { nodes } = await bench.answer(bench.control.explain(task!.id));
  assert.deepEqual(
    nodes.map(({ node, detail }) => [node, detail]),
    [
      [task!.nodeName, undefined],
      [task!.nodeName === 'w1' ? 'w2' : 'w1', 'avoided: this slot failed here'],
    ],
  );
});
