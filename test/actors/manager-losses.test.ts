/** A manager whose store has lost what it acknowledged: what runs is kept, known again where it can be, and never started twice. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Epoch } from '../../src/core/events.ts';
import type { Holding, Order, TaskRecord } from '../../src/core/task.ts';
import { createCodec } from '../../src/store/codec.ts';
import { service } from '../sim/scripts.ts';
import { createManagerBench, report, type ManagerBench, type ScriptedWorker } from './manager-bench.ts';

async function submit(bench: ManagerBench, name: string, count = 2): Promise<void> {
  await bench.answer(bench.control.submit({ spec: service(name, 'runs', count), origin: { kind: 'file' } }));
  await bench.pass(100);
}

async function joined(bench: ManagerBench): Promise<ScriptedWorker> {
  const worker = bench.worker('w1');
  await bench.answer(worker.join());
  await bench.pass(100);
  return worker;
}

function holding({ id, job, task, index, version, desired, specHash, ports }: Order): Holding {
  return { id, job, task, index, version, desired, specHash, ports };
}

/** A worker's greeting with all that it was ordered so far, running. */
function rejoin(worker: ScriptedWorker, epoch: Epoch | null, orders = [...worker.orders().values()]): Promise<void> {
  const reports = orders.map(({ id }) => report(id, 7, 'running', { containerId: `c-${id}` }));
  return worker.join({ clusterId: null, epoch, revision: 1, reports, holds: orders.map(holding) });
}

/** Kills the manager, harms its disk, and starts it again. */
async function restart(bench: ManagerBench, worker: ScriptedWorker, harm: () => void = () => undefined): Promise<void> {
  worker.silence();
  bench.host.kill();
  harm();
  await bench.start();
}

function flip(bench: ManagerBench, ...keys: readonly string[]): void {
  for (const key of keys) {
    bench.host.disk.tamper(key, (bytes) => {
      const copy = Buffer.from(bytes!);
      copy[10]! ^= 1;
      return copy;
    });
  }
}

function said(bench: ManagerBench, pattern: RegExp): number {
  return bench.world.lines.filter(({ message }) => pattern.test(message)).length;
}

async function tasks(bench: ManagerBench): Promise<readonly TaskRecord[]> {
  return (await bench.answer(bench.control.status())).tasks;
}

async function nodeReason(bench: ManagerBench): Promise<string | undefined> {
  return (await bench.answer(bench.control.nodes()))[0]?.reason;
}

function epochOf(worker: ScriptedWorker): Epoch {
  const set = worker.heard.findLast((frame) => frame.type === 'assignments');
  assert.ok(set?.type === 'assignments');
  return set.epoch;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

const first: Epoch = { generation: 1, revision: 1 };

test('a damaged task record is rebuilt from what its node holds, and its slot gets no second task', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = await joined(bench);
  await submit(bench, 'shop');
  const [lost, kept] = [...worker.orders().keys()];
  await restart(bench, worker, () => flip(bench, `task:${lost}`));
  assert.equal(said(bench, /the store is damaged: the record task\/.* has a wrong checksum/), 1);
  // Nothing is made for the slot before the nodes have told what they hold.
  await bench.pass(1_000);
  assert.deepEqual(
    (await tasks(bench)).map(({ id }) => id),
    [kept],
  );
  await bench.answer(rejoin(worker, first));
  await bench.pass(20_000);
  const now = await tasks(bench);
  assert.deepEqual(
    now.map(({ id, state, containerId }) => `${id} ${state} ${containerId}`).toSorted(byText),
    [lost, kept].map((id) => `${id} running c-${id}`).toSorted(byText),
  );
  assert.deepEqual([worker.orders().size, worker.verdicts().size], [2, 0]);
  assert.deepEqual(epochOf(worker), { generation: 2, revision: 2 });
  assert.equal(await nodeReason(bench), undefined);
});

test('a slot whose task nobody holds is filled again, when the nodes had their time', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = await joined(bench);
  await submit(bench, 'shop', 1);
  const [lost] = worker.orders().keys();
  await restart(bench, worker, () => flip(bench, `task:${lost}`));
  await bench.answer(rejoin(worker, first, []));
  await bench.pass(1_000);
  assert.deepEqual(await tasks(bench), []);
  await bench.pass(bench.world.limits.takeoverDownMs);
  assert.deepEqual(
    (await tasks(bench)).map(({ state }) => state),
    ['scheduled'],
  );
});

test('damage that was told once is no new loss at the next start', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = await joined(bench);
  await submit(bench, 'shop');
  await restart(bench, worker, () => flip(bench, 'version:shop/00000001'));
  await restart(bench, worker);
  await bench.answer(rejoin(worker, { generation: 2, revision: 2 }));
  await bench.pass(100);
  assert.equal(said(bench, /the store is damaged/), 1);
  assert.deepEqual(epochOf(worker), { generation: 2, revision: 3 });
});

test('a task that the records hold for not placed is known again where it runs', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = await joined(bench);
  await submit(bench, 'shop', 1);
  const [order] = worker.orders().values();
  const before = await tasks(bench);
  const { node: _node, nodeName: _name, ...unplaced } = before[0]!;
  await restart(bench, worker, () => {
    flip(bench, 'version:shop/00000001');
    const older = { ...unplaced, state: 'pending', sequence: 0, ports: [] };
    bench.host.disk.tamper(`task:${order!.id}`, () => createCodec().encode('task', order!.id, older, 3));
  });
  await bench.answer(rejoin(worker, first));
  await bench.pass(10_000);
  assert.deepEqual(
    (await tasks(bench)).map(({ id, state, node }) => [id, state, node]),
    [[order!.id, 'running', worker.id]],
  );
  assert.deepEqual([...worker.verdicts()], []);
});

