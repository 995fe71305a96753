/** The same tag with another image is a change when that is asked for, on a whole simulated cluster. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobSpec } from '../../src/core/job.ts';
import type { SubmitAnswer } from '../../src/ports/control.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { batch, service } from './scripts.ts';

async function submit(cluster: Cluster, spec: JobSpec, refreshImages = false): Promise<SubmitAnswer> {
  const answer = await cluster.finish(cluster.submit(spec, { refreshImages }));
  assert.ok(answer.ok, `answered ${answer.ok || answer.code}`);
  await cluster.settled();
  return answer.value;
}

const live = (cluster: Cluster, job: string) => cluster.tasksOf(job).filter(({ endedAt }) => endedAt === undefined);
const digests = (cluster: Cluster, job: string) => [...new Set(live(cluster, job).map(({ digest }) => digest))];

/** The name stands for another image, for all engines. */
function move(cluster: Cluster, image: string): string {
  for (const { engine } of cluster.workers) engine.images.move(image);
  return cluster.workers[0]!.engine.images.digestOf(image);
}

test('a tag that moved changes nothing until that is asked for; then all instances run the new image, once', async () => {
  for (const pull of ['missing', 'always'] as const) {
    const cluster = await startCluster({ seed: 1, workers: ['w1', 'w2'] });
    const spec = service('shop', 'runs', 4, { pull });
    await submit(cluster, spec);
    const before = live(cluster, 'shop');
    assert.equal((await submit(cluster, spec, true)).change, 'unchanged', 'nothing has moved yet');
    const moved = move(cluster, 'runs');
    assert.equal((await submit(cluster, spec)).change, 'unchanged');
    assert.deepEqual(
      live(cluster, 'shop').map(({ id }) => id),
      before.map(({ id }) => id),
    );
    const { change, job, warnings } = await submit(cluster, spec, true);
    assert.deepEqual([change, job.version, warnings], ['updated', 1, []]);
    assert.deepEqual(digests(cluster, 'shop'), [moved]);
    const after = live(cluster, 'shop').map(({ id }) => id);
    assert.ok(after.length === 4 && before.every(({ id }) => !after.includes(id)));
    assert.equal((await submit(cluster, spec, true)).change, 'unchanged');
    assert.deepEqual(
      live(cluster, 'shop').map(({ id }) => id),
      after,
    );
  }
});

test('of several images only the one that moved is replaced', async () => {
  const cluster = await startCluster({ seed: 2 });
  const [web] = Object.values(service('shop', 'runs', 2).tasks);
  const [side] = Object.values(service('shop', 'slow', 1).tasks);
  const spec = { ...service('shop'), tasks: { web: web!, side: side! } };
  await submit(cluster, spec);
  const before = live(cluster, 'shop');
  move(cluster, 'runs');
  await submit(cluster, spec, true);
  const kept = live(cluster, 'shop').filter(({ id }) => before.some((old) => old.id === id));
  assert.deepEqual(
    kept.map(({ task }) => task),
    ['side'],
  );
});

test('what is never pulled is left, whatever its registry has', async () => {
  const cluster = await startCluster({ seed: 3 });
  const spec = service('shop', 'runs', 2, { pull: 'never' });
  await submit(cluster, spec);
  const before = digests(cluster, 'shop');
  move(cluster, 'runs');
  assert.equal((await submit(cluster, spec, true)).change, 'unchanged');
  assert.deepEqual(digests(cluster, 'shop'), before);
});

test('a plan says what the submit will do, and changes nothing', async () => {
  const cluster = await startCluster({ seed: 4 });
  const spec = service('shop', 'runs', 2);
  await submit(cluster, spec);
  move(cluster, 'runs');
  const request = { spec, origin: { kind: 'file' as const } };
  for (const [refreshImages, change, updates] of [
    [false, 'unchanged', 0],
    [true, 'updated', 2],
  ] as const) {
    const answer = await cluster.finish(cluster.ask((control) => control.plan({ ...request, refreshImages })));
    assert.ok(answer.ok);
    assert.equal(answer.value.change, change);
    assert.equal(answer.value.changes.filter(({ action }) => action === 'update').length, updates);
  }
  assert.equal(cluster.manager.mirror.jobs.get('shop')!.stamps, undefined);
});

test('without a node to ask the submit is taken, and its user is told that the images were left as they are', async () => {
  const cluster = await startCluster({ seed: 5 });
  const spec = service('shop', 'runs', 1);
  await submit(cluster, spec);
  move(cluster, 'runs');
  cluster.workers[0]!.kill();
  await cluster.pass(1_000);
  const answer = await cluster.finish(cluster.submit(spec, { refreshImages: true }));
  assert.ok(answer.ok);
  assert.equal(answer.value.change, 'unchanged');
  assert.match(
    answer.value.warnings.join(),
    /what runs stands for now could not be found out, and it is left as it is: no node is connected/,
  );
  const refused = await cluster.finish(cluster.submit(spec, { refreshImages: true, strict: true }));
  assert.deepEqual([refused.ok, !refused.ok && refused.code], [false, 'invalid-file']);
});

test('an engine that does not answer holds a submit up for a while only', async () => {
  const cluster = await startCluster({ seed: 6 });
  const spec = service('shop', 'runs', 1);
  await submit(cluster, spec);
  cluster.workers[0]!.engine.hang();
  const answer = await cluster.finish(cluster.submit(spec, { refreshImages: true }), 120_000);
  cluster.workers[0]!.engine.unhang();
  assert.ok(answer.ok);
  assert.match(answer.value.warnings.join(), /could not be found out/);
});

test('the new image outlives the manager: what is made later is made of it, too', async () => {
  const cluster = await startCluster({ seed: 7, workers: ['w1', 'w2'] });
  const spec = service('shop', 'runs', 2);
  await submit(cluster, spec);
  const moved = move(cluster, 'runs');
  await submit(cluster, spec, true);
  cluster.manager.kill();
  await cluster.start(cluster.manager);
  await cluster.settled();
  await submit(cluster, service('shop', 'runs', 6));
  assert.deepEqual([live(cluster, 'shop').length, digests(cluster, 'shop')], [6, [moved]]);
});

test('a batch job that has completed stays completed when its image has not moved', async () => {
  const cluster = await startCluster({ seed: 8 });
  const spec = batch('sums', 'completes:100', 2);
  await submit(cluster, spec);
  await cluster.until('it has completed', () => cluster.manager.mirror.jobs.get('sums')?.status === 'completed');
  assert.equal((await submit(cluster, spec, true)).change, 'unchanged');
  assert.equal(cluster.tasksOf('sums').length, 2);
});
