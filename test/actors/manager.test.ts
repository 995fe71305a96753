import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobSpec } from '../../src/core/job.ts';
import type { SubmitRequest } from '../../src/ports/control.ts';
import { batch, service } from '../sim/scripts.ts';
import { createManagerBench, report, type ManagerBench, type ScriptedWorker } from './manager-bench.ts';

function request(spec: JobSpec): SubmitRequest {
  return { spec, origin: { kind: 'file' } };
}

/** A manager with one worker on which a service's only task runs. */
async function withRunningTask(bench: ManagerBench, spec = service('shop')): Promise<{ worker: ScriptedWorker; id: string }> {
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join());
  await bench.answer(bench.control.submit(request(spec)));
  await bench.pass(100);
  const [id] = worker.orders().keys();
  worker.send({ type: 'reports', reports: [report(id!, 1, 'running')] });
  await bench.pass(100);
  return { worker, id: id! };
}

function stateOf(bench: ManagerBench, id: string): string | undefined {
  return bench.host.mirror.tasks.get(id)?.state;
}

for (const [name, ask] of [
  ['a submit', (bench: ManagerBench) => bench.control.submit(request(service('shop', 'runs', 1, { priority: 60 })))],
  ['a start', (bench: ManagerBench) => bench.control.startJob('shop')],
] as const) {
  test(`${name} of a job that is purged before it is written down gets its answer, and the manager goes on`, async () => {
    const bench = createManagerBench();
    await bench.start();
    await bench.answer(bench.control.submit(request(service('shop'))));
    await bench.answer(bench.control.stopJob('shop', { purge: false }));
    bench.world.writeMs = [100, 100];
    const asked = ask(bench) as Promise<object>;
    const purged = bench.control.stopJob('shop', { purge: true });
    assert.equal((await bench.answer(asked)).constructor, Object);
    await bench.answer(purged);
    assert.equal(bench.host.mirror.jobs.size, 0);
    await bench.answer(bench.control.submit(request(service('other'))));
  });
}

test('a task on a node that was out of reach runs again when the node returns, though nothing about it changed', async () => {
  const bench = createManagerBench();
  const { worker, id } = await withRunningTask(bench);
  worker.leave();
  await bench.pass(10_000);
  assert.equal(stateOf(bench, id), 'unreachable');
  await bench.answer(worker.join({ reports: [report(id, 1, 'running')] }));
  await bench.pass(100);
  assert.equal(stateOf(bench, id), 'running');
  const others = [...bench.host.mirror.tasks.values()].filter((task) => task.id !== id);
  assert.ok(others.every((task) => task.desired === 'stopped'));
});

test('an old report does not bring back a task on a node that was out of reach', async () => {
  const bench = createManagerBench();
  const { worker, id } = await withRunningTask(bench);
  worker.send({ type: 'reports', reports: [report(id, 5, 'backingOff')] });
  await bench.pass(100);
  worker.leave();
  await bench.pass(10_000);
  await bench.answer(worker.join({ reports: [report(id, 4, 'running')] }));
  await bench.pass(100);
  assert.equal(stateOf(bench, id), 'unreachable');
});

test('a node that said goodbye is waited for, also by a manager that was started anew', async () => {
  const bench = createManagerBench();
  const { worker, id } = await withRunningTask(bench);
  worker.send({ type: 'bye', backMs: 60_000 });
  await bench.pass(5_000);
  worker.leave();
  bench.host.kill();
  await bench.start();
  await bench.pass(30_000);
  assert.equal(stateOf(bench, id), 'running');
  await bench.pass(30_000);
  assert.equal(stateOf(bench, id), 'unreachable');
});

test('a batch task whose replacement has completed is stopped when its node returns', async () => {
  const bench = createManagerBench();
  const { worker, id } = await withRunningTask(bench, batch('crunch'));
  worker.leave();
  await bench.pass(10_000);
  const second = bench.worker('w2');
  await bench.answer(second.join());
  await bench.pass(100);
  const [other] = second.orders().keys();
  second.send({ type: 'reports', reports: [report(other!, 1, 'completed', { exitCode: 0 })] });
  await bench.pass(100);
  assert.equal(bench.host.mirror.jobs.get('crunch')?.status, 'completed');
  assert.equal(stateOf(bench, id), 'lost');
  await bench.answer(worker.join({ reports: [report(id, 2, 'running')] }));
  await bench.pass(100);
  assert.equal(worker.verdicts().get(id), 'stop');
  assert.equal(bench.host.mirror.jobs.get('crunch')?.status, 'completed');
  assert.equal(bench.host.mirror.tasks.size, 2);
});

