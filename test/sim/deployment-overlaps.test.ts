/** Roll-outs that meet other changes: a scale, a restart, another submit, a node or a manager that is gone, a clock that is set. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobSpec, UpdateSpec } from '../../src/core/job.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import { startCluster, type Answer, type Cluster } from './cluster.ts';
import { batch, quickCheck, service, taskSpec } from './scripts.ts';

const update: UpdateSpec = { parallel: 1, deadlineMs: 20_000, onFailure: 'rollback', canary: 0 };
const quick = { on: 'always', attempts: 1, withinMs: 600_000, delayMs: 100, backoff: 1, delayMsMax: 100 } as const;

function shop(env: string, changes: Partial<UpdateSpec> = {}, image = 'runs', count = 5): JobSpec {
  const spec = service('shop', image, count, { health: quickCheck, env: { V: env }, restart: quick });
  return { ...spec, update: { ...update, ...changes } };
}

async function ok<T>(cluster: Cluster, asked: Promise<Answer<T>>): Promise<T> {
  const answer = await cluster.finish(asked);
  assert.ok(answer.ok, `answered ${answer.ok || answer.code}`);
  return answer.value;
}

const job = (cluster: Cluster) => cluster.manager.mirror.jobs.get('shop')!;
const live = (cluster: Cluster): TaskRecord[] => cluster.tasksOf('shop').filter(({ endedAt }) => endedAt === undefined);

async function deployed(cluster: Cluster, state: string, version: number): Promise<void> {
  await cluster.until(`version ${version} is ${state}`, () => {
    const { deployment } = job(cluster);
    return deployment?.state === state && deployment.version === version;
  });
}

async function began(spec: JobSpec, seed: number, workers = ['w1', 'w2']): Promise<Cluster> {
  const cluster = await startCluster({ seed, workers });
  await ok(cluster, cluster.submit(spec));
  await deployed(cluster, 'succeeded', 1);
  return cluster;
}

test('a scale or a restart does not find canaries good', async () => {
  for (const meanwhile of ['scale', 'restart'] as const) {
    const cluster = await began(shop('a'), 1);
    await ok(cluster, cluster.submit(shop('b', { canary: 1 })));
    await deployed(cluster, 'awaitingPromotion', 2);
    if (meanwhile === 'scale')
      await ok(
        cluster,
        cluster.ask((control) => control.scale('shop', { main: 6 }, {})),
      );
    else
      await ok(
        cluster,
        cluster.ask((control) => control.restartJob('shop')),
      );
    await cluster.pass(60_000);
    assert.equal(job(cluster).deployment?.state, 'awaitingPromotion', meanwhile);
    assert.ok(live(cluster).filter(({ version }) => version === 1).length >= 4, meanwhile);
    await ok(
      cluster,
      cluster.ask((control) => control.promote('shop')),
    );
    await deployed(cluster, 'succeeded', meanwhile === 'scale' ? 3 : 2);
  }
});

test('a scale in the middle of an update that fails does not keep it from being rolled back', async () => {
  const cluster = await began(shop('a'), 2);
  await ok(cluster, cluster.submit(shop('b', {}, 'fails:3000')));
  await ok(
    cluster,
    cluster.ask((control) => control.scale('shop', { main: 6 }, {})),
  );
  await deployed(cluster, 'succeeded', 4);
  const { spec, deployment } = job(cluster);
  assert.deepEqual([spec.tasks['main']!.env, deployment?.rollbackOf], [{ V: 'a' }, 3]);
});

test('a submit while it is rolled back falls back to the same good version', async () => {
  const cluster = await began(shop('a'), 3);
  await ok(cluster, cluster.submit(shop('b', {}, 'fails:100')));
  await cluster.until('it is being rolled back', () => job(cluster).deployment?.rollbackOf === 2);
  await ok(cluster, cluster.submit(shop('c', {}, 'fails:200')));
  await cluster.until('it is rolled back again', () => job(cluster).deployment?.rollbackOf === 4);
  await cluster.until('it is done', () => job(cluster).deployment?.state === 'succeeded');
  assert.deepEqual(job(cluster).spec.tasks['main']!.env, { V: 'a' });
});

test('by itself or by hand, what failed is not gone back to', async () => {
  const cluster = await began(shop('a'), 4);
  await ok(cluster, cluster.submit(shop('b')));
  await deployed(cluster, 'succeeded', 2);
  await ok(cluster, cluster.submit(shop('c', {}, 'fails:100')));
  await deployed(cluster, 'succeeded', 4);
  assert.deepEqual(job(cluster).spec.tasks['main']!.env, { V: 'b' });
  await ok(
    cluster,
    cluster.ask((control) => control.rollback('shop')),
  );
  await deployed(cluster, 'succeeded', 5);
  assert.deepEqual(job(cluster).spec.tasks['main']!.env, { V: 'a' });
});

test('a manager that was away for longer than the deadline goes on with a healthy update', async () => {
  const cluster = await began(shop('a'), 5);
  await ok(cluster, cluster.submit(shop('b')));
  await cluster.until('one is updated', () => (job(cluster).deployment?.updated ?? 0) >= 1);
  cluster.manager.kill();
  await cluster.pass(60_000);
  await cluster.start(cluster.manager);
  await deployed(cluster, 'succeeded', 2);
});

test('a system job is updated although a node is down, which follows when it is back', async () => {
  const spec = (env: string): JobSpec => ({ ...shop(env, {}, 'runs', 1), type: 'system' });
  const cluster = await began(spec('a'), 6, ['w1', 'w2', 'w3']);
  cluster.host('w3').kill();
  await cluster.pass(15_000);
  await ok(cluster, cluster.submit(spec('b')));
  await deployed(cluster, 'succeeded', 2);
  await cluster.start(cluster.host('w3'));
  await cluster.until('all are of version 2', () => live(cluster).length === 3 && live(cluster).every(({ version }) => version === 2));
});

test('canaries of tasks that depend on each other wait for no one that is held back', async () => {
  const both = (env: string): JobSpec => {
    const task = (more = {}) => taskSpec('service', 'runs', 2, { env: { V: env }, restart: quick, ...more });
    return { ...shop(env), tasks: { db: task(), web: task({ dependsOn: { db: 'healthy' } }) }, update: { ...update, canary: 1 } };
  };
  const cluster = await began(both('a'), 7);
  await ok(cluster, cluster.submit(both('b')));
  await deployed(cluster, 'awaitingPromotion', 2);
  assert.deepEqual(
    live(cluster)
      .filter(({ version }) => version === 2)
      .map(({ slot }) => slot)
      .toSorted(),
    ['shop/db.1', 'shop/web.1'],
  );
  await ok(
    cluster,
    cluster.ask((control) => control.promote('shop')),
  );
  await deployed(cluster, 'succeeded', 2);
});

test('what was rejected is tried again when a paused update is promoted', async () => {
  const cluster = await began(shop('a'), 8);
  await ok(cluster, cluster.submit(shop('b', { onFailure: 'pause' }, 'missing')));
  await deployed(cluster, 'paused', 2);
  const before = cluster.tasksOf('shop').length;
  await ok(
    cluster,
    cluster.ask((control) => control.promote('shop')),
  );
  await cluster.until('it is tried', () => cluster.tasksOf('shop').length > before);
  await deployed(cluster, 'paused', 2);
});

test('a batch job that ran out of time is restarted with all its time', async () => {
  const cluster = await startCluster({ seed: 9 });
  await ok(cluster, cluster.submit({ ...batch('shop', 'completes:60000', 1), deadlineMs: 5_000 }));
  await cluster.until('it failed', () => job(cluster).status === 'failed');
  await ok(
    cluster,
    cluster.ask((control) => control.restartJob('shop')),
  );
  await cluster.until('it runs', () => cluster.running().length === 1);
});

test('a batch job that is purged and submitted again at once does all its work again', async () => {
  const cluster = await startCluster({ seed: 10 });
  const spec: JobSpec = {
    ...batch('shop'),
    tasks: { a: taskSpec('batch', 'completes:100', 1), b: taskSpec('batch', 'lingers:3000', 1, { stopGraceMs: 5_000 }) },
  };
  await ok(cluster, cluster.submit(spec));
  await cluster.until('a is done', () => cluster.tasksOf('shop').some(({ state }) => state === 'completed'));
  await ok(cluster, cluster.stop('shop', true));
  await ok(cluster, cluster.submit(spec));
  await cluster.until('a is done again', () => cluster.tasksOf('shop').filter(({ state }) => state === 'completed').length === 2);
});

test('what is lost while canaries wait, or an update is paused, comes back as it was', async () => {
  const cluster = await began(shop('a'), 11, ['w1', 'w2', 'w3']);
  await ok(cluster, cluster.submit(shop('b', { canary: 1 })));
  await deployed(cluster, 'awaitingPromotion', 2);
  const lost = live(cluster).find(({ slot }) => slot === 'shop/main.4')!;
  cluster.host(lost.nodeName!).kill();
  await cluster.until('it runs elsewhere', () =>
    live(cluster).some(({ slot, id, state }) => slot === lost.slot && id !== lost.id && state === 'running'),
  );
  const again = live(cluster).find(({ slot, id }) => slot === lost.slot && id !== lost.id)!;
  assert.deepEqual([again.version, again.specHash], [1, lost.specHash]);
  await cluster.start(cluster.host(lost.nodeName!));
  await ok(
    cluster,
    cluster.ask((control) => control.promote('shop')),
  );
  await deployed(cluster, 'succeeded', 2);
  await cluster.until('all are of version 2', () => live(cluster).length === 5 && live(cluster).every(({ version }) => version === 2));
});
