/** Roll-outs on a whole simulated cluster: who is replaced when, what is healthy meanwhile, and where a failure ends. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobSpec, UpdateSpec } from '../../src/core/job.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import { startCluster, type Answer, type Cluster } from './cluster.ts';
import { quickCheck, service } from './scripts.ts';

const update: UpdateSpec = { parallel: 1, deadlineMs: 60_000, onFailure: 'rollback', canary: 0 };

/** A job of checked instances. `env` tells its versions apart. */
function shop(env: string, changes: Partial<UpdateSpec> = {}, image = 'runs', count = 5): JobSpec {
  const spec = service('shop', image, count, { health: quickCheck, env: { V: env }, restart: { ...quick, on: 'always' } });
  return { ...spec, update: { ...update, ...changes } };
}

const quick = { on: 'always', attempts: 1, withinMs: 600_000, delayMs: 100, backoff: 1, delayMsMax: 100 } as const;

async function ok<T>(cluster: Cluster, asked: Promise<Answer<T>>): Promise<T> {
  const answer = await cluster.finish(asked);
  assert.ok(answer.ok, `answered ${answer.ok || answer.code}`);
  return answer.value;
}

async function began(spec: JobSpec, seed: number, workers = ['w1', 'w2']): Promise<Cluster> {
  const cluster = await startCluster({ seed, workers });
  await ok(cluster, cluster.submit(spec));
  await deployed(cluster, 'succeeded');
  return cluster;
}

const jobIn = (cluster: Cluster) => cluster.manager.mirror.jobs.get('shop')!;
const well = (cluster: Cluster): TaskRecord[] =>
  cluster.tasksOf('shop').filter(({ state, health }) => state === 'running' && health === 'healthy');
const live = (cluster: Cluster): TaskRecord[] => cluster.tasksOf('shop').filter(({ endedAt }) => endedAt === undefined);
const ids = (tasks: readonly TaskRecord[]): string[] => tasks.map(({ id }) => id).toSorted();

/** Lets time pass until the deployment has ended so, watching at every step. */
async function deployed(cluster: Cluster, state: string, version?: number, watch: () => void = () => undefined): Promise<void> {
  await cluster.until(`the deployment is ${state}`, () => {
    watch();
    const { deployment } = jobIn(cluster);
    return deployment?.state === state && (version === undefined || deployment.version === version);
  });
}

test('start-first keeps as many healthy as are wanted, and replaces no more at once than it may', async () => {
  const cluster = await began(shop('a'), 1);
  const before = ids(live(cluster));
  await ok(cluster, cluster.submit(shop('b', { parallel: 2, order: 'start-first' })));
  let fewest = Infinity;
  let most = 0;
  await deployed(cluster, 'succeeded', 2, () => {
    fewest = Math.min(fewest, well(cluster).length);
    most = Math.max(
      most,
      live(cluster).filter(({ version, state, desired }) => version === 2 && desired === 'running' && state !== 'running').length,
    );
  });
  assert.ok(fewest >= 5, `${fewest} were healthy`);
  assert.ok(most >= 1 && most <= 2, `${most} at once`);
  await cluster.settled();
  assert.ok(live(cluster).every(({ version, id }) => version === 2 && !before.includes(id)));
  assert.equal(live(cluster).length, 5);
  assert.equal(jobIn(cluster).status, 'running');
});

test('stop-first never has more than are wanted', async () => {
  const cluster = await began(shop('a'), 2);
  await ok(cluster, cluster.submit(shop('b', { parallel: 2, order: 'stop-first' })));
  let fewest = Infinity;
  await deployed(cluster, 'succeeded', 2, () => {
    fewest = Math.min(fewest, well(cluster).length);
    assert.ok(cluster.running().length <= 5);
  });
  assert.ok(fewest >= 3, `${fewest} were healthy`);
});

