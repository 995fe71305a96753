import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { chooseRuntime } from '../../src/cli/demo-runtime.ts';
import { Engine, engineAddress } from '../../src/cli/engine.ts';
import { limitsWith } from '../../src/core/limits.ts';

type Reply = [status: number, body: unknown];

/** An engine that answers what the test says, by `METHOD path`; it keeps what it was asked. */
async function fakeEngine(t: TestContext, replies: Record<string, Reply>) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const key = `${request.method} ${request.url!}`;
    asked.push(key);
    const [status, body] = replies[key] ?? [404, { message: `no ${key}` }];
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { asked, env: { DOCKER_HOST: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` } };
}

const limits = limitsWith({ demoEngineMs: 5_000, demoPullMs: 5_000 });
const quiet = (): void => undefined;

function images(...tags: string[]): Reply {
  return [200, tags.map((tag, index) => ({ RepoTags: [tag], Size: 1_000 - index }))];
}

test('an image with a shell that is present is taken, busybox first', async (t) => {
  const { env, asked } = await fakeEngine(t, { 'GET /images/json': images('nginx:1.27', 'busybox:1.36', 'alpine:3') });
  const choice = await chooseRuntime(undefined, env, limits, quiet);
  assert.deepEqual([choice.runtime, choice.image], ['docker', 'busybox:1.36']);
  assert.deepEqual(asked, ['GET /images/json']);
});

test('an image that only ends like a known one is looked into, and its container removed', async (t) => {
  const { env, asked } = await fakeEngine(t, {
    'GET /images/json': images('acme/not-busybox:1'),
    [`GET /images/${encodeURIComponent('acme/not-busybox:1')}/json`]: [200, { Config: { Entrypoint: null } }],
    'POST /containers/create': [201, { Id: 'c1' }],
    'HEAD /containers/c1/archive?path=/bin/sh': [200, ''],
    'DELETE /containers/c1?force=1&v=1': [204, ''],
  });
  assert.equal((await chooseRuntime(undefined, env, limits, quiet)).image, 'acme/not-busybox:1');
  assert.equal(asked.at(-1), 'DELETE /containers/c1?force=1&v=1');
});

test('an image without a shell, or with an entrypoint of its own, is not taken; then busybox is pulled', async (t) => {
  const { env } = await fakeEngine(t, {
    'GET /images/json': images('scratchy:1', 'redis:7'),
    [`GET /images/${encodeURIComponent('redis:7')}/json`]: [200, { Config: { Entrypoint: ['redis-server'] } }],
    [`GET /images/${encodeURIComponent('scratchy:1')}/json`]: [200, { Config: { Entrypoint: [] } }],
    'POST /containers/create': [201, { Id: 'c1' }],
    'HEAD /containers/c1/archive?path=/bin/sh': [404, ''],
    'DELETE /containers/c1?force=1&v=1': [204, ''],
    'POST /images/create?fromImage=busybox&tag=latest': [200, '{"status":"Pulling"}\n{"status":"Done"}\n'],
  });
  const notes: string[] = [];
  const choice = await chooseRuntime(undefined, env, limits, (text) => notes.push(text));
  assert.deepEqual([choice.runtime, choice.image, notes], ['docker', 'busybox:latest', ['pulling busybox:latest ...']]);
});

test('a pull that fails leads to plain processes, with the engine’s own words', async (t) => {
  const { env } = await fakeEngine(t, {
    'GET /images/json': images(),
    'POST /images/create?fromImage=busybox&tag=latest': [200, '{"error":"no route to host"}\n'],
  });
  const choice = await chooseRuntime(undefined, env, limits, quiet);
  assert.equal(choice.runtime, 'process');
  assert.match(choice.why, /cannot be pulled \(no route to host\)/);
  await assert.rejects(chooseRuntime('docker', env, limits, quiet), /no route to host/);
});

test('no engine leads to plain processes, unless Docker was asked for', async () => {
  const env = { DOCKER_HOST: 'unix:///no/such/socket' };
  const choice = await chooseRuntime(undefined, env, limits, quiet);
  assert.equal(choice.runtime, 'process');
  assert.match(choice.why, /no Docker engine answers .*isolates nothing/);
  await assert.rejects(chooseRuntime('docker', env, limits, quiet), { code: 'no-engine' });
  assert.equal((await chooseRuntime('process', env, limits, quiet)).engine, undefined);
});

test('an engine that says nothing is given up in time', async (t) => {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const env = { DOCKER_HOST: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` };
  const choice = await chooseRuntime(undefined, env, limitsWith({ demoEngineMs: 50 }), quiet);
  assert.match(choice.why, /took longer than 50 ms/);
});

test('the engine is where DOCKER_HOST says, as far as the demo can ask there', () => {
  assert.deepEqual(engineAddress({ DOCKER_HOST: 'unix:///run/user/1/docker.sock' }), { socketPath: '/run/user/1/docker.sock' });
  assert.deepEqual(engineAddress({ DOCKER_HOST: 'tcp://h:2375' }), { host: 'h', port: '2375' });
  assert.ok(engineAddress({}).socketPath);
  assert.throws(() => engineAddress({ DOCKER_HOST: 'ssh://h' }), { code: 'no-engine' });
  assert.throws(() => engineAddress({ DOCKER_HOST: 'tcp://h:2376', DOCKER_TLS_VERIFY: '1' }), { code: 'no-engine' });
});

test('what is left of a node’s containers is removed, and of no other’s', async (t) => {
  const filters = encodeURIComponent(JSON.stringify({ label: ['cube.node=n1'] }));
  const { env, asked } = await fakeEngine(t, {
    [`GET /containers/json?all=1&filters=${filters}`]: [200, [{ Id: 'a' }, { Id: 'b' }]],
    'DELETE /containers/a?force=1&v=1': [204, ''],
    'DELETE /containers/b?force=1&v=1': [204, ''],
  });
  assert.equal(await new Engine(engineAddress(env), 5_000).removeContainersOf('n1'), 2);
  assert.deepEqual(asked.slice(1), ['DELETE /containers/a?force=1&v=1', 'DELETE /containers/b?force=1&v=1']);
});
