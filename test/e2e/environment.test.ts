/** What a task is told of itself, in containers and in processes. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { label } from '../../src/core/ids.ts';
import type { PortBinding } from '../../src/core/task.ts';
import { testEngine, testImage } from '../support/engine.ts';
import { startNode, type NodeProcess } from '../support/node-process.ts';
import { containers, done, eventually, inspect, submit, tasksOf } from './help.ts';

const engine = await testEngine();

const script =
  'echo $CUBE_JOB $CUBE_TASK $CUBE_SLOT $CUBE_INDEX $CUBE_NODE $CUBE_PORT_8080 $CUBE_PORT_53_UDP; echo $MINE; exec sleep 10000';

/** A service of two that tells its variables. */
const tells = `name: tells
tasks:
  main:
    image: busybox:latest
    command: [/bin/sh, -c, "${script}", "\${CUBE_SLOT}"]
    count: 2
    ports: ["8080", "53/udp"]
    env: {MINE: "\${CUBE_JOB}-\${CUBE_INDEX}:\${CUBE_PORT_8080}"}
    stopGrace: 0s
`;

async function tellsOfItself(node: NodeProcess): Promise<void> {
  await submit(node, tells);
  const tasks = await tasksOf(node, 'tells');
  assert.equal(tasks.length, 2);
  for (const [at, { slot, ports }] of tasks.entries()) {
    const hostOf = (protocol: PortBinding['protocol']): number => ports.find((port) => port.protocol === protocol)!.host;
    const { stdout } = done(await node.cube(['logs', slot]));
    const expected = `tells main ${slot} ${at + 1} bar ${hostOf('tcp')} ${hostOf('udp')}\ntells-${at + 1}:${hostOf('tcp')}\n`;
    assert.equal(stdout, expected);
    const { stdout: inside } = done(await node.cube(['exec', slot, '--', '/bin/sh', '-c', 'echo $CUBE_SLOT $MINE']));
    assert.equal(inside, `${slot} tells-${at + 1}:${hostOf('tcp')}\n`);
  }
}

test('a container is told its job, task, slot, index, node and ports, and so is a command in it', { skip: engine.skip }, async (t) => {
  await tellsOfItself(await startNode(t, { args: ['--name', 'bar'] }));
});

test('a process is told the same', async (t) => {
  await tellsOfItself(
    await startNode(t, { args: ['--name', 'bar', '--runtime', 'process'], env: { DOCKER_HOST: 'unix:///nonexistent/docker.sock' } }),
  );
});

test('a task of the seeds’ API is told the same', { skip: engine.skip }, async (t) => {
  const node = await startNode(t, { args: ['--name', 'bar', '--open-loopback'] });
  const id = randomUUID();
  const body = JSON.stringify({ ID: randomUUID(), State: 2, Task: { ID: id, State: 1, Name: 'seed', Image: testImage } });
  const { status } = await fetch(`${node.url}/tasks`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  assert.equal(status, 201);
  const [made] = await eventually('its container', async () => {
    const list = await containers({ [label.node]: node.nodeId });
    return list.length > 0 && list;
  });
  const { Config } = await inspect(made!.Id);
  const slot = Config.Labels[label.slot]!;
  for (const line of [`CUBE_SLOT=${slot}`, 'CUBE_INDEX=1', 'CUBE_NODE=bar']) assert.ok(Config.Env.includes(line), Config.Env.join(' '));
});
