/** The commands that start a node, with a real one on the process runtime. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { StatusJson } from '../../src/core/views.ts';
import { cube, startCube, tempDirectory } from './run-cli.ts';

const plain = ['--runtime', 'process', '--listen', '127.0.0.1:0'];

function place(t: TestContext): { CUBE_DATA: string; TMPDIR: string } {
  return { CUBE_DATA: tempDirectory(t), TMPDIR: tempDirectory(t) };
}

test('up prints one JSON line when it is ready, answers, and ends with 0 on Ctrl-C', async (t) => {
  const env = place(t);
  const node = startCube(['up', ...plain, '--name', 'bar', '-o', 'json'], { env });
  t.after(() => node.child.kill('SIGKILL'));
  const ready = JSON.parse(await node.saw('stdout', '\n')) as { ready: boolean; url: string; node: string; nodeId: string };
  assert.deepEqual([ready.ready, ready.node], [true, 'bar']);
  const nodes = JSON.parse((await cube(['nodes', '-o', 'json'], { env })).stdout) as { name: string; id: string }[];
  assert.deepEqual(
    nodes.map(({ name, id }) => [name, id]),
    [['bar', ready.nodeId]],
  );
  const other = await cube(['up', ...plain], { env });
  assert.equal(other.code, 5);
  assert.match(other.stderr, /is held by/);
  node.child.kill('SIGINT');
  const { code, stdout, stderr } = await node.ended;
  assert.deepEqual([code, stdout.trim().split('\n').length], [0, 1]);
  assert.match(stderr, /stopping; containers go on running/);
  assert.equal((await cube(['nodes'], { env })).code, 3);
});

test('up says for people where it is and how other commands find it', async (t) => {
  const env = place(t);
  const data = tempDirectory(t);
  const node = startCube(['up', ...plain, '--name', '007', '--data', data], { env });
  t.after(() => node.child.kill('SIGKILL'));
  const text = await node.saw('stdout', 'Ctrl-C\n');
  assert.match(text, /^cube is ready at http:\/\/127\.0\.0\.1:\d+ \(node 007\); stop it with Ctrl-C\n$/);
  assert.ok((await node.saw('stderr', 'CUBE_DATA=')).includes(`CUBE_DATA=${data}`));
  node.child.kill('SIGTERM');
  assert.equal((await node.ended).code, 0);
});

test('up that cannot listen says so in its exit code, and as JSON', async (t) => {
  const { code, stdout } = await cube(['up', '--runtime', 'process', '--listen', '192.0.2.1:1', '-o', 'json'], { env: place(t) });
  assert.notEqual(code, 0);
  assert.ok((JSON.parse(stdout) as { error: { message: string } }).error.message.includes('192.0.2.1'));
});

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${signal} ends up while its engine does not answer`, async (t) => {
    const env = place(t);
    const socket = join(env.TMPDIR, 'engine.sock');
    const engine = createServer();
    const asked = once(engine, 'connection');
    await once(engine.listen(socket), 'listening');
    t.after(() => engine.close());
    const args = ['up', '--runtime', 'docker', '--docker-host', `unix://${socket}`, '--listen', '127.0.0.1:0'];
    const node = startCube(args, { env });
    t.after(() => node.child.kill('SIGKILL'));
    await asked;
    node.child.kill(signal);
    const ended = await node.ended;
    assert.deepEqual([ended.code, ended.stdout], [code, ''], ended.stderr);
  });
}

test('up says that its worker folder is of another cluster, and ends', async (t) => {
  const env = place(t);
  const first = startCube(['up', ...plain], { env });
  t.after(() => first.child.kill('SIGKILL'));
  await first.saw('stdout', 'ready');
  first.child.kill('SIGINT');
  await first.ended;
  rmSync(join(env.CUBE_DATA, 'manager'), { recursive: true });
  const { code, stderr } = await cube(['up', ...plain], { env });
  assert.equal(code, 5);
  assert.match(stderr, /this worker belongs to cluster/);
  assert.ok(stderr.includes(join(env.CUBE_DATA, 'worker')), stderr);
});

test('up that lost its worker folder in a crash starts when the namesake counts as down', async (t) => {
  const env = place(t);
  const args = ['up', ...plain, '--name', 'bar', '--limit', 'takeoverDownMs=1000'];
  const first = startCube(args, { env });
  await first.saw('stdout', 'ready');
  first.child.kill('SIGKILL');
  await first.ended;
  rmSync(join(env.CUBE_DATA, 'worker'), { recursive: true });
  const second = startCube(args, { env });
  t.after(() => second.child.kill('SIGKILL'));
  await second.saw('stdout', 'ready');
  second.child.kill('SIGINT');
  assert.equal((await second.ended).code, 0);
});

test('a job goes through run, status, logs, stop and purge on a real node', async (t) => {
  const env = place(t);
  const node = startCube(['up', ...plain, '--name', 'bar', '--stop-tasks', '-q'], { env });
  t.after(() => node.child.kill('SIGKILL'));
  await node.saw('stdout', 'ready');
  const run = await cube(['run', 'busybox', '--name', '007', '--count', '2', '-q', '--', '/bin/sh', '-c', 'echo hello; exec sleep 60'], {
    env,
  });
  assert.deepEqual([run.code, run.stdout, run.stderr], [0, '007\n', '']);
  const status = JSON.parse((await cube(['status', '007', '-o', 'json'], { env })).stdout) as StatusJson;
  assert.deepEqual(status.tasks.map(({ slot, state }) => `${slot} ${state}`).toSorted(), ['007/main.1 running', '007/main.2 running']);
  assert.match((await cube(['status', '007/main.1'], { env })).stdout, /FROM +TO +WHY/);
  assert.match((await cube(['logs', '007'], { env })).stdout, /^007\/main\.[12] \| hello$/m);
  assert.match((await cube(['explain', '007/main.1'], { env })).stdout, /\* +bar +feasible/);
  assert.equal((await cube(['run', 'busybox', '--name', '007', '--', '/bin/true'], { env })).code, 5);
  const stop = await cube(['stop', '007', '--purge'], { env });
  assert.deepEqual([stop.code, stop.stdout], [0, '007 is stopped and forgotten\n']);
  assert.equal((await cube(['status', '007'], { env })).code, 4);
  const failed = await cube(['run', 'busybox', '--batch', '--name', 'bad', '--', '/no/such/program'], { env });
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /bad\/main\.1/);
  node.child.kill('SIGINT');
  assert.equal((await node.ended).code, 0);
});

test('the demo shows everything, ends by itself with 0, and leaves nothing behind', async (t) => {
  const env = place(t);
  const { code, stdout, stderr } = await cube(['demo', '--runtime', 'process'], { env });
  assert.equal(code, 0, stderr);
  for (const part of ['the node is ready at', 'hello/web.3', 'sums/add.5', 'picked demo', 'cube inspect', 'gone again'])
    assert.ok(stdout.includes(part), part);
  assert.ok(!(stdout + stderr).includes(String.fromCodePoint(27)));
  assert.deepEqual(
    readdirSync(env.TMPDIR).filter((name) => name.startsWith('cube-demo')),
    [],
  );
});

test('the demo with -o json is one document', async (t) => {
  const { code, stdout } = await cube(['demo', '--runtime', 'process', '-o', 'json'], { env: place(t) });
  const result = JSON.parse(stdout) as { runtime: string; jobs: { name: string; status: string }[] };
  assert.deepEqual(
    [code, result.runtime, result.jobs.map(({ name, status }) => `${name} ${status}`).toSorted()],
    [0, 'process', ['hello running', 'sums completed']],
  );
});

test('the demo that is to stay stays until Ctrl-C, and cleans up then', async (t) => {
  const env = place(t);
  const demo = startCube(['demo', '--stay', '--runtime', 'process'], { env });
  t.after(() => demo.child.kill('SIGKILL'));
  const text = await demo.saw('stdout', 'Ctrl-C ends it');
  const data = /CUBE_DATA=(\S+);/.exec(text)![1]!;
  assert.equal((await cube(['status', 'hello', '-q'], { env: { ...env, CUBE_DATA: data } })).stdout.trim().split('\n').length, 3);
  demo.child.kill('SIGINT');
  assert.equal((await demo.ended).code, 0);
  assert.ok(!existsSync(data));
});

test('the demo that is interrupted, or cannot start, cleans up and says so in its exit code', async (t) => {
  const env = place(t);
  const demo = startCube(['demo', '--runtime', 'process'], { env });
  await demo.saw('stderr', 'hello/web.1');
  demo.child.kill('SIGINT');
  assert.equal((await demo.ended).code, 130);
  const none = await cube(['demo', '--runtime', 'docker'], { env: { ...env, DOCKER_HOST: 'unix:///no/such/socket' } });
  assert.equal(none.code, 1);
  assert.deepEqual(
    readdirSync(env.TMPDIR).filter((name) => name.startsWith('cube-demo')),
    [],
  );
});
