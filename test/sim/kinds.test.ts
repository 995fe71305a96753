/** Kinds of jobs on a whole simulated cluster: dependencies, batch runs that are bounded, system jobs, several data centers. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobSpec, TaskSpec } from '../../src/core/job.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import { startCluster, type Answer, type Cluster } from './cluster.ts';
import { batch, quickCheck, service, taskSpec } from './scripts.ts';

async function ok<T>(cluster: Cluster, asked: Promise<Answer<T>>): Promise<T> {
  const answer = await cluster.finish(asked);
  assert.ok(answer.ok, `answered ${answer.ok || answer.code}`);
  return answer.value;
}

const job = (cluster: Cluster, name = 'shop') => cluster.manager.mirror.jobs.get(name)!;
const live = (cluster: Cluster, name = 'shop'): TaskRecord[] => cluster.tasksOf(name).filter(({ endedAt }) => endedAt === undefined);

function withTasks(tasks: Readonly<Record<string, TaskSpec>>, more: Partial<JobSpec> = {}): JobSpec {
  return { ...service('shop'), tasks, ...more };
}

const once = { on: 'failure', attempts: 1, withinMs: 60_000, delayMs: 100, backoff: 1, delayMsMax: 100 } as const;

test('tasks start when what they depend on has started, is healthy, has completed', async () => {
  const cluster = await startCluster({ seed: 1 });
  const spec = withTasks({
    web: taskSpec('service', 'runs', 2, { dependsOn: { db: 'healthy', init: 'completed' } }),
    side: taskSpec('service', 'runs', 1, { dependsOn: { web: 'started' } }),
    db: taskSpec('service', 'well:3000', 1, { health: { ...quickCheck, startPeriodMs: 10_000 } }),
    init: taskSpec('service', 'completes:2000', 1, { dependsOn: { db: 'started' }, restart: once }),
  });
  await ok(cluster, cluster.submit(spec));
  await cluster.until('the job says what it waits for', () => /waits for db/.test(job(cluster).reason ?? ''));
  await cluster.until('all run', () => job(cluster).status === 'running');
  const of = (task: string) => cluster.tasksOf('shop').filter((record) => record.task === task);
  const [db, init, side] = [of('db')[0]!, of('init')[0]!, of('side')[0]!];
  assert.equal(init.state, 'completed');
  assert.ok(init.createdAt >= db.startedAt!);
  for (const web of of('web')) {
    assert.ok(web.createdAt >= init.finishedAt!, 'after init');
    assert.ok(web.createdAt >= db.startedAt! + 3_000, 'when db was healthy');
    assert.ok(side.createdAt >= web.startedAt!);
  }
  await cluster.until('it is deployed', () => job(cluster).deployment?.state === 'succeeded');
});

test('what depends on a task that failed for good fails with it, and says why', async () => {
  const cluster = await startCluster({ seed: 2 });
  const spec = withTasks({
    init: taskSpec('service', 'fails:100', 1, { restart: { ...once, on: 'never' } }),
    web: taskSpec('service', 'runs', 1, { dependsOn: { init: 'completed' } }),
    last: taskSpec('service', 'runs', 1, { dependsOn: { web: 'started' } }),
  });
  await ok(cluster, cluster.submit(spec));
  await cluster.until('it failed', () => job(cluster).status === 'failed');
  assert.match(job(cluster).reason!, /shop\/init\.1 is failed/);
  assert.equal(cluster.tasksOf('shop').length, 1);
  assert.equal(job(cluster).deployment?.state, 'failed');
});

test('an update waits for what it depends on, too', async () => {
  const cluster = await startCluster({ seed: 3 });
  const version = (env: string) =>
    withTasks({
      db: taskSpec('service', 'runs', 1, { env: { V: env } }),
      web: taskSpec('service', 'runs', 1, { env: { V: env }, dependsOn: { db: 'healthy' } }),
    });
  await ok(cluster, cluster.submit(version('a')));
  await cluster.settled();
  await ok(cluster, cluster.submit(version('b')));
  await cluster.until('it is deployed', () => job(cluster).deployment?.version === 2 && job(cluster).deployment?.state === 'succeeded');
  const db = live(cluster).find(({ task, version: at }) => task === 'db' && at === 2);
  const web = live(cluster).find(({ task, version: at }) => task === 'web' && at === 2);
  assert.ok(web!.createdAt >= db!.startedAt!);
});

test('no more of a batch job run at once than it says, and all are done in the end', async () => {
  const cluster = await startCluster({ seed: 4, workers: ['w1', 'w2'] });
  await ok(cluster, cluster.submit({ ...batch('shop', 'completes:500', 20), parallelism: 3 }));
  let most = 0;
  await cluster.until('it is done', () => {
    most = Math.max(most, live(cluster).length);
    return job(cluster).status === 'completed';
  });
  assert.equal(most, 3);
  assert.equal(cluster.tasksOf('shop').filter(({ state }) => state === 'completed').length, 20);
});

test('a batch run that takes longer than its deadline has failed, and can be started again', async () => {
  const cluster = await startCluster({ seed: 5 });
  await ok(cluster, cluster.submit({ ...batch('shop', 'completes:60000', 2), deadlineMs: 5_000 }));
  await cluster.until('it failed', () => job(cluster).status === 'failed');
  assert.match(job(cluster).reason!, /longer than its deadline of 5s/);
  assert.equal(live(cluster).length, 0);
  assert.equal(cluster.running().length, 0);
  const took = job(cluster).updatedAt - job(cluster).runAt!;
  assert.ok(took >= 5_000 && took < 10_000, `${took}`);
  await ok(cluster, cluster.startJob('shop'));
  await cluster.until('it runs again', () => cluster.running().length === 2);
});

test('a system job has one task on each node that matches, also on one that joins later', async () => {
  const cluster = await startCluster({ seed: 6, workers: ['w1', 'w2', 'w3'] });
  const [, , third] = cluster.workers;
  await cluster.finish(third!.stop());
  const spec = { ...service('shop'), type: 'system' as const };
  await ok(cluster, cluster.submit(spec));
  const nodesOf = (): string[] =>
    live(cluster)
      .filter(({ state }) => state === 'running')
      .map(({ nodeName }) => nodeName!)
      .toSorted();
  await cluster.until('two run', () => nodesOf().length === 2);
  assert.deepEqual(nodesOf(), ['w1', 'w2']);
  await cluster.start(third!);
  await cluster.until('three run', () => nodesOf().length === 3);
  assert.deepEqual(nodesOf(), ['w1', 'w2', 'w3']);
  await cluster.until('it is running', () => job(cluster).status === 'running');
  // One of them is killed: its task comes back there, and nowhere else.
  const before = live(cluster).find(({ nodeName }) => nodeName === 'w2');
  cluster.host('w2').kill();
  await cluster.pass(30_000);
  assert.equal(live(cluster).length, 3);
  await cluster.start(cluster.host('w2'));
  await cluster.until('three run again', () => nodesOf().length === 3);
  assert.ok(live(cluster).some(({ id }) => id === before!.id));
  await ok(cluster, cluster.submit({ ...spec, tasks: { main: { ...spec.tasks['main']!, env: { V: '2' } } } }));
  await cluster.until('it is deployed', () => job(cluster).deployment?.version === 2 && job(cluster).deployment?.state === 'succeeded');
  await cluster.until('the old ones have stopped', () => live(cluster).length === 3);
  assert.deepEqual(nodesOf(), ['w1', 'w2', 'w3']);
});

test('a parameterized job rests until it is dispatched', async () => {
  const cluster = await startCluster({ seed: 7 });
  await ok(cluster, cluster.submit({ ...batch('shop'), type: 'parameterized' }));
  await cluster.pass(20_000);
  assert.deepEqual([cluster.tasksOf('shop').length, job(cluster).status], [0, 'pending']);
  await ok(cluster, cluster.stop('shop'));
  await cluster.until('it is stopped', () => job(cluster).status === 'stopped');
});
