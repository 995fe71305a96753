/** How a manager deals with its workers: who may join, whose word it takes, and what follows when one is not heard. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobSpec } from '../../src/core/job.ts';
import { taskStates, type ReportedState } from '../../src/core/task.ts';
import { batch, service } from '../sim/scripts.ts';
import { createManagerBench, report, type ManagerBench, type ScriptedWorker } from './manager-bench.ts';

async function submit(bench: ManagerBench, spec: JobSpec): Promise<void> {
  await bench.answer(bench.control.submit({ spec, origin: { kind: 'file' } }));
  await bench.pass(100);
}

async function joined(bench: ManagerBench, name: string): Promise<ScriptedWorker> {
  const worker = bench.worker(name);
  await bench.answer(worker.join());
  await bench.pass(50);
  return worker;
}

function nodeState(bench: ManagerBench, worker: ScriptedWorker): string | undefined {
  return bench.host.mirror.nodes.get(worker.id)?.state;
}

function tasksOn(bench: ManagerBench, worker: ScriptedWorker): string[] {
  return [...bench.host.mirror.tasks.values()].filter((task) => task.node === worker.id).map((task) => task.state);
}

test('a worker of another cluster, or of a protocol that is not spoken, is refused and told why', async () => {
  const bench = createManagerBench();
  await bench.start();
  for (const [greeting, why] of [
    [{ clusterId: 'another' }, /belongs to cluster another/],
    [{ protocolMin: 4, protocolMax: 5 }, /protocol versions 4 to 5/],
  ] as const) {
    const worker = bench.worker('w1');
    await bench.answer(worker.join(greeting));
    await bench.pass(100);
    const [answer] = worker.heard;
    assert.ok(answer?.type === 'refused' && answer.code === 'conflict');
    assert.match(answer.message, why);
    assert.equal(bench.host.mirror.nodes.size, 0);
  }
  const worker = await joined(bench, 'w1');
  const welcome = worker.heard.find((frame) => frame.type === 'welcome');
  assert.ok(welcome?.type === 'welcome');
  worker.leave();
  const again = bench.worker('w1');
  await bench.answer(again.join({ clusterId: welcome.clusterId }));
  await bench.pass(100);
  assert.equal(nodeState(bench, again), 'ready');
});

test('what comes before a greeting is not heard', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = await joined(bench, 'w1');
  await submit(bench, service('shop'));
  const [id] = worker.orders().keys();
  const other = bench.worker('w2');
  await bench.answer(other.join({ clusterId: 'another' }));
  other.send({ type: 'reports', reports: [report(id!, 1, 'failed')] });
  await bench.pass(100);
  assert.equal(bench.host.mirror.tasks.get(id!)?.state, 'scheduled');
});

test('a silent node gets nothing new, then is down, and is replaced elsewhere', async () => {
  const bench = createManagerBench();
  await bench.start();
  const first = await joined(bench, 'w1');
  await submit(bench, service('shop'));
  const second = await joined(bench, 'w2');
  first.silence();
  await bench.pass(3_500);
  assert.equal(nodeState(bench, first), 'suspect');
  await submit(bench, service('other', 'runs', 3));
  assert.deepEqual(tasksOn(bench, first), ['scheduled'], 'nothing new, nothing moved');
  assert.equal(tasksOn(bench, second).length, 3);
  await bench.pass(5_000);
  assert.equal(nodeState(bench, first), 'down');
  assert.deepEqual(tasksOn(bench, first), ['unreachable']);
  assert.equal(tasksOn(bench, second).length, 4);
});

test('after a change of leader a node that does not greet in time is down', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = await joined(bench, 'w1');
  await submit(bench, service('shop'));
  bench.host.kill();
  await bench.start();
  assert.equal(nodeState(bench, worker), 'joining');
  await bench.pass(bench.world.limits.takeoverDownMs - 500);
  assert.deepEqual(tasksOn(bench, worker), ['scheduled']);
  await bench.pass(1_000);
  assert.equal(nodeState(bench, worker), 'down');
  assert.deepEqual(tasksOn(bench, worker), ['unreachable']);
});

test('of two links of one node the newer counts', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = await joined(bench, 'w1');
  await bench.answer(worker.join());
  await bench.pass(100);
  assert.equal(worker.closed.length, 1);
  assert.match(worker.closed[0]!, /newer link/);
  await submit(bench, service('shop'));
  assert.equal(worker.orders().size, 1);
  assert.equal(nodeState(bench, worker), 'ready');
});

test('reports may skip states: each is taken from every earlier one', async () => {
  const states = taskStates.filter((state) => !['pending', 'scheduled', 'unreachable'].includes(state)) as ReportedState[];
  const ended = new Set<ReportedState>(['completed', 'failed', 'stopped', 'lost', 'rejected']);
  const bench = createManagerBench();
  await bench.start();
  const worker = await joined(bench, 'w1');
  for (const [at, before] of [undefined, ...states.filter((state) => !ended.has(state))].entries()) {
    await submit(bench, batch(`job-${at}`, 'completes:1', states.length));
    const mine = [...worker.orders().values()].filter(({ job }) => job === `job-${at}`);
    if (before !== undefined) worker.send({ type: 'reports', reports: mine.map(({ id }) => report(id, 1, before)) });
    worker.send({ type: 'reports', reports: mine.map(({ id }, index) => report(id, 2, states[index]!)) });
    await bench.pass(100);
    for (const [index, { id }] of mine.entries()) {
      assert.equal(bench.host.mirror.tasks.get(id)?.state, states[index], `${before ?? 'scheduled'} to ${states[index]}`);
    }
  }
});

test('a report that is older, of another’s task, or of one that has ended changes nothing and is acknowledged', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = await joined(bench, 'w1');
  await submit(bench, batch('crunch', 'completes:1', 2));
  const other = await joined(bench, 'w2');
  const [a, b] = [...worker.orders().keys()];
  worker.send({ type: 'reports', reports: [report(a!, 5, 'running'), report(b!, 5, 'completed')] });
  await bench.pass(100);
  worker.send({ type: 'reports', reports: [report(a!, 4, 'failed'), report(b!, 6, 'running')] });
  other.send({ type: 'reports', reports: [report(a!, 9, 'failed')] });
  await bench.pass(100);
  assert.deepEqual(
    [a, b].map((id) => bench.host.mirror.tasks.get(id!)?.state),
    ['running', 'completed'],
  );
  const acks = [...worker.heard, ...other.heard].flatMap((frame) => (frame.type === 'acks' ? frame.acks : []));
  for (const ack of [
    { id: a, sequence: 4 },
    { id: b, sequence: 6 },
    { id: a, sequence: 9 },
  ])
    assert.ok(acks.some(({ id, sequence }) => id === ack.id && sequence === ack.sequence));
});

test('a worker that asks for all gets all that should run there, and nothing that has ended', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = await joined(bench, 'w1');
  await submit(bench, batch('crunch', 'completes:1', 3));
  const ids = [...worker.orders().keys()];
  worker.send({ type: 'reports', reports: [report(ids[0]!, 1, 'completed')] });
  await bench.pass(100);
  worker.heard.length = 0;
  worker.send({ type: 'resync', revision: 0 });
  await bench.pass(100);
  const set = worker.heard.find((frame) => frame.type === 'assignments');
  assert.ok(set?.type === 'assignments');
  assert.deepEqual(set.orders.map(({ id }) => id).toSorted(), ids.slice(1).toSorted());
});

test('a task that waits for a place is stopped at once; one that is placed when its worker says so', async () => {
  const bench = createManagerBench();
  await bench.start();
  await submit(bench, service('waits'));
  await bench.answer(bench.control.stopJob('waits', { purge: false }));
  assert.equal(bench.host.mirror.jobs.get('waits')?.status, 'stopped');
  const worker = await joined(bench, 'w1');
  await submit(bench, service('runs'));
  await bench.answer(bench.control.stopJob('runs', { purge: false }));
  await bench.pass(100);
  const [id] = worker.orders().keys();
  assert.equal(worker.orders().get(id!)?.desired, 'stopped');
  assert.notEqual(bench.host.mirror.jobs.get('runs')?.status, 'stopped');
  worker.send({ type: 'reports', reports: [report(id!, 1, 'stopped')] });
  await bench.pass(100);
  assert.equal(bench.host.mirror.jobs.get('runs')?.status, 'stopped');
  await assert.rejects(bench.answer(bench.control.stopTask(id!)), { code: 'conflict' });
});

test('a service that failed is placed again after its delay, not before', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = await joined(bench, 'w1');
  await submit(bench, service('shop'));
  const [first] = worker.orders().keys();
  worker.send({ type: 'reports', reports: [report(first!, 1, 'failed', { exitCode: 1 })] });
  await bench.pass(900);
  assert.equal(worker.orders().size, 1);
  await bench.pass(300);
  assert.equal(worker.orders().size, 2);
});

test('a worker’s call is answered, and its errors are told with their codes', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = await joined(bench, 'w1');
  worker.send({ type: 'call', call: 7, what: { kind: 'stop', id: 'nobody' } });
  await bench.pass(100);
  const answer = worker.heard.find((frame) => frame.type === 'answer');
  assert.ok(answer?.type === 'answer');
  assert.deepEqual([answer.call, answer.ok, answer.code], [7, false, 'not-found']);
});

test('a manager that stops hangs up, and is heard by nobody after', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = await joined(bench, 'w1');
  const { control } = bench;
  const asked = bench.control.submit({ spec: service('shop'), origin: { kind: 'file' } });
  await bench.answer(asked);
  await bench.answer(bench.host.stop());
  await bench.pass(100);
  assert.equal(worker.closed.length, 1);
  assert.equal(control.ready(), false);
  await bench.start();
  assert.deepEqual([...bench.host.mirror.jobs.keys()], ['shop']);
});
