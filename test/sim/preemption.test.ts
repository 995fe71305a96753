/** Priorities on a cluster that is full: who goes, who comes, and that nobody goes in vain. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobSpec } from '../../src/core/job.ts';
import { seededRandom } from '../../src/core/random.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import { startCluster, type Answer, type Cluster, type ClusterOptions } from './cluster.ts';
import { batch, service } from './scripts.ts';

const none = { memoryBytes: 0, diskBytes: 0, custom: {} };

async function ok<T>(cluster: Cluster, asked: Promise<Answer<T>>): Promise<T> {
  const answer = await cluster.finish(asked);
  assert.ok(answer.ok, `answered ${answer.ok || answer.code}`);
  return answer.value;
}

/** A job of tasks of so many cores each. */
function sized(spec: JobSpec, cpu: number, more: Partial<JobSpec> = {}): JobSpec {
  return { ...spec, tasks: { main: { ...spec.tasks['main']!, resources: { cpu, ...none } } }, ...more };
}

/** A cluster of nodes with 4 cores each. */
async function start(options: ClusterOptions): Promise<Cluster> {
  const cluster = await startCluster(options);
  for (const { capacity } of cluster.manager.mirror.nodes.values()) assert.equal(capacity.cpu, 4);
  return cluster;
}

async function run(cluster: Cluster, spec: JobSpec): Promise<void> {
  await ok(cluster, cluster.submit(spec));
  await cluster.settled();
}

function live(cluster: Cluster, job: string): TaskRecord[] {
  return cluster.tasksOf(job).filter(({ state }) => state === 'running');
}

/** Why each task was stopped, in order. */
function preempted(cluster: Cluster): string[] {
  const { events, tasks } = cluster.manager.mirror;
  return events.flatMap(({ id, event, cause }) =>
    event === 'order.stop' && cause.startsWith('preempted') ? `${tasks.get(id)?.slot}: ${cause}` : [],
  );
}

test('a task of high priority gets in at the cost of one of low priority, which comes back when there is room', async () => {
  const cluster = await start({ seed: 11 });
  await run(cluster, sized(service('low', 'lingers:400', 4, { priority: 10 }), 1));
  const before = new Set(live(cluster, 'low').map(({ id }) => id));
  await ok(cluster, cluster.submit(sized(service('high', 'runs', 1, { priority: 80 }), 2)));
  await cluster.until('somebody is preempted', () => preempted(cluster).length > 0);
  const [waiting] = cluster.tasksOf('high');
  assert.match(waiting!.reason!, /^waits for room on w1: preempts low\/main\.\d \(priority 10\), low\/main\.\d \(priority 10\)$/);
  await cluster.until('high runs', () => live(cluster, 'high').length === 1);
  assert.equal(preempted(cluster).length, 2);
  for (const line of preempted(cluster)) assert.match(line, /^low\/main\.\d: preempted by high\/main\.1 \(priority 80\)$/);
  await cluster.pass(5_000);
  assert.equal(live(cluster, 'low').length, 2);
  const pending = cluster.tasksOf('low').filter(({ state }) => state === 'pending');
  assert.equal(pending.length, 2);
  for (const { failures, restarts, avoid, reason } of pending) {
    assert.deepEqual([failures, restarts, avoid], [0, 0, undefined]);
    assert.match(reason!, /not enough cpu/);
  }
  assert.equal(live(cluster, 'high')[0]!.roomOn, undefined);
  await ok(cluster, cluster.stop('high'));
  await cluster.until('low is back', () => live(cluster, 'low').length === 4);
  await cluster.settled();
  assert.equal(preempted(cluster).length, 2);
  assert.ok(live(cluster, 'low').filter(({ id }) => before.has(id)).length === 2, 'who was not in the way ran on');
});

test('nobody of equal or higher priority is stopped, nor anybody where it would not help', async () => {
  const cluster = await start({ seed: 12 });
  await run(cluster, sized(service('first', 'runs', 1, { priority: 50 }), 2));
  await run(cluster, sized(service('low', 'runs', 1, { priority: 10 }), 1));
  await ok(cluster, cluster.submit(sized(service('equal', 'runs', 1, { priority: 50 }), 3)));
  await cluster.pass(10_000);
  assert.deepEqual(preempted(cluster), []);
  assert.match(cluster.tasksOf('equal')[0]!.reason!, /not enough cpu/);
  assert.equal(live(cluster, 'low').length, 1);
});

test('a preemptible batch goes for a service of its own priority, comes back after it, and has used up no attempt', async () => {
  const cluster = await start({ seed: 13 });
  const crunch = sized(batch('crunch', 'completes:20000', 4, { priority: 50 }), 1, { preemptible: true });
  await ok(cluster, cluster.submit(crunch));
  await cluster.until('crunch runs', () => live(cluster, 'crunch').length === 4);
  await ok(cluster, cluster.submit(sized(service('web', 'runs', 1, { priority: 50 }), 2)));
  await cluster.until('web runs', () => live(cluster, 'web').length === 1);
  assert.equal(preempted(cluster).length, 2);
  await cluster.until('crunch has completed', () => cluster.jobStatus('crunch') === 'completed');
  await cluster.settled();
  assert.equal(preempted(cluster).length, 2);
  for (const task of cluster.tasksOf('crunch')) assert.deepEqual([task.failures, task.restarts], [0, 0]);
});

