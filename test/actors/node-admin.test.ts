/** What people decide about nodes: removing them, keeping new tasks off, labels. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { parseConstraint } from '../../src/core/constraint-parse.ts';
import type { JobSpec } from '../../src/core/job.ts';
import type { NodeRecord } from '../../src/core/node.ts';
import { isFinal } from '../../src/core/task.ts';
import { service } from '../sim/scripts.ts';
import { createManagerBench, report, type ManagerBench, type ScriptedWorker } from './manager-bench.ts';

async function started(): Promise<ManagerBench> {
  const bench = createManagerBench();
  await bench.start();
  return bench;
}

async function joined(bench: ManagerBench, name: string, labels: Readonly<Record<string, string>> = {}): Promise<ScriptedWorker> {
  const worker = bench.worker(name);
  await bench.answer(worker.join({ facts: { ...worker.facts, labels } }));
  await bench.pass(50);
  return worker;
}

async function submit(bench: ManagerBench, spec: JobSpec): Promise<void> {
  await bench.answer(bench.control.submit({ spec, origin: { kind: 'file' } }));
  await bench.pass(100);
}

function tasksOn(bench: ManagerBench, worker: ScriptedWorker): string[] {
  return [...bench.host.mirror.tasks.values()].filter((task) => task.node === worker.id).map((task) => task.state);
}

function nodeOf(bench: ManagerBench, { id }: ScriptedWorker): NodeRecord | undefined {
  return bench.host.mirror.nodes.get(id);
}

async function refused(bench: ManagerBench, asked: Promise<unknown>, code: string, words: RegExp): Promise<void> {
  await assert.rejects(bench.answer(asked), (error: { code: string; message: string }) => {
    assert.equal(error.code, code);
    assert.match(error.message, words);
    return true;
  });
}

test('a connected node is not removed, nor one whose link broke a moment ago', async () => {
  const bench = await started();
  const worker = await joined(bench, 'w1');
  await refused(bench, bench.control.removeNode('w1'), 'conflict', /node w1 is connected; stop it first/);
  worker.leave();
  await bench.pass(50);
  await refused(bench, bench.control.removeNode('w1'), 'conflict', /heard a moment ago/);
  assert.equal(nodeOf(bench, worker)?.state, 'ready');
});

test('a node that is down or said goodbye is removed by name, id or the beginning of its id; others run its tasks', async () => {
  for (const how of ['down', 'away'] as const) {
    const bench = await started();
    const worker = await joined(bench, 'w1');
    await submit(bench, service('shop', 'runs', 2));
    for (const id of worker.orders().keys()) worker.send({ type: 'reports', reports: [report(id, 1, 'running')] });
    const other = await joined(bench, 'w2');
    if (how === 'away') worker.send({ type: 'bye', backMs: 600_000 });
    await bench.pass(50);
    worker.leave();
    await bench.pass(how === 'down' ? 10_000 : 50);
    assert.equal(nodeOf(bench, worker)?.state, how);
    const removed = await bench.answer(bench.control.removeNode(how === 'down' ? 'w1' : worker.id));
    assert.deepEqual([removed.name, removed.state], ['w1', how]);
    await bench.pass(200);
    assert.equal(nodeOf(bench, worker), undefined);
    assert.deepEqual(tasksOn(bench, worker), ['lost', 'lost']);
    assert.equal(tasksOn(bench, other).length, 2);
    assert.deepEqual(
      (await bench.answer(bench.control.nodes())).map(({ name }) => name),
      ['w2'],
    );
    await refused(bench, bench.control.removeNode('w1'), 'not-found', /no node "w1"/);
    // No deadline of it is left that could bring it back.
    await bench.pass(120_000);
    assert.equal(nodeOf(bench, worker), undefined);
  }
});

test('a node that hangs, its link still open, is removed when it is down; what it says later is not heard', async () => {
  const bench = await started();
  const worker = await joined(bench, 'w1');
  await submit(bench, service('shop'));
  const [id] = worker.orders().keys();
  worker.silence();
  await bench.pass(10_000);
  assert.equal(nodeOf(bench, worker)?.state, 'down');
  await bench.answer(bench.control.removeNode('w1'));
  worker.send({ type: 'beat', usage: null });
  worker.send({ type: 'reports', reports: [report(id!, 9, 'running')] });
  await bench.pass(200);
  assert.equal(nodeOf(bench, worker), undefined);
  assert.equal(bench.host.mirror.tasks.get(id!)?.state, 'lost');
  assert.equal(worker.closed.length, 1);
});

test('a removed node stays removed for a manager that is started anew', async () => {
  const bench = await started();
  const worker = await joined(bench, 'w1');
  worker.leave();
  await bench.pass(10_000);
  await bench.answer(bench.control.removeNode('w1'));
  bench.host.kill();
  await bench.start();
  assert.deepEqual(await bench.answer(bench.control.nodes()), []);
});

test('a removed node that greets again is a new one: it may get tasks, is labelled as it says, and ends what is lost', async () => {
  const bench = await started();
  const worker = await joined(bench, 'w1', { disk: 'hdd' });
  await submit(bench, service('shop'));
  const [lost] = worker.orders().keys();
  await bench.answer(bench.control.setEligible('w1', false));
  await bench.answer(bench.control.setLabels('w1', { set: { disk: 'ssd' }, remove: [] }));
  worker.leave();
  await bench.pass(10_000);
  await bench.answer(bench.control.removeNode('w1'));
  const again = bench.worker('w1');
  await bench.answer(again.join({ facts: { ...again.facts, labels: { disk: 'hdd' } }, reports: [report(lost!, 3, 'running')] }));
  await bench.pass(100);
  const node = nodeOf(bench, again)!;
  assert.deepEqual([node.state, node.eligible, node.labels, node.labelsSet], ['ready', true, { disk: 'hdd' }, undefined]);
  assert.equal(again.verdicts().get(lost!), 'stop');
  assert.equal([...bench.host.mirror.tasks.values()].filter((task) => !isFinal(task)).length, 1);
});

test('a node that may get nothing new keeps what it has, and gets more when it may again', async () => {
  const bench = await started();
  const worker = await joined(bench, 'w1');
  await submit(bench, service('shop'));
  assert.equal((await bench.answer(bench.control.setEligible('w1', false))).eligible, false);
  await submit(bench, service('late'));
  assert.deepEqual(tasksOn(bench, worker), ['scheduled']);
  // It holds over the node's restarts.
  await bench.answer(worker.join());
  await bench.pass(100);
  assert.equal(nodeOf(bench, worker)?.eligible, false);
  assert.deepEqual(tasksOn(bench, worker), ['scheduled']);
  await bench.answer(bench.control.setEligible('w1', true));
  await bench.pass(100);
  assert.deepEqual(tasksOn(bench, worker), ['scheduled', 'scheduled']);
});

test('labels that are set or removed hold over the node’s restarts, whatever it says itself; others follow what it says', async () => {
  const bench = await started();
  const worker = await joined(bench, 'w1', { disk: 'hdd', zone: 'a', old: 'yes' });
  const set = await bench.answer(bench.control.setLabels('w1', { set: { disk: 'ssd', rack: '7' }, remove: ['old', 'never-there'] }));
  assert.deepEqual(set.labels, { disk: 'ssd', zone: 'a', rack: '7' });
  await bench.answer(worker.join({ facts: { ...worker.facts, labels: { disk: 'nvme', zone: 'b', old: 'still', rack: '8' } } }));
  await bench.pass(50);
  assert.deepEqual(nodeOf(bench, worker)?.labels, { disk: 'ssd', zone: 'b', rack: '7' });
  const back = await bench.answer(bench.control.setLabels('w1', { set: { old: 'new' }, remove: ['rack'] }));
  assert.deepEqual(back.labels, { disk: 'ssd', zone: 'b', old: 'new' });
});

test('a label lets a waiting task have its place', async () => {
  const bench = await started();
  const worker = await joined(bench, 'w1');
  const spec = service('shop');
  const read = parseConstraint('label.disk == ssd');
  assert.ok('value' in read);
  const constraints = [read.value];
  const tasks = Object.fromEntries(Object.entries(spec.tasks).map(([name, task]) => [name, { ...task, constraints }]));
  await submit(bench, { ...spec, tasks });
  assert.deepEqual(tasksOn(bench, worker), []);
  await bench.answer(bench.control.setLabels('w1', { set: { disk: 'ssd' }, remove: [] }));
  await bench.pass(100);
  assert.deepEqual(tasksOn(bench, worker), ['scheduled']);
});

test('odd labels are refused, and nothing is changed', async () => {
  const bench = await started();
  const worker = await joined(bench, 'w1', { a: '1' });
  const { nodeLabelsMax } = bench.world.limits;
  const many = Object.fromEntries(Array.from({ length: nodeLabelsMax + 1 }, (_, at) => [`l${at}`, 'x']));
  for (const [change, words] of [
    [{ set: {}, remove: [] }, /no label to set/],
    [{ set: { '': 'x' }, remove: [] }, /no name/],
    [{ set: { a: 'x' }, remove: ['a'] }, /label a is named twice/],
    [{ set: { a: 'x'.repeat(1_000) }, remove: [] }, /longer than the/],
    [{ set: many, remove: [] }, /and no more/],
  ] as const) {
    await refused(bench, bench.control.setLabels('w1', change), 'usage', words);
  }
  await refused(bench, bench.control.setLabels('nope', { set: { a: '2' }, remove: [] }), 'not-found', /no node "nope"/);
  assert.deepEqual(nodeOf(bench, worker)?.labels, { a: '1' });
});

test('of several nodes whose ids begin alike, the beginning names none', async () => {
  const bench = await started();
  for (const name of ['w1', 'w2']) {
    const worker = bench.worker(name, `same-${name}`);
    await bench.answer(worker.join());
  }
  await bench.pass(50);
  await refused(bench, bench.control.setEligible('same', false), 'conflict', /2 nodes: w1, w2/);
  assert.equal((await bench.answer(bench.control.setEligible('same-w2', false))).name, 'w2');
});
