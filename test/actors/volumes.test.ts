/** Claims: on which node the data of a slot is, from its first placement until a user lets it go. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { CubeError } from '../../src/core/errors.ts';
import type { JobSpec, TaskSpec, VolumeSpec } from '../../src/core/job.ts';
import { isFinal } from '../../src/core/task.ts';
import { service } from '../sim/scripts.ts';
import { createManagerBench, report, type ManagerBench, type ScriptedWorker } from './manager-bench.ts';

const data: VolumeSpec = { name: 'data-${CUBE_INDEX}', path: '/data', readOnly: false };

function db(count = 1, more: Partial<TaskSpec> = {}, name = 'shop'): JobSpec {
  return service(name, 'runs', count, { volumes: [data], ...more });
}

/** A manager with workers that know volumes, and do what they are told when `rest` is called. */
async function withWorkers(names: readonly string[]) {
  const bench = createManagerBench();
  await bench.start();
  const workers = new Map<string, ScriptedWorker>();
  const join = async (name: string, id?: string): Promise<ScriptedWorker> => {
    const worker = bench.worker(name, id);
    await bench.answer(worker.join({ facts: { ...worker.facts, features: ['volumes', 'files'], mounts: [] } }));
    workers.set(name, worker);
    return worker;
  };
  for (const name of names) await join(name);
  const told = new Map<string, number>();
  const obey = (worker: ScriptedWorker): boolean => {
    const fresh = [...worker.orders().values()].filter(({ id, desired }) => told.get(id) !== (desired === 'running' ? 1 : 2));
    for (const { id, desired } of fresh) {
      told.set(id, desired === 'running' ? 1 : 2);
      worker.send({ type: 'reports', reports: [report(id, told.get(id)!, desired === 'running' ? 'running' : 'stopped')] });
    }
    return fresh.length > 0;
  };
  const rest = async (): Promise<void> => {
    do await bench.pass(100);
    while ([...workers.values()].map(obey).includes(true));
  };
  return { bench, workers, join, rest };
}

async function submit(bench: ManagerBench, spec: JobSpec): Promise<void> {
  await bench.answer(bench.control.submit({ spec, origin: { kind: 'file' } }));
}

/** Where the live tasks of a job are, by slot. */
async function placesOf(bench: ManagerBench, job: string): Promise<Record<string, string | undefined>> {
  const { tasks } = await bench.answer(bench.control.status({ job }));
  return Object.fromEntries(tasks.filter((task) => !isFinal(task)).map((task) => [task.slot, task.nodeName]));
}

async function claims(bench: ManagerBench): Promise<readonly unknown[]> {
  const all = await bench.answer(bench.control.volumes());
  return all.map(({ slot, nodeName, volumes, isInUse, isNodeGone }) => [slot, nodeName, volumes.join(), isInUse, isNodeGone]);
}