test('an instance that is well only for a moment does not let the update go on', async () => {
  const cluster = await began(shop('a'), 3);
  await ok(cluster, cluster.submit(shop('b', { healthyForMs: 3_000, deadlineMs: 30_000 }, 'sickly:1000')));
  await deployed(cluster, 'succeeded', 3);
  assert.ok(live(cluster).filter(({ version }) => version === 1 || version === 3).length === 5, 'one at most was touched');
});

for (const [image, why] of [
  ['fails:100', /failed|exit code 3/],
  ['missing', /rejected/],
  ['well:100000000', /no progress for 20s|unhealthy|health/],
] as const) {
  test(`a version that ${image.split(':')[0]} is rolled back by itself to the last good one, and touches as little as it can`, async () => {
    const cluster = await began(shop('a'), 4);
    const before = ids(live(cluster));
    await ok(cluster, cluster.submit(shop('b', { order: 'start-first', deadlineMs: 20_000 }, image)));
    let fewest = Infinity;
    await deployed(cluster, 'succeeded', 3, () => (fewest = Math.min(fewest, well(cluster).length)));
    assert.equal(fewest, 5);
    const { spec, deployment, status } = jobIn(cluster);
    assert.deepEqual([spec.tasks['main']!.env, deployment?.rollbackOf, status], [{ V: 'a' }, 2, 'running']);
    assert.match(deployment?.reason ?? '', /^version 2 failed: /);
    assert.deepEqual(ids(live(cluster)), before, 'none of the good ones was touched');
    const history = await cluster.finish(cluster.ask((control) => control.history('shop')));
    assert.ok(history.ok);
    assert.deepEqual(
      history.value.map(({ version, state }) => [version, state]),
      [
        [3, 'succeeded'],
        [2, 'failed'],
        [1, 'succeeded'],
      ],
    );
    assert.match(history.value[1]!.reason ?? '', why);
    assert.match(history.value[0]!.cause, /^rolled back to version 1: version 2 failed/);
  });
}

test('an update that is to pause at a failure stays there, and goes on when it is promoted, or rolls back when it is told to', async () => {
  const cluster = await began(shop('a'), 5);
  await ok(cluster, cluster.submit(shop('b', { onFailure: 'pause', order: 'start-first' }, 'fails:100')));
  await deployed(cluster, 'paused', 2);
  await cluster.pass(20_000);
  assert.equal(jobIn(cluster).deployment?.state, 'paused');
  assert.equal(well(cluster).filter(({ version }) => version === 1).length, 5);
  await ok(
    cluster,
    cluster.ask((control) => control.rollback('shop')),
  );
  await deployed(cluster, 'succeeded', 3);
  assert.deepEqual(jobIn(cluster).spec.tasks['main']!.env, { V: 'a' });
});

test('an update that is to continue leaves out what failed', async () => {
  const cluster = await began(shop('a'), 6);
  const broken = shop('b', { onFailure: 'continue', order: 'stop-first', deadlineMs: 15_000 }, 'missing');
  await ok(cluster, cluster.submit(broken));
  await deployed(cluster, 'failed', 2);
  assert.equal(well(cluster).length, 0, 'all were tried');
});

test('canaries come first, the others wait until they are promoted', async () => {
  const cluster = await began(shop('a'), 7);
  await ok(cluster, cluster.submit(shop('b', { canary: 2, parallel: 5 })));
  await deployed(cluster, 'awaitingPromotion', 2);
  await cluster.pass(100_000);
  const versions = () => live(cluster).map(({ slot, version }) => `${slot}@${version}`);
  assert.deepEqual(
    versions().toSorted(),
    [1, 2, 3, 4, 5].map((index) => `shop/main.${index}@${index <= 2 ? 2 : 1}`),
  );
  await ok(
    cluster,
    cluster.ask((control) => control.promote('shop')),
  );
  await deployed(cluster, 'succeeded', 2);
  await cluster.settled();
  assert.ok(live(cluster).every(({ version }) => version === 2));
  const again = await cluster.finish(cluster.ask((control) => control.promote('shop')));
  assert.deepEqual(again, { ok: false, code: 'conflict' });
});

