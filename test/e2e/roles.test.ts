/** A manager and its workers as processes of their own on one machine, as the seeds start them. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { label } from '../../src/core/ids.ts';
import type { NodeJson } from '../../src/core/views.ts';
import { testEngine } from '../support/engine.ts';
import { startNode, type NodeProcess } from '../support/node-process.ts';
import { assertOneEach, containers, document, done, eventually, pidsOf, sleeper, submit, tasksOf } from './help.ts';

const { skip } = await testEngine();

interface Cluster {
  readonly manager: NodeProcess;
  readonly workers: readonly NodeProcess[];
}

/** Workers that listen, and a manager that dials them; all share one data directory. */
async function startCluster(
  t: Parameters<typeof startNode>[0],
  names: readonly string[],
  limits: readonly string[] = [],
): Promise<Cluster> {
  const first = await startNode(t, { command: 'worker', args: ['--name', names[0]!] });
  const others = names.slice(1).map((name) => startNode(t, { command: 'worker', args: ['--name', name], data: first.data }));
  const workers = [first, ...(await Promise.all(others))];
  const addresses = workers.map(({ url }) => new URL(url).host).join(',');
  // In turns: by what was measured, two workers of one host differ by chance.
  const args = ['--name', 'head', '--workers', addresses, '--scheduler', 'roundrobin', ...limits.flatMap((limit) => ['--limit', limit])];
  const manager = await startNode(t, { command: 'manager', args, data: first.data });
  await nodesReady(manager, names);
  return { manager, workers };
}

function nodesReady(manager: NodeProcess, names: readonly string[]): Promise<unknown> {
  return eventually(`${names.join(', ')} are ready`, async () => {
    const nodes = await nodesOf(manager);
    return names.every((name) => nodes.some((node) => node.name === name && node.state === 'ready'));
  });
}

async function nodesOf(manager: NodeProcess): Promise<readonly NodeJson[]> {
  return document(done(await manager.cube(['nodes', '-o', 'json'])).stdout) as NodeJson[];
}

/** Containers of a job that run, on whichever worker. */
async function runningOf(job: string, workers: readonly NodeProcess[]) {
  const lists = workers.map(({ nodeId }) => containers({ [label.node]: nodeId, [label.job]: job }, false));
  return (await Promise.all(lists)).flat();
}

test('a job runs through a manager and a worker, and both may be killed without harm', { skip }, async (t) => {
  const { manager, workers } = await startCluster(t, ['one']);
  const [worker] = workers;
  await submit(manager, sleeper('pair', 'count: 2'));
  const pids = await pidsOf(await runningOf('pair', workers));
  assert.equal(Object.keys(pids).length, 2);
  await worker!.kill();
  await worker!.start();
  await nodesReady(manager, ['one']);
  assert.deepEqual(await pidsOf(await runningOf('pair', workers)), pids);
  await manager.kill();
  assert.deepEqual(await pidsOf(await runningOf('pair', workers)), pids);
  await manager.start();
  await nodesReady(manager, ['one']);
  assert.deepEqual(await pidsOf(await runningOf('pair', workers)), pids);
  const tasks = await tasksOf(manager, 'pair');
  assert.deepEqual(
    tasks.map(({ state, restarts, node }) => [state, restarts, node]),
    [
      ['running', 0, 'one'],
      ['running', 0, 'one'],
    ],
  );
  // Orders go through as before.
  await submit(manager, sleeper('pair', 'count: 3'));
  assert.equal((await runningOf('pair', workers)).length, 3);
  done(await manager.cube(['stop', 'pair']));
  assert.equal((await runningOf('pair', workers)).length, 0);
});

test('tasks of a worker that does not come back run elsewhere, and once each when it does', { skip }, async (t) => {
  const { manager, workers } = await startCluster(t, ['one', 'two'], ['nodeSuspectMs=2500', 'nodeDownMs=3500']);
  const [one, two] = workers as [NodeProcess, NodeProcess];
  await submit(manager, sleeper('move', 'count: 4, resources: {cpu: 0.1}'));
  const before = await pidsOf(await runningOf('move', [two]));
  const lost = await runningOf('move', [one]);
  assert.equal(lost.length, 2, 'the tasks are not spread');
  await one.kill();
  await eventually('all four run on the other worker', async () => (await runningOf('move', [two])).length === 4);
  const moved = await pidsOf(await runningOf('move', [two]));
  for (const [id, pid] of Object.entries(before)) assert.equal(moved[id], pid, 'a task of the other worker was touched');
  assertOneEach(await runningOf('move', [two]));
  const down = (await nodesOf(manager)).find(({ name }) => name === 'one');
  assert.equal(down?.state, 'down');
  assert.equal((await runningOf('move', [one])).length, 2, 'what the manager cannot see was stopped');
  await one.start();
  await nodesReady(manager, ['one', 'two']);
  const all = await eventually('each slot has one task', async () => {
    const list = await runningOf('move', workers);
    return list.length === 4 && list;
  });
  assertOneEach(all);
  const ids = all.map(({ Id }) => Id);
  assert.ok(
    lost.every(({ Id }) => ids.includes(Id)),
    'the originals were not kept',
  );
  const tasks = await tasksOf(manager, 'move');
  assert.deepEqual(
    tasks
      .filter(({ state }) => state === 'running')
      .map(({ containerId }) => containerId!)
      .toSorted(),
    ids.toSorted(),
  );
});

test('a manager that a worker does not let in, and one of another cluster, are told so', { skip }, async (t) => {
  const { manager, workers } = await startCluster(t, ['one']);
  const worker = workers[0]!;
  await submit(manager, sleeper('mine'));
  await manager.kill();
  const address = new URL(worker.url).host;
  const args = ['--name', 'other', '--workers', address];
  const stranger = await startNode(t, { command: 'manager', args });
  await eventually('the stranger hears why', async () => stranger.stderr.includes(`${address} does not know the token`));
  // One that has the token still leads another cluster.
  await stranger.kill();
  copyFileSync(join(worker.data, 'join.token'), join(stranger.data, 'join.token'));
  await stranger.start();
  await eventually('it hears why', async () => /node one is refused: this worker belongs to cluster/.test(stranger.stderr));
  assert.deepEqual(await nodesOf(stranger), []);
  assert.equal((await runningOf('mine', workers)).length, 1);
});
