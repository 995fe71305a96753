/** The seeds' API and their commands, as their README shows them, against real containers. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { label } from '../../src/core/ids.ts';
import type { SeedsNode, SeedsStats, SeedsTask } from '../../src/core/seeds.ts';
import { testEngine, testImage } from '../support/engine.ts';
import { freePort } from '../support/free-port.ts';
import { sharedNode, type NodeProcess } from '../support/node-process.ts';
import { containers, done, eventually, inspect } from './help.ts';

const { docker, skip } = await testEngine();
const theNode = sharedNode({ args: ['--name', 'bar', '--open-loopback'] });
/** An image whose own command serves HTTP on port 7777, and leaves when it is told to: a TaskEvent cannot name a command. */
const image = `cube-test-httpd-${randomUUID().slice(0, 8)}:1`;

before(async () => {
  if (skip) return;
  const container = await docker.createContainer({ Image: testImage });
  const [repo, tag] = image.split(':');
  await container.commit({ repo, tag, changes: `CMD ["/bin/sh", "-c", "trap 'exit 0' TERM; httpd -f -p 7777 -h /etc & wait"]` });
  await container.remove();
});

after(async () => {
  if (!skip) await docker.getImage(image).remove({ force: true });
});

/** Without a token, as curl would. */
async function curl(node: NodeProcess, method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const answer = await fetch(`${node.url}${path}`, { method, ...sent });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
}

function taskEvent(id: string, more: { readonly port?: number; readonly state?: number; readonly task?: object } = {}): object {
  const ports = more.port === undefined ? {} : { ExposedPorts: { '7777/tcp': {} }, PortBindings: { '7777/tcp': String(more.port) } };
  const task = { State: 1, ID: id, Name: `test-chapter-9.${id.slice(0, 4)}`, Image: image, ...ports, ...more.task };
  return { ID: randomUUID(), State: more.state ?? 2, Task: task };
}

async function stateOf(node: NodeProcess, id: string, path = '/tasks'): Promise<SeedsTask | undefined> {
  const { body } = await curl(node, 'GET', path);
  return (body as SeedsTask[]).find(({ ID }) => ID === id);
}

function untilState(node: NodeProcess, id: string, state: number, path?: string): Promise<SeedsTask> {
  return eventually(`task ${id} in state ${state}`, async () => {
    const task = await stateOf(node, id, path);
    return task?.State === state && task;
  });
}

