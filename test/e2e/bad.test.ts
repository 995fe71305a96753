/** What goes wrong is told at once, with its reason and its place. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { StatusJson } from '../../src/core/views.ts';
import { fileWith } from '../cli/run-cli.ts';
import { testEngine, testImage } from '../support/engine.ts';
import { freePort } from '../support/free-port.ts';
import { sharedNode } from '../support/node-process.ts';
import { document, done, sleeper, tasksOf } from './help.ts';

const { docker, skip } = await testEngine();
const theNode = sharedNode();

test('a port that another container has is named, with the container', { skip }, async (t) => {
  const node = await theNode();
  const holder = await docker.createContainer({
    Image: testImage,
    Cmd: ['/bin/sleep', '10000'],
    ExposedPorts: { '80/tcp': {} },
    HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] } },
  });
  t.after(() => holder.remove({ force: true }));
  await holder.start();
  const { Name, NetworkSettings } = await holder.inspect();
  const port = NetworkSettings.Ports['80/tcp']?.[0]?.HostPort;
  const { code, stderr } = await node.cube(['submit', '-'], { input: sleeper('held', `ports: ["${port}:80"]`) });
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`host port 127\\.0\\.0\\.1:${port}/tcp is taken by container ${Name.slice(1)}`));
  const [task] = await tasksOf(node, 'held');
  assert.deepEqual([task?.state, task?.reasonCode], ['rejected', 'port-taken']);
});

test('a port that a process has is named, with the process', { skip }, async (t) => {
  const node = await theNode();
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const job = `name: held-too\ntype: batch\ntasks: {t: {image: "${testImage}", command: [/bin/true], ports: ["${port}:80"]}}`;
  const { code, stderr } = await node.cube(['submit', '-'], { input: job });
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`host port 127\\.0\\.0\\.1:${port}/tcp is taken by process \\S+ \\(pid ${process.pid}\\)`));
});

test('a second job that wants a port of the first one waits, and explain says whose it is', { skip }, async () => {
  const node = await theNode();
  const ports = `ports: ["${await freePort()}:80"]`;
  done(await node.cube(['submit', '-'], { input: sleeper('first', ports) }));
  const { code, stderr } = await node.cube(['submit', '--timeout', '1s', '-'], { input: sleeper('second', ports) });
  assert.equal(code, 124);
  assert.match(stderr, /second\/t\.1 pending/);
  assert.match(done(await node.cube(['explain', 'second/t.1'])).stdout, /port.*first\/t\.1/);
});

for (const [what, image, pattern] of [
  ['is not there', 'no.such.registry.invalid/thing:1', /no such host|server misbehaving|dial tcp|lookup/],
  ['has a bad name', 'Not//An:Image:Name', /invalid reference format/],
  ['may not be pulled and is missing', 'cube-test-no-such-image:1', /No such image/],
] as const) {
  test(`an image that ${what} is rejected, in Docker's own words`, { skip }, async () => {
    const node = await theNode();
    const name = image.replaceAll(/[^a-z]+/gi, '-').slice(0, 30);
    const pull = image.startsWith('cube-test') ? 'never' : 'missing';
    const job = `name: ${name}\ntasks: {t: {image: "${image}", pull: ${pull}}}`;
    const { code, stderr } = await node.cube(['submit', '-'], { input: job });
    assert.equal(code, 1);
    assert.match(stderr, pattern);
    assert.match(stderr, /rejected/);
    assert.equal((await tasksOf(node, name))[0]?.state, 'rejected');
  });
}

test('a command that is not in the image is rejected', { skip }, async () => {
  const node = await theNode();
  const job = `name: nothing\ntasks: {t: {image: "${testImage}", command: [/no/such/program]}}`;
  const { code, stderr } = await node.cube(['submit', '-'], { input: job });
  assert.equal(code, 1);
  assert.match(stderr, /no\/such\/program.*no such file or directory/);
});

test('a wrong file is refused with all its places, and nothing of it is accepted', { skip }, async (t) => {
  const node = await theNode();
  const path = fileWith(
    t,
    'wrong.yaml',
    'name: wrong\ntype: srevice\ntasks:\n  t:\n    image: busybox\n    cuont: 3\n    resources: {memory: 12XB}\n',
  );
  const { code, stdout, stderr } = await node.cube(['submit', path]);
  assert.equal(code, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /wrong\.yaml:2:7.*service/);
  assert.match(stderr, /wrong\.yaml:6:5.*cuont.*count/);
  assert.match(stderr, /wrong\.yaml:7:25.*12XB/);
  const { jobs } = document(done(await node.cube(['status', '-o', 'json'])).stdout) as StatusJson;
  assert.ok(!jobs.some(({ name }) => name === 'wrong'));
});

test('a file that only the server reads is refused there just so', { skip }, async () => {
  const node = await theNode();
  const answer = await node.fetch('/v1/jobs', {
    method: 'POST',
    body: 'name: wrong\ntasks: {t: {image: busybox, count: -1}}\n',
    headers: { 'content-type': 'application/yaml' },
  });
  assert.equal(answer.status, 400);
  assert.deepEqual(((await answer.json()) as { error: { at: unknown } }).error.at, { file: 'body', line: 2, column: 36 });
});
