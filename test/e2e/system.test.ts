/** System jobs and data centers: a manager and workers as processes of their own, which join and leave. Tasks are processes. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tempDirectory } from '../cli/run-cli.ts';
import { startNode, type NodeProcess } from '../support/node-process.ts';
import { done, eventually, submit, isAlive } from './help.ts';

const noEngine = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };

/** A manager that packs what it places: what is spread all the same is so because its job wants it. */
function startManager(t: TestContext): Promise<NodeProcess> {
  return startNode(t, { command: 'manager', args: ['--name', 'head', '--scheduler', 'binpack'] });
}

/** A worker that joins, in a data center of its own. */
async function startWorker(t: TestContext, manager: NodeProcess, name: string, ...args: readonly string[]): Promise<NodeProcess> {
  const joining = ['--join', manager.url, '--join-token-file', join(manager.data, 'join.token')];
  const settings = ['--name', name, '--dc', `dc-${name}`, '--runtime', 'process', ...joining, ...args];
  const worker = await startNode(t, { command: 'worker', args: settings, env: noEngine });
  await isReady(manager, name);
  return worker;
}

function isReady(manager: NodeProcess, name: string): Promise<unknown> {
  return eventually(`${name} is ready`, async () =>
    (await manager.client().nodes()).some((node) => node.name === name && node.state === 'ready'),
  );
}

/** Names of the nodes on which a job's tasks run, one a task. */
async function placesOf(manager: NodeProcess, job: string): Promise<readonly (string | null)[]> {
  const { tasks } = await manager.client().status({ job });
  return tasks
    .flatMap(({ state, desired, node }) => (state === 'running' && desired === 'running' ? [node] : []))
    .toSorted((a, b) => (String(a) < String(b) ? -1 : 1));
}

/** Waits until a job runs on these nodes, and is well. */
async function runsOn(manager: NodeProcess, name: string, ...nodes: readonly string[]): Promise<void> {
  let seen: readonly (string | null)[] = [];
  const isSo = async (): Promise<boolean> => {
    seen = await placesOf(manager, name);
    const [job] = (await manager.client().status({ job: name })).jobs;
    return seen.join() === nodes.join() && job?.status === 'running' && job.desired === nodes.length;
  };
  await eventually(`${name} runs on ${nodes.join(', ')}`, isSo).catch((thrown: unknown) => {
    throw new Error(`it runs on ${seen.join(', ')}`, { cause: thrown });
  });
}

test('a system job appears on nodes that join later, leaves one that is removed, and runs once on one that returns', async (t) => {
  const manager = await startManager(t);
  await startWorker(t, manager, 'one');
  const begun = join(tempDirectory(t), 'begun');
  const script = `echo $$ >>${begun}; exec sleep 10000`;
  await submit(
    manager,
    `name: agent\ntype: system\ntasks: {t: {image: none, command: [/bin/sh, -c, "${script}"], stopGrace: 1s}}\n`,
    '--timeout',
    '30s',
  );
  const alive = (): number[] => (existsSync(begun) ? readFileSync(begun, 'utf8').trimEnd().split('\n').map(Number) : []).filter(isAlive);
  await runsOn(manager, 'agent', 'one');
  const [two] = await Promise.all([startWorker(t, manager, 'two'), startWorker(t, manager, 'three')]);
  await runsOn(manager, 'agent', 'one', 'three', 'two');
  const [first] = alive();
  assert.equal(alive().length, 3);

  assert.equal((await manager.cube(['nodes', 'rm', 'two'])).code, 5, 'it is connected');
  await two.interrupt();
  await eventually('it can be removed', async () => (await manager.cube(['nodes', 'rm', 'two'])).code === 0);
  await runsOn(manager, 'agent', 'one', 'three');
  assert.deepEqual((await manager.client().nodes()).map(({ name }) => name).toSorted(), ['one', 'three']);

  await two.start();
  await isReady(manager, 'two');
  await runsOn(manager, 'agent', 'one', 'three', 'two');
  await eventually('one runs on each', () => Promise.resolve(alive().length === 3));
  assert.equal(alive()[0], first, 'a node that had nothing to do with it was touched');
});

test('a service is spread over its data centers, and stays out of others', async (t) => {
  const manager = await startManager(t);
  await Promise.all(['a', 'b', 'c'].map((name) => startWorker(t, manager, name)));
  const job = (centers: string): string =>
    `name: wide\ndatacenters: [${centers}]\ntasks: {t: {image: none, command: [/bin/sleep, "10000"], count: 4, stopGrace: 0s, resources: {cpu: 0.01}}}\n`;
  await submit(manager, job('dc-a, dc-b'));
  await runsOn(manager, 'wide', 'a', 'a', 'b', 'b');
  // Those that are where they may be stay.
  const before = (await manager.client().status({ job: 'wide' })).tasks.filter(({ node }) => node === 'b').map(({ id }) => id);
  await submit(manager, job('dc-b, dc-c'));
  await runsOn(manager, 'wide', 'b', 'b', 'c', 'c');
  const after = (await manager.client().status({ job: 'wide' })).tasks.filter(({ node, state }) => node === 'b' && state === 'running');
  assert.deepEqual(after.map(({ id }) => id).toSorted(), before.toSorted());
});

test('tasks of a system job follow the labels of nodes', async (t) => {
  const manager = await startManager(t);
  await Promise.all([startWorker(t, manager, 'a', '--label', 'disk=ssd'), startWorker(t, manager, 'b')]);
  const task = '{image: none, command: [/bin/sleep, "10000"], stopGrace: 0s, constraints: ["label.disk == ssd"]}';
  await submit(manager, `name: fast\ntype: system\ntasks: {t: ${task}}\n`);
  await runsOn(manager, 'fast', 'a');
  done(await manager.cube(['nodes', 'label', 'b', 'disk=ssd']));
  await runsOn(manager, 'fast', 'a', 'b');
  done(await manager.cube(['nodes', 'label', 'a', 'disk-']));
  await runsOn(manager, 'fast', 'b');
  done(await manager.cube(['nodes', 'eligible', 'b', 'off']));
  await runsOn(manager, 'fast', 'b');
});