test('a task runs with the limits and the host port it asked for, until it is deleted', { skip }, async () => {
  const node = await theNode();
  const id = randomUUID();
  const port = await freePort();
  const event = taskEvent(id, { port, task: { Cpu: 0.5, Memory: 67_108_864, Disk: 0, RestartPolicy: 'on-failure' } });
  const created = await curl(node, 'POST', '/tasks', event);
  assert.equal(created.status, 201);
  assert.equal((created.body as SeedsTask).ID, id);
  const task = await untilState(node, id, 2);
  assert.deepEqual(
    [task.Name, task.Image, task.Cpu, task.Memory, task.RestartPolicy, task.RestartCount],
    [`test-chapter-9.${id.slice(0, 4)}`, image, 0.5, 67_108_864, 'on-failure', 0],
  );
  assert.deepEqual(task.HostPorts, { '7777/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] });
  const { HostConfig, NetworkSettings } = await inspect(task.ContainerID);
  assert.deepEqual([HostConfig.Memory, HostConfig.NanoCpus], [67_108_864, 500_000_000]);
  assert.deepEqual(NetworkSettings.Ports['7777/tcp'], [{ HostIp: '127.0.0.1', HostPort: String(port) }]);
  const page = await eventually('the task answers', () => fetch(`http://127.0.0.1:${port}/passwd`).catch(() => undefined));
  assert.match(await page.text(), /^root:/);
  assert.equal((await curl(node, 'POST', '/tasks', event)).status, 409);
  assert.equal((await curl(node, 'DELETE', `/tasks/${id}`)).status, 204);
  await untilState(node, id, 3);
  assert.equal((await inspect(task.ContainerID)).State.Running, false);
});

test('a TaskEvent of State 3 stops its task', { skip }, async () => {
  const node = await theNode();
  const id = randomUUID();
  assert.equal((await curl(node, 'POST', '/tasks', taskEvent(id))).status, 201);
  await untilState(node, id, 2);
  assert.equal((await curl(node, 'POST', '/tasks', taskEvent(id, { state: 3 }))).status, 204);
  await untilState(node, id, 3);
});

test('what is unknown is 404, what is wrong 400, both in the seeds own words', { skip }, async () => {
  const node = await theNode();
  const unknown = await curl(node, 'DELETE', `/tasks/${randomUUID()}`);
  assert.equal(unknown.status, 404);
  assert.equal((unknown.body as { HTTPStatusCode: number }).HTTPStatusCode, 404);
  const wrong = await curl(node, 'POST', '/tasks', { Foo: 1 });
  assert.equal(wrong.status, 400);
  assert.match((wrong.body as { Message: string }).Message, /Foo/);
  const field = await curl(node, 'POST', '/tasks', taskEvent(randomUUID(), { task: { Imgae: 'x' } }));
  assert.equal(field.status, 400);
  assert.match((field.body as { Message: string }).Message, /Imgae.*Image/);
  assert.equal((await node.cube(['stop', 'nosuch'])).code, 4);
  assert.equal((await containers({ [label.node]: node.nodeId, [label.job]: 'nosuch' })).length, 0);
});

test('nodes and stats are told in PascalCase', { skip }, async () => {
  const node = await theNode();
  const nodes = (await curl(node, 'GET', '/nodes')).body as SeedsNode[];
  assert.deepEqual(
    nodes.map(({ Name, Role }) => [Name, Role]),
    [['bar', 'manager,worker']],
  );
  assert.ok(nodes[0]!.Memory > 0 && nodes[0]!.Cores > 0);
  const stats = (await curl(node, 'GET', '/stats')).body as SeedsStats;
  assert.ok(stats.MemStats.MemTotal > stats.MemStats.MemAvailable);
  assert.ok(stats.DiskStats.All > stats.DiskStats.Free);
});

test("the worker's own API runs and stops tasks, and the manager knows them", { skip }, async () => {
  const node = await theNode();
  const id = randomUUID();
  assert.equal((await curl(node, 'POST', '/worker/tasks', taskEvent(id))).status, 201);
  await untilState(node, id, 2, '/worker/tasks');
  await untilState(node, id, 2);
  assert.equal((await curl(node, 'DELETE', `/worker/tasks/${randomUUID()}`)).status, 404);
  assert.equal((await curl(node, 'DELETE', `/worker/tasks/${id}`)).status, 204);
  await untilState(node, id, 3, '/worker/tasks');
  await untilState(node, id, 3);
});

test("the seeds' commands: run -f, status, node and stop with --manager host:port", { skip }, async () => {
  const node = await theNode();
  const id = randomUUID();
  const manager = ['--manager', new URL(node.url).host];
  done(await node.cube(['run', '-f', '-', ...manager], { input: JSON.stringify(taskEvent(id)) }));
  await untilState(node, id, 2);
  const { stdout } = done(await node.cube(['status', ...manager]));
  assert.match(stdout, /^ID +NAME +CREATED +STATE +CONTAINERNAME +IMAGE +NODE$/m);
  assert.match(stdout, new RegExp(`test-chapter-9\\.${id.slice(0, 4)}.* running .*${image} +bar$`, 'm'));
  assert.match(done(await node.cube(['node', ...manager])).stdout, /^NAME +MEMORY +DISK +ROLE +TASKS.*\n *bar /m);
  done(await node.cube(['stop', id, ...manager]));
  await untilState(node, id, 3);
});

test('whoever comes from elsewhere is refused, even where loopback needs no token', { skip }, async () => {
  const node = await theNode();
  const origin = await fetch(`${node.url}/tasks`, { headers: { origin: 'http://evil.example' } });
  assert.equal(origin.status, 403);
  const form = await fetch(`${node.url}/tasks`, { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } });
  assert.equal(form.status, 415);
});
