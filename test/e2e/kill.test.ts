/** A node that is killed right after it said yes: what was accepted is there afterwards, and nothing is there twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { label } from '../../src/core/ids.ts';
import { testEngine } from '../support/engine.ts';
import { startNode } from '../support/node-process.ts';
import { assertOneEach, containers, done, eventually, running, sleeper, submit } from './help.ts';

const { skip } = await testEngine();

const kills = 20;
const delayMsMax = 300;

/** Each fourth job is a batch whose tasks end while the node is away. */
function job(round: number): string {
  const isBatch = round % 4 === 3;
  const command = isBatch ? '[/bin/true]' : '[/bin/sleep, "10000"]';
  const type = isBatch ? 'batch' : 'service';
  return `name: job-${round}\ntype: ${type}\ntasks: {t: {image: "busybox:latest", command: ${command}, count: 2, stopGrace: 0s}}`;
}

test(`a node killed ${kills} times after "accepted" keeps every job, and runs no task twice`, { skip }, async (t) => {
  const node = await startNode(t);
  for (let round = 0; round < kills; round++) {
    done(await node.cube(['submit', '--detach', '-'], { input: job(round) }));
    await sleep((round * delayMsMax) / (kills - 1));
    await node.kill();
    await node.start();
    const names = (await node.client().jobs()).jobs.map(({ name }) => name);
    assert.ok(names.includes(`job-${round}`), `job-${round} is lost: ${names.join(', ')}`);
    assert.equal(names.length, round + 1);
  }
  const client = node.client();
  const status = await eventually('all jobs run or are completed', async () => {
    const now = await client.status();
    return now.jobs.every((one) => one.status === (one.type === 'batch' ? 'completed' : 'running')) && now;
  });
  const ofNode = { [label.node]: node.nodeId };
  assertOneEach(await containers(ofNode, false));
  assertOneEach(await containers(ofNode), label.id);
  assertOneEach(await containers(ofNode), label.slot);
  assert.deepEqual(
    status.tasks.filter(({ containerId }) => containerId === null),
    [],
    'a task without a container',
  );
  assert.deepEqual(
    (await containers(ofNode)).map(({ Id }) => Id).toSorted(),
    status.tasks.map(({ containerId }) => containerId!).toSorted(),
  );
  for (const task of status.tasks) assert.deepEqual([task.slot, task.attempt, task.restarts], [task.slot, 1, 0]);
});

test('a stop and a change that were accepted are carried out after a kill', { skip }, async (t) => {
  const node = await startNode(t);
  await submit(node, sleeper('stops', 'count: 3'));
  await submit(node, sleeper('changes', 'count: 3, env: {A: "1"}'));
  const before = (await running(node, 'changes')).map(({ Id }) => Id);
  await node.client().stopJob('stops');
  done(await node.cube(['submit', '--detach', '-'], { input: sleeper('changes', 'count: 3, env: {A: "2"}') }));
  await node.kill();
  await node.start();
  const { jobs } = await eventually('one is stopped, the other runs anew', async () => {
    const status = await node.client().status();
    const isOver = status.jobs.find(({ name }) => name === 'stops')?.status === 'stopped';
    const ids = (await running(node, 'changes')).map(({ Id }) => Id);
    return isOver && ids.length === 3 && !ids.some((id) => before.includes(id)) && status;
  });
  assert.equal(jobs.find(({ name }) => name === 'changes')?.version, 2);
  assert.deepEqual(await running(node, 'stops'), []);
  assertOneEach(await running(node, 'changes'));
});
