/** Health checks on a real engine: http, tcp, exec and the image's own; what an unhealthy task does, and who waits for a healthy one. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import type { StatusJson, TaskJson } from '../../src/core/views.ts';
import { testEngine, testImage } from '../support/engine.ts';
import { startNode, type NodeProcess } from '../support/node-process.ts';
import { document, done, eventually, inspect, pidsOf, running, submit, tasksOf } from './help.ts';

const { skip } = await testEngine();

const serve = 'mkdir -p /www; echo ok > /www/health; exec busybox httpd -f -p 80 -h /www';
const sleep = 'while true; do sleep 0.1; done';
const quick = 'interval: 300ms, timeout: 2s, retries: 2, startPeriod: 5s';

function job(
  name: string,
  script: string,
  health: string,
  { image = testImage, policy = 'restart: {delay: 10ms, delayMax: 10ms}' } = {},
): string {
  const task = `image: "${image}", pull: never, command: [/bin/sh, -c, "${script}"], ${policy}, stopGrace: 0s`;
  return `name: ${name}\ntasks:\n  t: {${task}${health === '' ? '' : `, ${health}`}}\n`;
}

/** Runs something in a task's container, by somebody's hand. */
async function inContainer(node: NodeProcess, name: string, script: string): Promise<void> {
  const { docker } = await testEngine();
  const [container] = await running(node, name);
  const exec = await docker.getContainer(container!.Id).exec({ Cmd: ['/bin/sh', '-c', script] });
  // Its answer has no content, and yet holds the process until somebody lets it go.
  (await exec.start({ Detach: true })).destroy();
}

/** The job's only task that lives, once it is as asked for. */
function until(node: NodeProcess, name: string, what: string, is: (task: TaskJson) => boolean): Promise<TaskJson> {
  return eventually(`${name} is ${what}`, async () => (await tasksOf(node, name)).find(is));
}

/** An image with a check of its own: well while /tmp/ill is not there. */
async function checkedImage(t: TestContext): Promise<string> {
  const { docker } = await testEngine();
  const repo = `cube-health-${randomUUID().slice(0, 8)}`;
  const container = await docker.createContainer({ Image: testImage, Cmd: ['/bin/true'] });
  const change = 'HEALTHCHECK --interval=300ms --timeout=5s --retries=2 CMD test ! -e /ill';
  await container.commit({ repo, tag: 'latest', changes: change });
  await container.remove();
  t.after(() => docker.getImage(`${repo}:latest`).remove({ force: true }));
  return `${repo}:latest`;
}

test('a service with an http check is there when it is healthy; when it gets ill it is started again', { skip }, async (t) => {
  const node = await startNode(t);
  await submit(node, job('web', `sleep 1; ${serve}`, `health: {http: /health, port: 80, ${quick}}`));
  const [task] = await tasksOf(node, 'web');
  assert.deepEqual([task?.state, task?.health, task?.hasCheck, task?.restarts], ['running', 'healthy', true, 0]);
  assert.match(done(await node.cube(['status'])).stdout, /running \(healthy\)/);
  await inContainer(node, 'web', 'rm /www/health');
  const well = await until(node, 'web', 'started again and well', ({ restarts, health }) => restarts === 1 && health === 'healthy');
  assert.notEqual(well.containerId, task?.containerId);
  assert.deepEqual(
    (await running(node, 'web')).map(({ Id }) => Id),
    [well.containerId],
  );
  const { stdout } = done(await node.cube(['events', '--job', 'web']));
  assert.match(stdout, /health check failed 2 times: GET \/health answered 404/);
});

test('a service that does not get healthy is not waited for any longer than told, and the last look is told', { skip }, async (t) => {
  const node = await startNode(t);
  const patient = quick.replace('startPeriod: 5s', 'startPeriod: 15s');
  const never = job('never', serve, `health: {http: /no, port: 80, ${patient}}`, { policy: 'restart: {on: never}' });
  const outcome = await node.cube(['submit', '-', '--timeout', '8s'], { input: never });
  assert.equal(outcome.code, 124);
  assert.match(outcome.stderr, /never\/t\.1 running \(unknown\) on .*: health check: GET \/no answered 404/);
  const { stdout } = done(await node.cube(['status', '--jobs', '-o', 'json']));
  const [shown] = (document(stdout) as StatusJson).jobs;
  assert.deepEqual([shown?.running, shown?.healthy, shown?.status], [1, 0, 'deploying']);
  const ill = await until(node, 'never', 'unhealthy', ({ health }) => health === 'unhealthy');
  assert.deepEqual([ill.state, ill.restarts, ill.reason], ['running', 0, 'health check failed 2 times: GET /no answered 404']);
  await inContainer(node, 'never', 'echo > /www/no');
  await until(node, 'never', 'well', ({ health, restarts }) => health === 'healthy' && restarts === 0);
});

test('a port that takes connections, and a command that ends well, are checks, too', { skip }, async (t) => {
  const node = await startNode(t);
  await submit(node, job('tcp', serve, `health: {tcp: 80, ${quick}}`));
  await submit(node, job('exec', `touch /tmp-well; ${sleep}`, `health: {exec: [/bin/busybox, test, -e, /tmp-well], ${quick}}`));
  for (const name of ['tcp', 'exec']) assert.equal((await tasksOf(node, name))[0]?.health, 'healthy', name);
  await inContainer(node, 'exec', 'rm /tmp-well');
  await until(node, 'exec', 'started again and well', ({ restarts, health }) => restarts >= 1 && health === 'healthy');
  assert.equal((await tasksOf(node, 'tcp'))[0]?.restarts, 0);
});

test("an image's own check is followed, over a crash of the node as well, unless the task switches it off", { skip }, async (t) => {
  const image = await checkedImage(t);
  const node = await startNode(t);
  await submit(node, job('own', sleep, '', { image }));
  await submit(node, job('off', `touch /ill; ${sleep}`, 'health: none', { image }));
  const pids = await pidsOf([...(await running(node, 'own')), ...(await running(node, 'off'))]);
  const [own] = await tasksOf(node, 'own');
  assert.deepEqual([own?.health, own?.hasCheck], ['healthy', true]);
  await node.kill();
  await node.start();
  await until(node, 'own', 'known again', ({ state, health, hasCheck }) => state === 'running' && health === 'healthy' && hasCheck);
  await until(node, 'off', 'known again', ({ state, health, hasCheck }) => state === 'running' && health === 'unknown' && !hasCheck);
  assert.deepEqual(await pidsOf([...(await running(node, 'own')), ...(await running(node, 'off'))]), pids);
  await inContainer(node, 'own', 'touch /ill');
  const well = await until(node, 'own', 'started again and well', ({ restarts, health }) => restarts === 1 && health === 'healthy');
  assert.notEqual(well.containerId, own?.containerId);
  assert.equal((await inspect((await running(node, 'off'))[0]!.Id)).State.Health, undefined);
});

test('other terms of a check replace no container', { skip }, async (t) => {
  const node = await startNode(t);
  await submit(node, job('terms', serve, `health: {tcp: 80, ${quick}}`));
  const before = await pidsOf(await running(node, 'terms'));
  await submit(node, job('terms', serve, `health: {http: /health, port: 80, ${quick}}`));
  assert.deepEqual(await pidsOf(await running(node, 'terms')), before);
  await submit(node, job('terms', serve, 'health: none'));
  await until(node, 'terms', 'watched no more', ({ health, hasCheck }) => health === 'unknown' && !hasCheck);
  assert.deepEqual(await pidsOf(await running(node, 'terms')), before);
});
