/** Processes that die at every one of their steps, disks that say no, and clean ends. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { WriteFault } from '../../src/store/disk.ts';
import { startCluster, type Cluster } from './cluster.ts';
import type { Host } from './hosts.ts';
import { batch, service } from './scripts.ts';

const shop = service('shop', 'slow:20', 2);
const crunch = batch('crunch', 'completes:100', 2);

/** Asks until the answer is heard, as a user does. */
async function insist(cluster: Cluster, ask: () => Promise<{ readonly ok: boolean; readonly code?: string }>): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    const answer = await cluster.finish(ask());
    if (answer.ok) return;
    assert.ok(['unreachable', 'store-failed', 'not-leading'].includes(answer.code!), answer.code);
    await cluster.pass(500);
  }
  assert.fail('never answered');
}

/** Hosts come back a moment after they died. */
function supervise(cluster: Cluster, hosts: readonly Host[]): void {
  const look = (): void => {
    for (const host of hosts) cluster.keepStarting(host);
    cluster.world.clock.setTimeout(look, 100);
  };
  look();
}

/** Two jobs come and one goes, while somebody dies at the given step. @returns whether there was such a step */
async function lifeWithDeath(seed: number, at: number, dies: (cluster: Cluster) => readonly Host[]): Promise<boolean> {
  const cluster = await startCluster({ seed, writeMs: [1, 4] });
  const victims = dies(cluster);
  let left = at;
  cluster.world.diesAt = ({ process }) => {
    if (!victims.some(({ name }) => name === process) || --left !== 0) return false;
    for (const { name, kill } of victims) if (name !== process) kill();
    return true;
  };
  supervise(cluster, cluster.hosts);
  await insist(cluster, () => cluster.submit(shop));
  await insist(cluster, () => cluster.submit(crunch));
  await cluster.settled();
  const { engine } = cluster.host('w1');
  assert.deepEqual([...engine.containers.values()].map(({ work }) => `${work.order.slot} ${work.attempt}`).toSorted(), [
    'crunch/main.1 1',
    'crunch/main.2 1',
    'shop/main.1 1',
    'shop/main.2 1',
  ]);
  assert.equal(cluster.manager.mirror.tasks.size, 4);
  await insist(cluster, () => cluster.stop('shop'));
  await cluster.settled();
  assert.equal(engine.running().length, 0);
  return left <= 0;
}

for (const [who, dies, stride, leastSteps] of [
  ['the manager', (cluster: Cluster) => [cluster.manager], 1, 30],
  ['the worker', (cluster: Cluster) => cluster.workers, 1, 50],
  ['the manager and the worker together', (cluster: Cluster) => cluster.hosts, 3, 80],
] as const) {
  test(`${who} may die at any step: nothing accepted is lost, and nothing runs twice`, async () => {
    let step = 1;
    while (await lifeWithDeath(step, step, dies)) step += stride;
    assert.ok(step > leastSteps, `there were ${step} steps`);
  });
}

for (const fault of ['refused', 'unanswered'] satisfies WriteFault[]) {
  test(`a write of the manager that is ${fault}, whichever it is: who waits hears 503, and it goes on from its disk`, async () => {
    let [write, refusals] = [1, 0];
    for (let more = true; more; write++) {
      const cluster = await startCluster({ seed: write });
      let left = write;
      cluster.world.writeFault = (process) => (process === 'm1' && --left === 0 ? fault : undefined);
      for (const spec of [shop, crunch]) {
        const answer = await cluster.finish(cluster.submit(spec));
        if (answer.ok) continue;
        assert.equal(answer.code, 'store-failed');
        refusals++;
        await insist(cluster, () => cluster.submit(spec));
      }
      await cluster.settled();
      assert.equal(cluster.host('w1').engine.containers.size, 4);
      more = left <= 0;
    }
    assert.ok(write > 8, `there were ${write} writes`);
    assert.ok(refusals > 0, 'a user met it');
  });
}

test('a failed write refuses all who wait, and those who ask before it leads again', async () => {
  const cluster = await startCluster({ seed: 1, writeMs: [50, 50] });
  const asked = [1, 2, 3].map((at) => cluster.submit(service(`job-${at}`)));
  cluster.world.writeFault = () => 'refused';
  const answers = await cluster.finish(Promise.all(asked));
  assert.deepEqual(
    answers.map((answer) => answer.ok || answer.code),
    ['store-failed', 'store-failed', 'store-failed'],
  );
  assert.deepEqual(await cluster.finish(cluster.status()), { ok: false, code: 'not-leading' });
  cluster.world.writeFault = () => undefined;
  await cluster.settled();
  assert.equal(cluster.manager.mirror.jobs.size, 0);
  await cluster.until('the worker has seen the new leadership', () => cluster.host('w1').role!.desk.book.seen.epoch?.revision === 2, 5_000);
});

test('a manager whose disk says no for a while leads when it says yes', async () => {
  const cluster = await startCluster({ seed: 1 });
  cluster.world.writeFault = (process) => (process === 'm1' ? 'refused' : undefined);
  assert.equal((await cluster.finish(cluster.submit(shop))).ok, false);
  await cluster.pass(10_000);
  assert.equal(cluster.leads, false);
  cluster.world.writeFault = () => undefined;
  await insist(cluster, () => cluster.submit(shop));
  await cluster.settled();
});

test('a worker whose disk says no goes on, and its disk holds all once it says yes', async () => {
  const cluster = await startCluster({ seed: 1 });
  const worker = cluster.host('w1');
  await cluster.pass(100);
  cluster.world.writeFault = (process) => (process === 'w1' ? 'refused' : undefined);
  assert.ok((await cluster.finish(cluster.submit(shop))).ok);
  await cluster.settled();
  cluster.world.writeFault = () => undefined;
  assert.ok((await cluster.finish(cluster.submit(crunch))).ok);
  await cluster.settled();
  worker.kill();
  await cluster.start(worker);
  const { entries } = worker.role!.desk.book;
  assert.equal(entries.size, 4);
  await cluster.settled();
  assert.equal(worker.engine.containers.size, 4);
});

test('a clean end and a new start leave containers alone, and move nothing', async () => {
  const cluster = await startCluster({ seed: 1, workers: ['w1', 'w2'] });
  assert.ok((await cluster.finish(cluster.submit(service('shop', 'runs', 4)))).ok);
  await cluster.settled();
  const running = cluster.running();
  for (const host of [cluster.host('w1'), cluster.manager]) {
    await cluster.finish(host.stop());
    await cluster.pass(15_000);
    assert.deepEqual(cluster.running(), running);
    await cluster.start(host);
    await cluster.settled();
  }
  for (const host of [cluster.host('w2'), cluster.manager]) await cluster.finish(host.stop());
  await cluster.start(cluster.manager, cluster.host('w2'));
  await cluster.settled();
  assert.deepEqual(cluster.running(), running);
  assert.equal(cluster.tasksOf('shop').length, 4);
});

test('a worker that is stopped with its tasks stops them, and has them placed elsewhere', async () => {
  const cluster = await startCluster({ seed: 1, workers: ['w1', 'w2'] });
  assert.ok((await cluster.finish(cluster.submit(service('shop', 'lingers:300', 4)))).ok);
  await cluster.settled();
  await cluster.finish(cluster.host('w1').stop(true));
  assert.equal(cluster.host('w1').engine.running().length, 0);
  await cluster.until('all run on the other', () => cluster.host('w2').engine.running().length === 4, 10_000);
});