test('a manager that stood still just after it was started gives the nodes it waits for a fresh deadline', async () => {
  const bench = createManagerBench();
  const { worker, id } = await withRunningTask(bench);
  bench.host.kill();
  await bench.start();
  bench.host.process!.freeze();
  await bench.pass(20_000);
  bench.host.process!.thaw();
  await bench.pass(1_000);
  assert.equal(stateOf(bench, id), 'running');
  await bench.answer(worker.join({ reports: [report(id, 1, 'running')] }));
  await bench.pass(10_000);
  assert.equal(stateOf(bench, id), 'running');
  assert.equal(bench.host.mirror.nodes.get(worker.id)?.state, 'ready');
});

test('a worker under the name of one that was heard a moment ago is refused, and taken for that one reborn once it is down', async () => {
  const bench = createManagerBench();
  const { worker, id } = await withRunningTask(bench);
  worker.leave();
  await bench.pass(100);
  const twin = bench.worker('w1', 'node-twin');
  await bench.answer(twin.join());
  await bench.pass(100);
  const refusal = twin.heard.find((frame) => frame.type === 'refused');
  assert.ok(refusal?.type === 'refused' && refusal.code === 'conflict');
  assert.equal(stateOf(bench, id), 'running', 'what runs there is not given up');
  await bench.pass(10_000);
  await bench.answer(twin.join());
  await bench.pass(100);
  assert.equal(stateOf(bench, id), 'lost');
  assert.deepEqual([...bench.host.mirror.nodes.keys()], ['node-twin']);
});

test('a node that joins while a batch is scored gets what that batch found no place for', async () => {
  const bench = createManagerBench({ scoreMs: [500, 500] });
  await bench.start();
  await bench.answer(bench.control.submit(request(service('shop'))));
  await bench.pass(200);
  const worker = bench.worker('w1');
  await bench.answer(worker.join());
  await bench.pass(2_000);
  assert.equal(worker.orders().size, 1);
});

test('a worker may forget what ended there and has no record any more', async () => {
  const bench = createManagerBench();
  const { worker, id } = await withRunningTask(bench);
  worker.send({ type: 'reports', reports: [report('stranger', 7, 'running'), report('gone', 9, 'stopped')] });
  await bench.pass(100);
  const forgotten = worker.heard.flatMap((frame) => (frame.type === 'delta' ? frame.forget : []));
  assert.deepEqual(forgotten, ['gone']);
  const acks = worker.heard.flatMap((frame) => (frame.type === 'acks' ? frame.acks : []));
  assert.deepEqual(acks.slice(-2), [
    { id: 'stranger', sequence: 7 },
    { id: 'gone', sequence: 9 },
  ]);
  assert.equal(stateOf(bench, id), 'running');
});

test('a restart that was quicker than the reports is an event all the same, and tells why', async () => {
  const bench = createManagerBench();
  const { worker, id } = await withRunningTask(bench);
  const again = { ...report(id, 5, 'running'), attempt: 2, restarts: 1, lastEnd: 'killed by somebody else' };
  worker.send({ type: 'reports', reports: [again] });
  await bench.pass(100);
  const last = bench.host.mirror.events.findLast((event) => event.id === id)!;
  assert.deepEqual([last.from, last.to, last.event], ['running', 'running', 'report.running']);
  assert.match(last.cause, /attempt 2, after killed by somebody else/);
});

test('a task whose node is back and has not spoken of it yet is told to stop, not given up', async () => {
  const bench = createManagerBench();
  const { worker, id } = await withRunningTask(bench);
  worker.leave();
  await bench.pass(10_000);
  assert.equal(stateOf(bench, id), 'unreachable');
  await bench.answer(worker.join({ reports: [] }));
  await bench.answer(bench.control.stopTask(id));
  await bench.pass(100);
  assert.deepEqual([stateOf(bench, id), worker.orders().get(id)?.desired], ['unreachable', 'stopped']);
  worker.send({ type: 'reports', reports: [report(id, 7, 'stopped')] });
  await bench.pass(100);
  assert.equal(stateOf(bench, id), 'stopped');
});

test('a task that was to stop when its node went down is let go, and its job is stopped', async () => {
  const bench = createManagerBench();
  const { worker, id } = await withRunningTask(bench);
  await bench.answer(bench.control.stopJob('shop', { purge: false }));
  await bench.pass(100);
  assert.equal(stateOf(bench, id), 'running');
  worker.leave();
  await bench.pass(10_000);
  assert.equal(stateOf(bench, id), 'lost');
  assert.equal(bench.host.mirror.jobs.get('shop')?.status, 'stopped');
});
