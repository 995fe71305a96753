/** Ports of real containers: free ones, fixed ones, and `cube run`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testEngine, testImage } from '../support/engine.ts';
import { freePort } from '../support/free-port.ts';
import { sharedNode } from '../support/node-process.ts';
import { done, eventually, inspect, sleeper, submit, tasksOf } from './help.ts';

const { docker, skip } = await testEngine();
const theNode = sharedNode({ args: ['--ports', '23100-23119'] });

/** What is served on a port, once it is. */
async function served(port: number): Promise<string> {
  return eventually(`an answer on port ${port}`, () =>
    fetch(`http://127.0.0.1:${port}/hostname`).then(
      (answer) => answer.text(),
      () => undefined,
    ),
  );
}

test("free ports come from the node's range, one an instance, and survive restarts", { skip }, async () => {
  const node = await theNode();
  const command = `[/bin/httpd, -f, -p, "80", -h, /etc]`;
  await submit(
    node,
    `name: free\ntasks: {t: {image: "${testImage}", command: ${command}, count: 2, ports: ["80"], stopGrace: 0s, restart: {delay: 10ms}}}`,
  );
  const tasks = await tasksOf(node, 'free');
  const ports = tasks.map((task) => task.ports[0]!.host);
  assert.equal(new Set(ports).size, 2);
  for (const [at, task] of tasks.entries()) {
    assert.ok(ports[at]! >= 23_100 && ports[at]! <= 23_119);
    const { NetworkSettings } = await inspect(task.containerId!);
    assert.deepEqual(NetworkSettings.Ports['80/tcp'], [{ HostIp: '127.0.0.1', HostPort: String(ports[at]) }]);
    assert.equal((await served(ports[at]!)).trim(), task.containerId!.slice(0, 12));
  }
  await docker.getContainer(tasks[0]!.containerId!).kill();
  const again = await eventually('it runs again', async () => {
    const task = (await tasksOf(node, 'free')).find(({ slot }) => slot === tasks[0]!.slot);
    return task?.state === 'running' && task.restarts === 1 && task;
  });
  assert.equal(again.ports[0]?.host, ports[0]);
  assert.equal((await served(ports[0]!)).trim(), again.containerId!.slice(0, 12));
});

test('one container port may have several host ports, of tcp and of udp', { skip }, async () => {
  const node = await theNode();
  const [a, b] = [await freePort(), await freePort()];
  await submit(node, sleeper('many', `ports: ["${a}:80", "0.0.0.0:${b}:80", "${a}:53/udp"]`));
  const { NetworkSettings } = await inspect((await tasksOf(node, 'many'))[0]!.containerId!);
  assert.deepEqual(NetworkSettings.Ports['53/udp'], [{ HostIp: '127.0.0.1', HostPort: String(a) }]);
  assert.deepEqual(NetworkSettings.Ports['80/tcp']?.map(({ HostIp, HostPort }) => `${HostIp}:${HostPort}`).toSorted(), [
    `0.0.0.0:${b}`,
    `127.0.0.1:${a}`,
  ]);
});

test('`cube run` makes a job of one task, which stops with it', { skip }, async () => {
  const node = await theNode();
  const port = await freePort();
  const options = ['--name', 'quick', '--port', `${port}:80`, '--env', 'A=b=c', '--cpu', '0.5', '--memory', '32MiB'];
  done(await node.cube(['run', testImage, ...options, '--', '/bin/sh', '-c', 'trap "exit 0" TERM; httpd -f -h /etc & wait']));
  const [task] = await tasksOf(node, 'quick');
  const { Config, HostConfig } = await inspect(task!.containerId!);
  assert.ok(Config.Env.includes('A=b=c'));
  assert.deepEqual([HostConfig.Memory, HostConfig.NanoCpus], [32 * 2 ** 20, 500_000_000]);
  assert.equal((await served(port)).trim(), task!.containerId!.slice(0, 12));
  done(await node.cube(['stop', task!.id.slice(0, 8)]));
  const told = JSON.parse(done(await node.cube(['status', 'quick', '-o', 'json'])).stdout) as { jobs: { status: string }[] };
  assert.equal(told.jobs[0]?.status, 'stopped');
});

test('`cube run --batch` ends with the task', { skip }, async () => {
  const node = await theNode();
  done(await node.cube(['run', testImage, '--name', 'good', '--batch', '--', '/bin/true']));
  assert.deepEqual(
    (await tasksOf(node, 'good')).map(({ state }) => state),
    ['completed'],
  );
});