test('a restart replaces all, a few at a time, and is no new version', async () => {
  const cluster = await began(shop('a'), 8);
  const before = new Set(ids(live(cluster)));
  await ok(
    cluster,
    cluster.ask((control) => control.restartJob('shop')),
  );
  let fewest = Infinity;
  await deployed(cluster, 'succeeded', 1, () => (fewest = Math.min(fewest, well(cluster).length)));
  await cluster.settled();
  assert.ok(fewest >= 5);
  assert.ok(live(cluster).every(({ id }) => !before.has(id)));
  assert.equal(jobIn(cluster).version, 1);
  const after = ids(live(cluster));
  await ok(cluster, cluster.submit(shop('a')));
  await cluster.pass(10_000);
  assert.deepEqual(ids(live(cluster)), after, 'the same file changes nothing');
});

test('to scale restarts nothing, and is a version', async () => {
  const cluster = await began(shop('a'), 9);
  const before = ids(live(cluster));
  const { change } = await ok(
    cluster,
    cluster.ask((control) => control.scale('shop', { main: 7 }, {})),
  );
  assert.equal(change, 'updated');
  await deployed(cluster, 'succeeded', 2);
  assert.ok(before.every((id) => ids(live(cluster)).includes(id)));
  assert.equal(live(cluster).length, 7);
  await ok(
    cluster,
    cluster.ask((control) => control.scale('shop', { main: 2 }, {})),
  );
  await cluster.until('two are left', () => live(cluster).length === 2);
  assert.equal(jobIn(cluster).deployment?.state, 'succeeded');
  const wrong = ([{ nope: 1 }, { main: 10_000_000 }] as Record<string, number>[]).map((counts) =>
    cluster.ask((control) => control.scale('shop', counts, {})),
  );
  const answers = await Promise.all(wrong.map((asked) => cluster.finish(asked)));
  assert.deepEqual(
    answers.map((answer) => (answer.ok ? 'ok' : answer.code)),
    ['not-found', 'usage'],
  );
});

test('a hundred versions one after the other end at the last, with nothing left over', async () => {
  const cluster = await began(shop('0'), 10);
  for (let version = 1; version < 100; version++) {
    await ok(cluster, cluster.submit(shop(String(version))));
    if (version % 7 === 0) await cluster.pass(300);
  }
  await deployed(cluster, 'succeeded', 100);
  await cluster.settled();
  assert.equal(live(cluster).length, 5);
  assert.ok(live(cluster).every(({ version }) => version === 100));
  assert.equal(cluster.running().length, 5);
  const history = await ok(
    cluster,
    cluster.ask((control) => control.history('shop')),
  );
  assert.ok(history.length <= cluster.world.limits.jobVersionsMax + 6, `${history.length} versions are kept`);
});

test('a leader that dies in the middle of an update goes on with it', async () => {
  const cluster = await began(shop('a'), 11);
  await ok(cluster, cluster.submit(shop('b', { order: 'start-first' })));
  await cluster.until('some are updated', () => (jobIn(cluster).deployment?.updated ?? 0) >= 2);
  cluster.manager.kill();
  await cluster.start(cluster.manager);
  await deployed(cluster, 'succeeded', 2);
  await cluster.settled();
  assert.equal(live(cluster).length, 5);
});

test('without a check, too, a version that ends as soon as it has begun is rolled back', async () => {
  const plain = (image: string): JobSpec => {
    const { update: terms, ...spec } = shop('a', {}, image);
    const { health: _none, ...main } = spec.tasks['main']!;
    return { ...spec, tasks: { main }, ...(image === 'runs' ? {} : { update: terms! }) };
  };
  const cluster = await began(plain('runs'), 12);
  const before = ids(live(cluster));
  await ok(cluster, cluster.submit(plain('fails:100')));
  await deployed(cluster, 'succeeded', 3);
  assert.equal(jobIn(cluster).deployment?.rollbackOf, 2);
  assert.deepEqual(ids(live(cluster)), before);
});
