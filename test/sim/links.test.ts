/** Links that break, nodes that go and return, and workers that are not who they say. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startCluster, type Cluster } from './cluster.ts';
import { createWorkerHost } from './hosts.ts';
import { batch, service } from './scripts.ts';

async function withJob(seed: number, workers: readonly string[], count: number): Promise<Cluster> {
  const cluster = await startCluster({ seed, workers });
  const answer = await cluster.finish(cluster.submit(service('shop', 'runs', count)));
  assert.ok(answer.ok);
  await cluster.settled();
  return cluster;
}

function nodeState(cluster: Cluster, name: string): string | undefined {
  return [...cluster.manager.mirror.nodes.values()].find((node) => node.name === name)?.state;
}

for (const dials of ['workers', 'manager'] as const) {
  test(`a link that breaks is dialled anew, and nothing moves (the ${dials} dial)`, async () => {
    const cluster = await startCluster({ seed: 1, workers: ['w1', 'w2'], dials });
    assert.ok((await cluster.finish(cluster.submit(service('shop', 'runs', 4)))).ok);
    await cluster.settled();
    const running = cluster.running();
    for (let cut = 0; cut < 5; cut++) {
      assert.equal(cluster.world.network.drop('w1'), 1);
      await cluster.pass(700);
    }
    await cluster.settled();
    assert.deepEqual(cluster.running(), running);
    assert.equal(cluster.tasksOf('shop').length, 4);
    assert.ok(cluster.manager.mirror.events.every(({ to }) => to !== 'suspect' && to !== 'down'));
  });
}

test('what happens behind a cut is told when it is mended', async () => {
  const cluster = await startCluster({ seed: 2 });
  assert.ok((await cluster.finish(cluster.submit(batch('crunch', 'completes:3000', 3)))).ok);
  await cluster.until('they run', () => cluster.jobStatus('crunch') === 'running', 5_000);
  cluster.world.network.partition('m1', 'w1');
  await cluster.pass(6_000);
  assert.equal(cluster.running().length, 0);
  assert.equal(cluster.jobStatus('crunch'), 'running');
  cluster.world.network.heal();
  await cluster.settled();
  assert.equal(cluster.jobStatus('crunch'), 'completed');
  assert.equal(cluster.host('w1').engine.containers.size, 3);
});

test('orders that were lost on the way come with the full set of the next link', async () => {
  const cluster = await startCluster({ seed: 3 });
  cluster.world.network.silence('m1', 'w1');
  assert.ok((await cluster.finish(cluster.submit(service('shop', 'runs', 2)))).ok);
  await cluster.pass(500);
  cluster.world.network.silence('m1', 'w1', false);
  assert.equal(cluster.running().length, 0);
  cluster.world.network.drop('w1');
  await cluster.settled();
  assert.equal(cluster.running().length, 2);
});

test('orders that were lost on the way are noticed by the next ones', async () => {
  const cluster = await startCluster({ seed: 4 });
  cluster.world.network.silence('m1', 'w1');
  assert.ok((await cluster.finish(cluster.submit(service('shop', 'runs', 2)))).ok);
  await cluster.pass(500);
  cluster.world.network.silence('m1', 'w1', false);
  assert.ok((await cluster.finish(cluster.submit(service('other')))).ok);
  await cluster.settled();
  assert.equal(cluster.running().length, 3);
});

test('a blip shorter than five seconds moves nothing', async () => {
  const cluster = await withJob(5, ['w1', 'w2'], 4);
  const running = cluster.running();
  cluster.world.network.partition('m1', 'w1');
  await cluster.pass(4_900);
  assert.equal(nodeState(cluster, 'w1'), 'suspect');
  cluster.world.network.heal();
  await cluster.settled();
  assert.deepEqual(cluster.running(), running);
});

test('a node that is gone for long is replaced; when it returns, what ran there goes on, and its stand-ins stop', async () => {
  const cluster = await withJob(6, ['w1', 'w2'], 4);
  const before = cluster.running().map(({ name }) => name);
  cluster.world.network.partition('m1', 'w1');
  await cluster.until('it is down', () => nodeState(cluster, 'w1') === 'down', 12_000);
  await cluster.until('all run on the other', () => cluster.host('w2').engine.running().length === 4, 5_000);
  assert.equal(cluster.host('w1').engine.running().length, 2, 'what is cut off goes on');
  await cluster.until('the job runs', () => cluster.jobStatus('shop') === 'running', 5_000);
  cluster.world.network.heal();
  await cluster.settled();
  assert.deepEqual(
    cluster
      .running()
      .map(({ name }) => name)
      .toSorted(),
    before.toSorted(),
  );
});

test('a node whose host restarted while it was away starts its tasks again, and its stand-ins stop', async () => {
  const cluster = await withJob(7, ['w1', 'w2'], 4);
  cluster.host('w1').kill();
  await cluster.until('all run on the other', () => cluster.host('w2').engine.running().length === 4, 20_000);
  cluster.host('w1').engine.reboot();
  await cluster.start(cluster.host('w1'));
  await cluster.settled();
  assert.equal(cluster.running().length, 4);
});

test('a job that is stopped while a node is away stops there when it returns', async () => {
  const cluster = await withJob(8, ['w1', 'w2'], 4);
  cluster.world.network.partition('m1', 'w1');
  await cluster.until('it is down', () => nodeState(cluster, 'w1') === 'down', 12_000);
  assert.ok((await cluster.finish(cluster.stop('shop'))).ok);
  await cluster.pass(5_000);
  assert.deepEqual(
    cluster.running().map(({ host }) => host),
    ['w1', 'w1'],
  );
  // Nobody can say more than that they are lost; the worker is told when it can be.
  assert.equal(cluster.jobStatus('shop'), 'stopped');
  cluster.world.network.heal();
  await cluster.settled();
  assert.equal(cluster.running().length, 0);
});

test('a manager that stood still blames no node for the silence', async () => {
  const cluster = await withJob(9, ['w1', 'w2'], 4);
  const running = cluster.running();
  const { process } = cluster.manager;
  process!.freeze();
  await cluster.pass(30_000);
  process!.thaw();
  await cluster.settled();
  await cluster.pass(10_000);
  assert.deepEqual(cluster.running(), running);
  assert.deepEqual(
    cluster.manager.mirror.events.filter(({ to }) => to === 'suspect' || to === 'down'),
    [],
  );
});

test('a worker that lost its orders, but not who it is, takes up its containers again', async () => {
  const cluster = await withJob(10, ['w1'], 3);
  const worker = cluster.host('w1');
  const running = cluster.running();
  worker.kill();
  for (const key of worker.disk.keys()) if (key.startsWith('order:')) worker.disk.tamper(key, () => undefined);
  await cluster.start(worker);
  await cluster.settled();
  assert.deepEqual(cluster.running(), running);
  assert.equal(worker.engine.containers.size, 3);
});

test('a worker that lost its data directory joins anew, and what it ran is placed again', async () => {
  const cluster = await withJob(11, ['w1', 'w2'], 2);
  const worker = cluster.host('w1');
  const lost = cluster.tasksOf('shop').filter(({ nodeName }) => nodeName === 'w1');
  worker.kill();
  worker.loseDisk();
  await cluster.start(worker);
  await cluster.until('it joined', () => cluster.tasksOf('shop').some(({ state }) => state === 'lost'), 15_000);
  await cluster.until('two run that are known', () => cluster.jobStatus('shop') === 'running', 10_000);
  assert.equal(cluster.manager.mirror.nodes.size, 2);
  for (const { id } of lost) assert.equal(cluster.manager.mirror.tasks.get(id)?.state, 'lost');
});

test('a second worker of the same name is refused, and the first goes on', async () => {
  const cluster = await withJob(12, ['w1'], 2);
  const { world, manager } = cluster;
  const twin = createWorkerHost({ ...world, sees: () => [] }, 'w2', manager.address, 'w1');
  await cluster.finish(twin.start());
  await cluster.pass(10_000);
  assert.equal(manager.mirror.nodes.size, 1);
  assert.ok(world.lines.some(({ message }) => /there is a node "w1" already/.test(message)));
  assert.ok(twin.role!.actor.getSnapshot().matches('joining'));
  assert.deepEqual(cluster.unsettled(), []);
});