test('room for a large task is not taken piece by piece by the small ones it came from', async () => {
  // They end one after the other: what was freed first waits for the rest.
  const cluster = await start({ seed: 14 });
  await run(cluster, sized(service('quick', 'lingers:100', 2, { priority: 10 }), 1));
  await run(cluster, sized(service('late', 'lingers:1800', 2, { priority: 10 }), 1));
  await ok(cluster, cluster.submit(sized(service('large', 'runs', 1, { priority: 80 }), 4)));
  await cluster.until('large runs', () => live(cluster, 'large').length === 1, 20_000);
  assert.equal(preempted(cluster).length, 4);
  const between = cluster.manager.mirror.events.filter(({ event, job }) => event === 'order.schedule' && job === 'quick');
  assert.equal(between.length, 2, 'the two that were there first, and nobody since');
});

test('several tasks without a place each make room of their own, and no more than they need', async () => {
  const cluster = await start({ seed: 15, workers: ['w1', 'w2'] });
  await run(cluster, sized(service('low', 'lingers:300', 8, { priority: 10 }), 1));
  await ok(cluster, cluster.submit(sized(service('mid', 'runs', 2, { priority: 40 }), 1)));
  await ok(cluster, cluster.submit(sized(service('high', 'runs', 3, { priority: 80 }), 1)));
  await cluster.until('all of them run', () => live(cluster, 'high').length === 3 && live(cluster, 'mid').length === 2);
  await cluster.pass(5_000);
  assert.equal(live(cluster, 'low').length, 3);
  const stopped = preempted(cluster);
  assert.equal(stopped.length, 5);
  for (const line of stopped) assert.match(line, /^low\//);
});

test('a manager that is killed in the middle goes on with what it began', async () => {
  for (const afterMs of [0, 50, 200, 500]) {
    const cluster = await start({ seed: 16 });
    await run(cluster, sized(service('quick', 'lingers:100', 2, { priority: 10 }), 1));
    await run(cluster, sized(service('late', 'lingers:1500', 2, { priority: 10 }), 1));
    await ok(cluster, cluster.submit(sized(service('large', 'runs', 1, { priority: 80 }), 3)));
    await cluster.until('somebody is preempted', () => preempted(cluster).length > 0);
    await cluster.pass(afterMs);
    cluster.manager.kill();
    await cluster.pass(300);
    await cluster.start(cluster.manager);
    await cluster.until('large runs', () => live(cluster, 'large').length === 1, 30_000);
    await cluster.pass(5_000);
    assert.equal(preempted(cluster).length, 3, `killed ${afterMs} ms after`);
    assert.equal(live(cluster, 'quick').length + live(cluster, 'late').length, 1);
  }
});

test('when the node where room is made goes down, room is made elsewhere', async () => {
  const cluster = await start({ seed: 17, workers: ['w1', 'w2'] });
  await run(cluster, sized(service('low', 'lingers:1800', 8, { priority: 10 }), 1));
  await ok(cluster, cluster.submit(sized(service('high', 'runs', 1, { priority: 80 }), 3)));
  await cluster.until('somebody is preempted', () => preempted(cluster).length > 0);
  const where = cluster.tasksOf('high')[0]!.roomOn!;
  const host = cluster.manager.mirror.nodes.get(where)!.name;
  cluster.host(host).kill();
  await cluster.until('high runs', () => live(cluster, 'high').length === 1, 60_000);
  assert.notEqual(live(cluster, 'high')[0]!.node, where);
});

test('whatever comes and goes, only lower priorities go, nobody goes twice for one need, and all comes to rest', async () => {
  let count = 0;
  for (let seed = 100; seed < 125; seed++) {
    const cluster = await start({ seed, workers: ['w1', 'w2', 'w3'] });
    const dice = seededRandom(seed);
    const of = <T>(choices: readonly T[]): T => choices[Math.floor(dice() * choices.length)]!;
    const priorities = new Map<string, number>();
    for (let job = 0; job < 12; job++) {
      const name = `j${job}`;
      const priority = of([10, 20, 50, 50, 80]);
      const image = of(['runs', 'lingers:300', 'lingers:1500']);
      const preemptible = of([false, false, true]);
      priorities.set(name, priority + (preemptible ? 0 : 0.5));
      const spec = preemptible ? batch(name, image, of([1, 2]), { priority }) : service(name, image, of([1, 2, 3]), { priority });
      await ok(cluster, cluster.submit(sized(spec, of([0.5, 1, 2, 3.5]), preemptible ? { preemptible } : {})));
      await cluster.pass(of([0, 100, 1_000, 4_000]));
      if (dice() < 0.15) await ok(cluster, cluster.stop(`j${Math.floor(dice() * (job + 1))}`));
      if (dice() < 0.1) {
        cluster.manager.kill();
        await cluster.start(cluster.manager);
        await cluster.until('it leads', () => cluster.leads);
      }
    }
    await cluster.pass(20_000);
    const stopped = preempted(cluster);
    for (const line of stopped) {
      const [, victim, by] = /^(\w+)\/main\.\d+: preempted by (\w+)\//.exec(line)!;
      assert.ok(priorities.get(by!)! > priorities.get(victim!)!, `seed ${seed}: ${line}`);
    }
    count += stopped.length;
    await cluster.pass(60_000);
    assert.deepEqual(preempted(cluster), stopped, `seed ${seed}: it goes on and on`);
    for (const task of cluster.manager.mirror.tasks.values()) {
      if (task.state === 'pending') assert.doesNotMatch(task.reason!, /^waits for/, `seed ${seed}: ${task.slot}`);
    }
  }
  assert.ok(count > 50, `${count} were preempted`);
});