const refused = (code: string, message: RegExp) => (error: CubeError) => {
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

test('a slot goes back to the node that has its data, over stops, purges and other load, while free slots go elsewhere', async () => {
  const { bench, rest } = await withWorkers(['w1', 'w2', 'w3']);
  await submit(bench, db(3));
  await rest();
  const places = await placesOf(bench, 'shop');
  assert.equal(new Set(Object.values(places)).size, 3, 'they spread at first');
  assert.deepEqual(
    (await claims(bench)).toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
    Object.entries(places).map(([slot, node]) => [slot, node, `shop_data-${slot.at(-1)}`, true, false]),
  );
  await bench.answer(bench.control.stopJob('shop', { purge: true }));
  await rest();
  assert.equal((await claims(bench)).length, 3, 'they are kept when the job is forgotten');
  const full = places['shop/main.2']!;
  await submit(
    bench,
    service('load', 'runs', 5, { constraints: [{ text: `name == ${full}`, attribute: 'name', operator: '==', values: [full] }] }),
  );
  await rest();
  await submit(bench, db(3));
  await rest();
  assert.deepEqual(await placesOf(bench, 'shop'), places);
});

test('a slot whose node is down waits for it and says so, and goes elsewhere only when it is let go', async () => {
  const { bench, workers, rest } = await withWorkers(['w1', 'w2']);
  await submit(bench, db());
  await rest();
  const [home] = Object.values(await placesOf(bench, 'shop'));
  await bench.answer(bench.control.stopJob('shop', { purge: false }));
  await rest();
  workers.get(home!)!.leave();
  workers.delete(home!);
  await bench.pass(20_000);
  await bench.answer(bench.control.startJob('shop'));
  await rest();
  const waiting = (await bench.answer(bench.control.status({ job: 'shop' }))).tasks.find((task) => task.state === 'pending');
  assert.match(waiting!.reason!, new RegExp(`its volume data is on node ${home}`));
  const { nodes } = await bench.answer(bench.control.explain('shop/main.1'));
  assert.deepEqual(
    nodes.map(({ node, filter }) => [node, filter]).toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
    [
      [home, 'state'],
      [home === 'w1' ? 'w2' : 'w1', 'volume'],
    ].toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
  );
  const released = await bench.answer(bench.control.releaseVolume('shop/main.1'));
  assert.equal(released.nodeName, home);
  await rest();
  const places = await placesOf(bench, 'shop');
  assert.notEqual(places['shop/main.1'], home);
  assert.ok(places['shop/main.1']);
  assert.deepEqual(await claims(bench), [['shop/main.1', places['shop/main.1'], 'shop_data-1', true, false]], 'it has a new home');
});

test('what a task may be using is not let go, and what is not there is not found', async () => {
  const { bench, rest } = await withWorkers(['w1']);
  await submit(bench, db());
  await rest();
  const release = (slot: string) => bench.answer(bench.control.releaseVolume(slot));
  await assert.rejects(release('shop/main.1'), refused('conflict', /^shop\/main\.1 is running on w1/));
  await assert.rejects(release('shop/main.2'), refused('not-found', /no volume is kept for a slot "shop\/main\.2"/));
  await assert.rejects(release(''), refused('not-found', /""/));
  assert.equal((await claims(bench)).length, 1);
  await bench.answer(bench.control.stopJob('shop', { purge: false }));
  await assert.rejects(release('shop/main.1'), refused('conflict', /stopping|running/), 'while it stops it may be writing');
  await rest();
  await release('shop/main.1');
  assert.deepEqual(await claims(bench), []);
});

test('a task that is out of reach still holds its data', async () => {
  const { bench, workers, rest } = await withWorkers(['w1']);
  await submit(bench, db());
  await rest();
  workers.get('w1')!.leave();
  await bench.pass(20_000);
  await assert.rejects(bench.answer(bench.control.releaseVolume('shop/main.1')), (error: CubeError) => {
    assert.equal(error.code, 'conflict');
    assert.match(error.hint, /cube nodes rm w1/);
    return true;
  });
});

test('when the node was removed for good, the slot says how to go on, and goes on when it is let go', async () => {
  const { bench, workers, rest, join } = await withWorkers(['w1']);
  await submit(bench, db());
  await rest();
  workers.get('w1')!.leave();
  workers.delete('w1');
  await bench.pass(20_000);
  await bench.answer(bench.control.removeNode('w1'));
  await join('w2');
  await rest();
  const reasons = (await bench.answer(bench.control.status({ job: 'shop' }))).tasks.map(({ reason }) => reason ?? '');
  assert.ok(
    reasons.some((reason) => reason.includes('on node w1, which was removed; `cube volume release shop/main.1`')),
    reasons.join('\n'),
  );
  assert.deepEqual(await claims(bench), [['shop/main.1', 'w1', 'shop_data-1', false, true]]);
  await bench.answer(bench.control.releaseVolume('shop/main.1'));
  await rest();
  assert.deepEqual(await placesOf(bench, 'shop'), { 'shop/main.1': 'w2' });
});

test('a new leadership knows what the last one has written', async () => {
  const { bench, rest, join } = await withWorkers(['w1', 'w2']);
  await submit(bench, db(2));
  await rest();
  const before = await claims(bench);
  assert.equal(before.length, 2);
  await bench.answer(bench.control.stopJob('shop', { purge: true }));
  await rest();
  bench.host.kill();
  await bench.start();
  for (const name of ['w1', 'w2']) await join(name);
  await rest();
  await submit(bench, db(2));
  await rest();
  assert.deepEqual(await claims(bench), before);
});

test('a plan puts slots where their data is, and claims nothing', async () => {
  const { bench, rest } = await withWorkers(['w1', 'w2', 'w3']);
  await submit(bench, db(2));
  await rest();
  const places = await placesOf(bench, 'shop');
  await bench.answer(bench.control.stopJob('shop', { purge: true }));
  await rest();
  const before = await claims(bench);
  const planned = await bench.answer(bench.control.plan({ spec: db(4), origin: { kind: 'file' } }));
  const nodes = Object.fromEntries(planned.changes.map(({ slot, node }) => [slot, node ?? undefined]));
  assert.deepEqual({ ...nodes, ...places }, nodes, 'both old ones are where they were');
  assert.deepEqual(await claims(bench), before, 'those of the plan are not real');
  await submit(bench, db(4));
  await rest();
  assert.deepEqual(await placesOf(bench, 'shop'), nodes, 'the submit does what the plan said');
});

test('a task with volumes is not placed where Cube knows none, and host directories only where they are allowed', async () => {
  const bench = createManagerBench();
  await bench.start();
  const [old, plain, open] = ['old', 'plain', 'open'].map((name) => bench.worker(name));
  await bench.answer(old!.join());
  await bench.answer(plain!.join({ facts: { ...plain!.facts, features: [], mounts: ['/srv'] } }));
  await submit(bench, db());
  await bench.pass(500);
  const reasonOf = async (job: string) => (await bench.answer(bench.control.status({ job }))).tasks[0]!.reason;
  assert.equal(await reasonOf('shop'), '1 node: its version of Cube knows no volumes; 1 node: its runtime knows no volumes; Docker does');
  await bench.answer(open!.join({ facts: { ...open!.facts, features: ['volumes'], mounts: ['/srv'] } }));
  await bench.pass(500);
  assert.deepEqual(await placesOf(bench, 'shop'), { 'shop/main.1': 'open' });
  const mounting = (hostPath: string) => service('host', 'runs', 1, { volumes: [{ hostPath, path: '/in', readOnly: true }] });
  await submit(bench, mounting('/etc'));
  await bench.pass(500);
  assert.match((await reasonOf('host'))!, /does not allow \/etc \(cube up --allow-mount \/etc\)/);
  await submit(bench, mounting('/srv/x'));
  await bench.pass(500);
  assert.equal((await placesOf(bench, 'host'))['host/main.1'], 'open');
  assert.deepEqual((await claims(bench)).length, 1, 'a directory of the host is no claim');
});

test('a job whose volumes left its file goes anywhere, and finds its data again when they come back', async () => {
  const { bench, rest } = await withWorkers(['w1', 'w2']);
  await submit(bench, db());
  await rest();
  const [before] = await claims(bench);
  await submit(bench, db(1, { volumes: [] }));
  await rest();
  const [kept] = await claims(bench);
  assert.deepEqual((kept as unknown[]).slice(0, 3), (before as unknown[]).slice(0, 3));
  await submit(bench, db());
  await rest();
  assert.deepEqual(await claims(bench), [before]);
});

test('a node that joined anew under its name has the data still; one of another name has not', async () => {
  const { bench, workers, rest, join } = await withWorkers(['w1']);
  await submit(bench, db());
  await rest();
  await bench.answer(bench.control.stopJob('shop', { purge: false }));
  await rest();
  workers.get('w1')!.leave();
  await bench.pass(20_000);
  await join('w1', 'node-w1-anew');
  await join('w2');
  assert.deepEqual(await claims(bench), [['shop/main.1', 'w1', 'shop_data-1', false, false]]);
  await bench.answer(bench.control.startJob('shop'));
  await rest();
  assert.deepEqual(await placesOf(bench, 'shop'), { 'shop/main.1': 'w1' });
});