test('tasks of a job that is lost are kept, shown and named, over every later greeting, until the job is submitted again', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = await joined(bench);
  await submit(bench, 'shop');
  const ids = [...worker.orders().keys()].toSorted(byText);
  await restart(bench, worker, () => flip(bench, 'job:shop', ...ids.map((id) => `task:${id}`)));
  await bench.answer(rejoin(worker, first));
  await bench.pass(10_000);
  assert.deepEqual(
    [...worker.verdicts()].toSorted(([a], [b]) => byText(a, b)),
    ids.map((id) => [id, 'adopt']),
  );
  assert.match((await nodeReason(bench))!, /^keeps shop\/main\.1 \(.{8}\) and shop\/main\.2 \(.{8}\), which the records do not know$/);
  const shown = await tasks(bench);
  assert.deepEqual(
    shown.map(({ slot, state, reason }) => [slot, state, /do not know it/.test(reason!)]),
    [
      ['shop/main.1', 'running', true],
      ['shop/main.2', 'running', true],
    ],
  );
  assert.equal(said(bench, /2 tasks that the records do not know run on and are kept/), 1);

  worker.leave();
  await bench.pass(100);
  const adopted = worker.join({
    epoch: { generation: 2, revision: 2 },
    revision: 1,
    adopted: ids,
    holds: [...worker.orders().values()].map(holding),
  });
  await bench.answer(adopted);
  await bench.pass(100);
  assert.deepEqual(
    [...worker.verdicts()].toSorted(([a], [b]) => byText(a, b)),
    ids.map((id) => [id, 'adopt']),
  );

  await submit(bench, 'shop');
  await bench.pass(10_000);
  assert.deepEqual((await tasks(bench)).map(({ id }) => id).toSorted(), ids);
  assert.deepEqual([worker.orders().size, await nodeReason(bench)], [2, undefined]);
});

test('a slot with a task of unknown make gets no other beside it, until that has ended', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = await joined(bench);
  await submit(bench, 'shop', 1);
  const [old] = worker.orders().keys();
  await restart(bench, worker, () => flip(bench, 'job:shop', 'version:shop/00000001', `task:${old}`));
  await bench.answer(rejoin(worker, first));
  const other = { ...service('shop', 'runs', 1), labels: { now: 'another' } };
  await bench.answer(bench.control.submit({ spec: other, origin: { kind: 'file' } }));
  await bench.pass(20_000);
  assert.deepEqual(
    (await tasks(bench)).map(({ id }) => id),
    [old],
  );
  worker.send({ type: 'reports', reports: [report(old!, 9, 'failed', { exitCode: 1 })] });
  await bench.pass(1_000);
  const now = await tasks(bench);
  assert.deepEqual(
    now.map(({ id, state }) => [id === old, state]),
    [[false, 'scheduled']],
  );
});

test('a container of which only the labels are left holds its slot, too', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = await joined(bench);
  await submit(bench, 'shop', 1);
  const [old] = worker.orders().keys();
  await restart(bench, worker, () => flip(bench, `task:${old}`));
  await bench.answer(worker.join({ epoch: null, unknown: [{ id: old!, running: true, slot: 'shop/main.1' }] }));
  await bench.pass(20_000);
  assert.deepEqual(
    (await tasks(bench)).map(({ id, slot }) => [id, slot]),
    [[old, 'shop/main.1']],
  );
  assert.deepEqual([...worker.verdicts()], [[old, 'adopt']]);
  await bench.answer(bench.control.stopTask('shop/main.1'));
  await bench.pass(1_000);
  assert.deepEqual([...worker.verdicts()], [[old, 'stop']]);
  assert.deepEqual(
    (await tasks(bench)).map(({ id, state }) => [id === old, state]),
    [[false, 'scheduled']],
  );
});

test('without a loss what the manager never ordered is still to be stopped', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join({ epoch: first, unknown: [{ id: 'x', running: true, slot: 'shop/main.1' }] }));
  await bench.pass(100);
  assert.deepEqual([[...worker.verdicts()], await tasks(bench)], [[['x', 'stop']], []]);
});

test('a worker that has seen a later epoch than the store knows makes the manager begin above it', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join({ epoch: { generation: 4, revision: 2 }, unknown: [{ id: 'x', running: true }] }));
  await bench.pass(3_000);
  assert.deepEqual(
    worker.heard.filter(({ type }) => type !== 'beat'),
    [],
  );
  await bench.answer(worker.join({ epoch: { generation: 4, revision: 2 }, unknown: [{ id: 'x', running: true }] }));
  await bench.pass(100);
  assert.deepEqual([epochOf(worker).generation, [...worker.verdicts()]], [5, [['x', 'adopt']]]);
});

test('a manager that has lost which cluster it is of does not begin another', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = await joined(bench);
  bench.host.kill();
  flip(bench, 'meta:identity');
  await assert.rejects(bench.start(), /has lost which cluster it is of .*`cube restore/);
  assert.equal(worker.orders().size, 0);
});
