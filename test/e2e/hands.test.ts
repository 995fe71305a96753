/** What people do to containers by hand: Cube notices at once, counts it as what it is, and doubles nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import type { TaskJson } from '../../src/core/views.ts';
import { label } from '../../src/core/ids.ts';
import { testEngine, testImage } from '../support/engine.ts';
import { sharedNode, type NodeProcess } from '../support/node-process.ts';
import { containers, done, eventually, inspect, pidsOf, running, submit, tasksOf } from './help.ts';

const { skip, docker } = await testEngine();

const args = ['--limit', 'sweepMs=500', '--limit', 'orphanGraceMs=2000'];
const shared = sharedNode({ args });

/** A service that says who it is, and starts again so soon after its end that the end can just be seen. */
function service(name: string): string {
  const restart = 'restart: {on: always, attempts: 100, delay: 200ms, backoff: 1}';
  const command = '[/bin/sh, -c, "echo hello from $HOSTNAME; trap \'exit 0\' TERM; while :; do sleep 0.1; done"]';
  return `name: ${name}\ntasks: {t: {image: "${testImage}", command: ${command}, stopGrace: 2s, ${restart}}}\n`;
}

/** Starts a service, and gives its container. */
async function startService(name: string): Promise<{ node: NodeProcess; container: Dockerode.Container; id: string }> {
  const node = await shared();
  await submit(node, service(name));
  const [first] = await running(node, name);
  return { node, container: docker.getContainer(first!.Id), id: first!.Id };
}

/** The task once it runs in another container than before, and that is the only one left. */
async function again(node: NodeProcess, name: string, before: string): Promise<TaskJson> {
  return eventually(`${name} runs anew, alone`, async () => {
    const all = await containers({ [label.node]: node.nodeId, [label.job]: name });
    const [task] = await tasksOf(node, name);
    const [one, ...others] = all;
    const isNew = one !== undefined && others.length === 0 && one.Id !== before && one.State === 'running';
    return isNew && task?.state === 'running' && task.containerId === one.Id && task;
  });
}

const ends: readonly (readonly [string, (container: Dockerode.Container) => Promise<unknown>, number, RegExp])[] = [
  ['docker kill', (container) => container.kill(), 137, /signal 9/],
  ['docker stop', (container) => container.stop({ t: 5 }), 0, /signal 15|exit code 0/],
  ['docker rm -f', (container) => container.remove({ force: true }), 137, /removed by somebody else|signal 9/],
  ['docker restart', (container) => container.restart({ t: 0 }), 0, /somebody else|exit code 0/],
];

for (const [at, [command, act, exitCode, reason]] of ends.entries()) {
  test(`${command} ends the attempt: a new container takes its place, alone, and the end is accounted`, { skip }, async () => {
    const name = `ends-${at}`;
    const { node, container, id } = await startService(name);
    await act(container);
    const task = await again(node, name, id);
    assert.deepEqual([task.attempt, task.restarts], [2, 1]);
    const events = done(await node.cube(['events', '--job', name, '--since', '1h', '-o', 'json'])).stdout;
    const ended = events
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { to: string; cause: string })
      .find(({ to }) => to === 'backingOff');
    assert.match(ended?.cause ?? '', reason);
    assert.ok(exitCode === 0 || !/exit code 0/.test(ended!.cause));
    // It stays so: nothing comes back under the old name.
    await sleep(3_000);
    assert.equal((await again(node, name, id)).restarts, 1);
  });
}

test('pause, rename and update end nothing, and the container is still known', { skip }, async () => {
  const { node, container, id } = await startService('stays');
  const pids = await pidsOf(await running(node, 'stays'));
  await container.pause();
  await container.rename({ name: `renamed-${id.slice(0, 12)}` });
  await sleep(1_500);
  const [paused] = await tasksOf(node, 'stays');
  assert.deepEqual([paused?.state, paused?.restarts, paused?.containerId], ['running', 0, id]);
  await container.unpause();
  await container.update({ CpuShares: 512 });
  await sleep(3_000);
  assert.deepEqual(await pidsOf(await running(node, 'stays')), pids);
  assert.match(done(await node.cube(['logs', 'stays'])).stdout, /hello from/);
  // Also after a crash of the node it is known by its id, and the next attempt has the name that this one lost.
  await node.kill();
  await node.start(args);
  await eventually('it is known to run', async () => (await tasksOf(node, 'stays'))[0]?.state === 'running');
  await sleep(3_000);
  assert.deepEqual(await pidsOf(await running(node, 'stays')), pids);
  await container.kill();
  assert.equal((await again(node, 'stays', id)).restarts, 1);
  done(await node.cube(['stop', 'stays']));
  await eventually('it has stopped', async () => (await running(node, 'stays')).length === 0);
});

