/** What is worth moving on a cluster that grew, and that a move by hand does what was said. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobSpec } from '../../src/core/job.ts';
import type { RebalanceJson } from '../../src/core/views.ts';
import { Cluster, type Answer } from './cluster.ts';
import { batch, service } from './scripts.ts';

async function ok<T>(cluster: Cluster, asked: Promise<Answer<T>>): Promise<T> {
  const answer = await cluster.finish(asked);
  assert.ok(answer.ok, `answered ${answer.ok || answer.code}`);
  return answer.value;
}

function sized(spec: JobSpec, cpu: number): JobSpec {
  return { ...spec, tasks: { main: { ...spec.tasks['main']!, resources: { cpu, memoryBytes: 0, diskBytes: 0, custom: {} } } } };
}

async function moves(cluster: Cluster, max?: number): Promise<RebalanceJson['moves']> {
  return (
    await ok(
      cluster,
      cluster.ask((control) => control.rebalance(max)),
    )
  ).moves;
}

/** One full node, and one that joins. */
async function grown(...specs: readonly JobSpec[]): Promise<Cluster> {
  const cluster = new Cluster({ seed: 21, workers: ['w1', 'w2'] });
  await cluster.start(cluster.manager, cluster.host('w1'));
  await cluster.until('w1 is ready', () => [...cluster.manager.mirror.nodes.values()].some(({ state }) => state === 'ready'));
  for (const spec of specs) await ok(cluster, cluster.submit(spec));
  await cluster.until('all run', () => specs.every(({ name }) => cluster.tasksOf(name).every(({ state }) => state === 'running')));
  assert.deepEqual(await moves(cluster), [], 'there is nowhere to go');
  await cluster.start(cluster.host('w2'));
  await cluster.until(
    'w2 is ready',
    () => [...cluster.manager.mirror.nodes.values()].filter(({ state }) => state === 'ready').length === 2,
  );
  return cluster;
}

test('after a node joined moves are proposed, and once they are made by hand none is left', async () => {
  const cluster = await grown(sized(service('shop', 'runs', 4), 1));
  const proposed = await moves(cluster);
  assert.equal(proposed.length, 2);
  for (const { from, to, why, share } of proposed) {
    assert.deepEqual([from, to], ['w1', 'w2']);
    assert.match(why, /^cpu: \d+% taken on w1, \d+% on w2$/);
    assert.ok(share >= 0.1);
  }
  assert.equal((await moves(cluster, 1)).length, 1);
  for (const { slot } of proposed) await ok(cluster, cluster.stopTask(slot));
  await cluster.settled();
  assert.deepEqual(await moves(cluster), []);
  const places = cluster.tasksOf('shop').flatMap(({ state, nodeName }) => (state === 'running' ? [nodeName] : []));
  assert.equal(places.filter((name) => name === 'w1').length, 2);
  assert.equal(places.length, 4);
});

test('a batch stays, and a service of one instance is told of', async () => {
  const cluster = await grown(sized(batch('crunch', 'completes:60000', 2), 1.5), sized(service('alone', 'runs', 1), 1));
  const [move, ...others] = await moves(cluster);
  assert.deepEqual([move?.slot, others], ['alone/main.1', []]);
  assert.match(move!.why, /its only instance/);
});
