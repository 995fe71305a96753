/** What ends while the node is dead is accounted when it is back: with its exit code, and by its policy. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { label } from '../../src/core/ids.ts';
import { testEngine, testImage } from '../support/engine.ts';
import { startNode, type NodeProcess } from '../support/node-process.ts';
import { assertOneEach, containers, done, eventually, inspect, submit, tasksOf } from './help.ts';

const { skip, docker } = await testEngine();

/** Waits for a file, then does something. */
function waiting(name: string, then: string, more: string): string {
  const command = `[/bin/sh, -c, "echo began; while [ ! -e /tmp/go ]; do sleep 0.1; done; ${then}"]`;
  return `name: ${name}\n${more.includes('type:') ? 'type: batch\n' : ''}tasks: {t: {image: "${testImage}", command: ${command}, ${more.replace('type: batch, ', '')}}}\n`;
}

/** Lets a task's container go on, and waits until it has ended. */
async function letGo(node: NodeProcess, job: string): Promise<void> {
  const [one] = await containers({ [label.node]: node.nodeId, [label.job]: job });
  const container = docker.getContainer(one!.Id);
  const exec = await container.exec({ Cmd: ['/bin/sh', '-c', ': > /tmp/go'] });
  (await exec.start({ Detach: true })).destroy();
  await container.wait();
}

test('an exit, a batch that completes and a death for want of memory, all while the node is dead, are accounted', { skip }, async (t) => {
  const node = await startNode(t);
  const jobs = {
    exits: waiting('exits', 'exit 7', 'restart: {on: never}'),
    restarts: waiting('restarts', 'exit 7', 'restart: {on: always, delay: 10ms, attempts: 50}'),
    completes: waiting('completes', 'exit 0', 'type: batch, restart: {on: never}'),
    starves: waiting('starves', 'tail /dev/zero', 'restart: {on: never}, resources: {memory: 16MiB}'),
  };
  for (const job of Object.values(jobs)) {
    if (job.includes('type: batch')) done(await node.cube(['submit', '--detach', '-'], { input: job }));
    else await submit(node, job);
  }
  await eventually('all run', async () => (await containers({ [label.node]: node.nodeId }, false)).length === 4);
  await eventually('and that is known', async () => (await node.client().status()).tasks.every(({ state }) => state === 'running'));
  await node.kill();
  await Promise.all(Object.keys(jobs).map((job) => letGo(node, job)));
  await node.start();
  const taskOf = (job: string, state: string) =>
    eventually(`${job} is ${state}`, async () => (await tasksOf(node, job)).find((one) => one.state === state));
  const exits = await taskOf('exits', 'failed');
  assert.deepEqual([exits.exitCode, exits.restarts], [7, 0]);
  const completes = await taskOf('completes', 'completed');
  assert.deepEqual([completes.exitCode, completes.restarts], [0, 0]);
  const starves = await taskOf('starves', 'failed');
  assert.equal(starves.exitCode, 137);
  assert.match(starves.reason ?? '', /out of memory \(limit 16 MiB\)/);
  const restarts = await taskOf('restarts', 'running');
  assert.deepEqual([restarts.restarts, restarts.attempt], [1, 2]);
  assert.equal((await inspect(restarts.containerId!)).State.Running, true);
  assertOneEach(await containers({ [label.node]: node.nodeId }, false));
  // What they wrote is there, too, that of the attempt before as well.
  assert.match(done(await node.cube(['logs', exits.id])).stdout, /began/);
  const both = await eventually('both attempts have written', async () => {
    const { stdout } = done(await node.cube(['logs', restarts.id]));
    return stdout.match(/began/g)?.length === 2 && stdout;
  });
  assert.ok(both);
  await eventually('the container of the attempt before is gone', async () => {
    return (await containers({ [label.node]: node.nodeId, [label.job]: 'restarts' })).length === 1;
  });
});