test('a paused container can be stopped', { skip }, async () => {
  const { node, container } = await startService('paused');
  await container.pause();
  done(await node.cube(['stop', 'paused']));
  await eventually('it has stopped', async () => (await running(node, 'paused')).length === 0);
});

test('a second container with the labels of a task goes after a grace, with a warning; the real one is not touched', { skip }, async () => {
  const { node, id } = await startService('double');
  const { Config } = await inspect(id);
  const name = `by-hand-${id.slice(0, 12)}`;
  const fake = await docker.createContainer({ name, Image: testImage, Cmd: ['sleep', '1000'], Labels: Config.Labels });
  await fake.start();
  await eventually('the one made by hand is gone', async () => (await running(node, 'double')).every((one) => one.Id !== fake.id));
  assert.match(node.stderr, new RegExp(`container ${name} is beside the one that double/t.1 should have`));
  const [task] = await tasksOf(node, 'double');
  assert.deepEqual([task?.state, task?.restarts, task?.containerId], ['running', 0, id]);
});

test(
  'a container of this node that nobody owns goes after a grace, with a warning; those of others are never touched',
  { skip },
  async (t) => {
    const { node, id } = await startService('owner');
    const { Config } = await inspect(id);
    const make = async (labels: Record<string, string>): Promise<Dockerode.Container> => {
      const made = await docker.createContainer({ Image: testImage, Cmd: ['sleep', '1000'], Labels: labels });
      t.after(() => made.remove({ force: true }).catch(() => undefined));
      await made.start();
      return made;
    };
    const others = await Promise.all([
      make({}),
      make({ [label.id]: 'nobody', [label.attempt]: '1' }),
      make({ ...Config.Labels, [label.node]: 'another', [label.id]: 'nobody' }),
      make({ ...Config.Labels, [label.cluster]: 'another', [label.id]: 'nobody' }),
    ]);
    const orphan = await make({ ...Config.Labels, [label.id]: 'nobody' });
    const { Name } = await orphan.inspect();
    await eventually('it is told of', async () => node.stderr.includes(`nobody owns ${Name.slice(1)}: stopped and removed in 2s`));
    assert.equal((await orphan.inspect()).State.Running, true);
    await eventually('the orphan is gone', () =>
      orphan.inspect().then(
        () => false,
        () => true,
      ),
    );
    for (const other of others) assert.equal((await other.inspect()).State.Running, true);
    assert.equal((await inspect(id)).State.Running, true);
  },
);

test('logs go on over the attempts of a task, also when their containers are gone, and say what was lost by hand', { skip }, async () => {
  const { node, container, id } = await startService('talks');
  await container.kill();
  const second = await again(node, 'talks', id);
  await docker.getContainer(second.containerId!).remove({ force: true });
  const third = await again(node, 'talks', second.containerId!);
  const hosts = [id, third.containerId!].map((one) => `hello from ${one.slice(0, 12)}`);
  const { stdout } = done(await node.cube(['logs', third.id]));
  const lines = stdout.split('\n').filter((line) => line !== '');
  assert.equal(lines.length, 3, stdout);
  assert.ok(lines[0]!.includes(hosts[0]!) && lines[2]!.includes(hosts[1]!), stdout);
  assert.match(lines[1]!, /attempt 2 was removed by somebody else, and its output with it/);
  const tail = done(await node.cube(['logs', third.id, '--tail', '1'])).stdout;
  assert.ok(tail.includes(hosts[1]!) && !tail.includes(hosts[0]!));
  done(await node.cube(['stop', 'talks']));
  await eventually('it has stopped', async () => (await running(node, 'talks')).length === 0);
  await docker.getContainer(third.containerId!).remove({ force: true });
  const after = done(await node.cube(['logs', third.id])).stdout;
  assert.ok(after.includes(hosts[0]!));
  assert.match(after, /attempt 3 was removed by somebody else/);
});
