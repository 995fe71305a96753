/** A node that stops and starts again: its containers go on, and one data directory has one node. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { label } from '../../src/core/ids.ts';
import { testEngine } from '../support/engine.ts';
import { startNode } from '../support/node-process.ts';
import { containers, document, done, eventually, inspect, pidsOf, running, sleeper, submit, tasksOf } from './help.ts';

const { skip } = await testEngine();

test('Ctrl-C leaves the containers running, and the next node takes them up as they are', { skip }, async (t) => {
  const node = await startNode(t);
  await submit(node, sleeper('stay', 'count: 2'));
  const pids = await pidsOf(await running(node, 'stay'));
  assert.equal(Object.keys(pids).length, 2);
  const { code, signal, stderr } = await node.interrupt();
  assert.deepEqual([code, signal], [0, null]);
  assert.match(stderr, /containers go on/);
  assert.equal(existsSync(join(node.data, 'node.json')), false, 'its address is left behind');
  assert.deepEqual(await pidsOf(await running(node, 'stay')), pids);
  assert.equal((await node.cube(['status'])).code, 3);
  await node.start();
  await eventually('the tasks are known to run', async () => (await tasksOf(node, 'stay')).every(({ state }) => state === 'running'));
  assert.deepEqual(await pidsOf(await running(node, 'stay')), pids);
  const tasks = await tasksOf(node, 'stay');
  assert.deepEqual(
    tasks.map(({ restarts, attempt, containerId }) => [restarts, attempt, (containerId ?? '') in pids]),
    [
      [0, 1, true],
      [0, 1, true],
    ],
  );
});

test('what ended while the node was away is told afterwards, and started again by its policy', { skip }, async (t) => {
  const { docker } = await testEngine();
  const node = await startNode(t);
  await submit(node, sleeper('dead', 'restart: {delay: 10ms}'));
  await submit(node, sleeper('gone', 'restart: {delay: 10ms}'));
  const [dead] = await running(node, 'dead');
  const [gone] = await running(node, 'gone');
  await node.kill();
  await docker.getContainer(dead!.Id).kill();
  await docker.getContainer(gone!.Id).remove({ force: true });
  await node.start();
  for (const job of ['dead', 'gone']) {
    const task = await eventually(`${job} runs again`, async () => (await tasksOf(node, job)).find((one) => one.state === 'running'));
    assert.equal(task.restarts, 1);
    assert.deepEqual(
      (await running(node, job)).map(({ Id }) => Id),
      [task.containerId],
    );
  }
});

test('a second node on the same data directory says who holds it', { skip }, async (t) => {
  const node = await startNode(t);
  const second = await node.cube(['up', '--data', node.data, '--listen', '127.0.0.1:0']);
  assert.equal(second.code, 5);
  assert.match(second.stderr, new RegExp(`is held by node \\S+ \\(pid ${node.pid}, ${node.url}, since `));
  const asJson = await node.cube(['up', '--data', node.data, '--listen', '127.0.0.1:0', '-o', 'json']);
  assert.equal((document(asJson.stdout) as { error: { code: string } }).error.code, 'data-held');
  done(await node.cube(['status']));
});

test('with --stop-tasks the containers stop with the node, and come back with it', { skip }, async (t) => {
  const node = await startNode(t, { args: ['--stop-tasks'] });
  await submit(node, sleeper('leave', 'count: 2'));
  const before = await running(node, 'leave');
  assert.equal((await node.interrupt()).code, 0);
  for (const { Id } of before) assert.equal((await inspect(Id)).State.Running, false);
  assert.equal((await containers({ [label.node]: node.nodeId }, false)).length, 0);
  await node.start();
  await eventually('the service runs again', async () => (await running(node, 'leave')).length === 2);
});
