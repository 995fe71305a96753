/** Where tasks may be: what follows when their job says otherwise. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobSpec } from '../../src/core/job.ts';
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
