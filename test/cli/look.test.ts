import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { problem } from '../../src/core/errors.ts';
import type { StatusJson } from '../../src/core/views.ts';
import { FakeManager } from './fake-manager.ts';
import { cube, dataDirectoryOf, startCube } from './run-cli.ts';
import { aJob, aNode, aStatus, aTask, anEvent, at } from './samples.ts';

const second = aTask({ id: '22222222-2222-4222-8222-222222222222', slot: 'shop/web.2' });

async function withShop(t: TestContext) {
  const manager = await FakeManager.start(t);
  manager.status = aStatus([aJob({ desired: 2 })], [aTask(), second]);
  manager.nodes = [aNode()];
  manager.events = [anEvent()];
  const env = { CUBE_DATA: dataDirectoryOf(t, manager.url, 'secret'), CUBE_LIMITS: 'waitPollMs=100,waitDebounceMs=5,probeMs=10000' };
  return { manager, env };
}

test('status is a line a task, a line a job, bare ids, or one JSON document', async (t) => {
  const { manager, env } = await withShop(t);
  const tasks = await cube(['status'], { env });
  assert.equal(tasks.code, 0);
  assert.match(
    tasks.stdout,
    /^ID +NAME +CREATED +STATE +CONTAINERNAME +IMAGE +NODE\n11111111 +shop\/web\.1 .*\n22222222 +shop\/web\.2 .*\n$/,
  );
  assert.match((await cube(['status', '--jobs'], { env })).stdout, /^NAME .*\nshop +service +running/);
  assert.equal((await cube(['status', '-q'], { env })).stdout, `${aTask().id}\n${second.id}\n`);
  assert.equal((await cube(['status', '-q', '--jobs'], { env })).stdout, 'shop\n');
  const json = await cube(['status', '-o', 'json'], { env });
  assert.deepEqual(JSON.parse(json.stdout), manager.status);
  assert.deepEqual([json.stderr, tasks.stderr], ['', '']);
});

test('status finds a job before a task and a task before a node', async (t) => {
  const { manager, env } = await withShop(t);
  const job = JSON.parse((await cube(['status', 'shop', '-o', 'json'], { env })).stdout) as StatusJson;
  assert.equal(job.tasks.length, 2);
  const task = JSON.parse((await cube(['status', 'shop/web.2', '-o', 'json'], { env })).stdout) as StatusJson & { events: unknown[] };
  assert.deepEqual([task.tasks.map(({ id }) => id), task.events.length], [[second.id], 1]);
  assert.ok(!manager.paths().some((path) => path.includes('job=shop%2F')), 'a slot is no job');
  const node = JSON.parse((await cube(['status', 'bar', '-o', 'json'], { env })).stdout) as StatusJson & { node: { name: string } };
  assert.deepEqual([node.node.name, node.tasks.length], ['bar', 2]);
  assert.match((await cube(['status', '2222'], { env })).stdout, /slot: +shop\/web\.2[\s\S]*placed on bar/);
});

test('what is not there is exit 4 with the name that was probably meant', async (t) => {
  const { env } = await withShop(t);
  const tries: [string[], RegExp][] = [
    [['status', 'shpo'], /no job, task or node "shpo"; did you mean shop\?/],
    [['stop', 'shop/web.3'], /no job or task "shop\/web\.3"; did you mean shop\/web\.1\?/],
    [['stop', '--purge', 'nosuchthing'], /no job "nosuchthing"$/m],
    [['start', 'shp'], /no job "shp"; did you mean shop\?/],
    [['logs', 'sohp'], /no job or task "sohp"; did you mean shop\?/],
    [['explain', 'shop/wbe.1'], /did you mean shop\/web\.1\?/],
  ];
  for (const [args, message] of tries) {
    const { code, stderr } = await cube(args, { env });
    assert.equal(code, 4, args.join(' '));
    assert.match(stderr, message);
  }
  const json = await cube(['stop', 'x', '-o', 'json'], { env });
  assert.deepEqual([json.code, (JSON.parse(json.stdout) as { error: { code: string } }).error.code], [4, 'not-found']);
});

test('status -w shows a change as another block, or as another JSON line, and Ctrl-C is exit 130', async (t) => {
  const { manager, env } = await withShop(t);
  const watch = startCube(['status', '-w', '-o', 'json'], { env });
  await watch.saw('stdout', '"index":7');
  manager.change({ ...manager.status, index: 8 });
  const text = await watch.saw('stdout', '"index":8');
  assert.deepEqual(
    text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as StatusJson).index),
    [7, 8],
  );
  watch.child.kill('SIGINT');
  assert.equal((await watch.ended).code, 130);
});

test('nodes shows what is reserved of what there is; `node` is the same', async (t) => {
  const { env } = await withShop(t);
  const { stdout } = await cube(['nodes'], { env });
  assert.match(
    stdout,
    /^NAME +MEMORY +DISK +ROLE +TASKS +CPU +DC +STATE\nbar +1\.5 GiB\/8 GiB +0 B\/100 GiB +manager,worker +1 +0\.5\/4 +dc1 +ready\n$/,
  );
  assert.equal((await cube(['node'], { env })).stdout, stdout);
  assert.equal((await cube(['nodes', '-q'], { env })).stdout, 'bar\n');
  assert.deepEqual(JSON.parse((await cube(['nodes', '-o', 'json'], { env })).stdout), [aNode()]);
  const later = await cube(['nodes', 'drain', 'bar'], { env });
  assert.deepEqual([later.code, later.stderr.split('\n')[0]], [2, 'cube: `cube nodes drain` is not in this version yet']);
  assert.equal((await cube(['nodes', 'lable'], { env })).code, 2);
});

test('nodes has a column for reasons when a node has one', async (t) => {
  const { manager, env } = await withShop(t);
  manager.nodes = [aNode(), aNode({ name: 'foo', engineAway: true, reason: 'docker does not\nanswer' })];
  const [head, bar, foo] = (await cube(['nodes'], { env })).stdout.split('\n');
  assert.match(head!, / STATE +REASON$/);
  assert.match(bar!, /^bar .* ready$/);
  assert.match(foo!, /^foo .* ready, engine away +docker does not answer$/);
});

test('stop waits until every task of the job has ended', async (t) => {
  const { manager, env } = await withShop(t);
  const stopped = aJob({ status: 'stopped' });
  manager.answers.set('POST /v1/jobs/shop/stop', () => {
    manager.status = aStatus([aJob()], [aTask({ state: 'stopping', desired: 'stopped' })]);
    return aJob();
  });
  const running = startCube(['stop', 'shop'], { env });
  await running.saw('stderr', 'shop/web.1 stopping');
  manager.change(aStatus([stopped], [aTask({ state: 'stopped' })]));
  const { code, stdout } = await running.ended;
  assert.deepEqual([code, stdout], [0, 'shop is stopped; all its tasks have ended\n']);
  const json = await cube(['stop', 'shop', '--detach', '-o', 'json'], { env });
  assert.deepEqual([json.code, (JSON.parse(json.stdout) as { job: { name: string } }).job.name], [0, 'shop']);
});

test('stop --purge waits until the job is gone, and takes a job, not a task', async (t) => {
  const { manager, env } = await withShop(t);
  manager.answers.set('POST /v1/jobs/shop/stop', () => {
    setTimeout(() => manager.change(aStatus([], [])), 30);
    return aJob();
  });
  const { code, stdout } = await cube(['stop', 'shop', '--purge'], { env });
  assert.deepEqual([code, stdout], [0, 'shop is stopped and forgotten\n']);
  assert.deepEqual(manager.seen.find(({ method }) => method === 'POST')!.body, { purge: true });
  manager.status = aStatus([aJob()], [aTask()]);
  const task = await cube(['stop', 'shop/web.1', '--purge'], { env });
  assert.equal(task.code, 2);
  assert.match(task.stderr, /hint: cube stop --purge shop/);
});

test('stop of one task waits for that one alone', async (t) => {
  const { manager, env } = await withShop(t);
  manager.answers.set(`POST /v1/tasks/${encodeURIComponent('shop/web.1')}/stop`, () => {
    const fresh = aTask({ id: '33333333-3333-4333-8333-333333333333', state: 'pending', createdAt: '2026-02-01T00:00:00.000Z' });
    setTimeout(() => manager.change(aStatus([aJob()], [aTask({ state: 'stopped' }), fresh])), 30);
    return aTask({ state: 'stopping' });
  });
  const { code, stdout } = await cube(['stop', 'shop/web.1'], { env });
  assert.deepEqual([code, stdout], [0, 'shop/web.1 (11111111) is stopped\n']);
});

test('a stop that takes too long is exit 124', async (t) => {
  const { manager, env } = await withShop(t);
  manager.answers.set('POST /v1/jobs/shop/stop', () => aJob());
  const { code, stderr } = await cube(['stop', 'shop', '--timeout', '200ms'], { env });
  assert.equal(code, 124);
  assert.match(stderr, /shop is not stopped after 200ms/);
});

test('start waits like submit', async (t) => {
  const { manager, env } = await withShop(t);
  manager.status = aStatus([aJob({ status: 'stopped' })], [aTask({ id: 'old', state: 'stopped' })]);
  manager.answers.set('POST /v1/jobs/shop/start', () => {
    setTimeout(() => manager.change(aStatus([aJob()], [aTask()])), 30);
    manager.status = aStatus([aJob({ status: 'pending' })], []);
    return aJob({ status: 'pending', index: 8 });
  });
  const { code, stdout } = await cube(['start', 'shop'], { env });
  assert.deepEqual([code, stdout], [0, 'shop is running: 1 of 1 healthy (version 1), started\n']);
});

test('start of a job that runs says that nothing changed', async (t) => {
  const { manager, env } = await withShop(t);
  manager.status = aStatus([aJob()], [aTask()]);
  manager.answers.set('POST /v1/jobs/shop/start', () => aJob());
  const { code, stdout } = await cube(['start', 'shop'], { env });
  assert.deepEqual([code, stdout], [0, 'shop is running: 1 of 1 healthy (version 1), unchanged\n']);
});

const logs = [
  { at, slot: 'shop/web.1', task: aTask().id, stream: 'stdout' as const, text: 'one\n' },
  { at, slot: 'shop/web.2', task: second.id, stream: 'stderr' as const, text: 'two\nthree\n' },
  { at, slot: 'shop/web.1', task: aTask().id, stream: 'stdout' as const, text: 'no end' },
];

test("a job's logs say whose line it is, a task's do not, and all of it is data", async (t) => {
  const { manager, env } = await withShop(t);
  manager.logs = logs;
  const job = await cube(['logs', 'shop', '--tail', '5', '--since', '2026-01-31T11:00:00Z'], { env });
  assert.deepEqual([job.code, job.stderr], [0, '']);
  assert.equal(job.stdout, 'shop/web.1 | one\nshop/web.2 | two\nshop/web.2 | three\nshop/web.1 | no end\n');
  assert.ok(manager.paths().includes('GET /v1/jobs/shop/logs?follow=false&tail=5&since=2026-01-31T11%3A00%3A00.000Z'));
  assert.equal((await cube(['logs', 'shop/web.1'], { env })).stdout, 'one\ntwo\nthree\nno end\n');
  const json = await cube(['logs', 'shop', '-o', 'json'], { env });
  assert.deepEqual(
    json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
    logs,
  );
});

test('a reader that goes away ends the logs without a word and with 0', async (t) => {
  const { manager, env } = await withShop(t);
  manager.logs = Array.from({ length: 5_000 }, () => logs[0]!);
  const running = startCube(['logs', '-f', 'shop/web.1'], { env });
  await running.saw('stdout', 'one');
  running.child.stdout.destroy();
  manager.change(manager.status);
  const { code, stderr } = await running.ended;
  assert.deepEqual([code, stderr], [0, '']);
});

test('events are sentences, or NDJSON with filters passed on', async (t) => {
  const { manager, env } = await withShop(t);
  const human = await cube(['events'], { env });
  assert.match(human.stdout, /^\d\d:\d\d:\d\d\.\d{3} task 11111111 \(shop\) pending -> scheduled order\.place: placed on bar\n$/);
  const json = await cube(['events', '-o', 'json', '--job', '007', '--node', 'bar'], { env });
  assert.deepEqual(JSON.parse(json.stdout), anEvent());
  assert.ok(manager.paths().at(-1)!.includes('job=007&node=bar'));
  assert.equal((await cube(['events', '--since', 'soon'], { env })).code, 2);
});

test('an error within a stream of JSON is its last line, and its exit code', async (t) => {
  const { manager, env } = await withShop(t);
  manager.logs = [logs[0]!, { error: { code: 'cut-off', message: 'the node left', hint: 'wait' } } as never];
  const { code, stdout } = await cube(['logs', 'shop/web.1', '-o', 'json'], { env });
  assert.equal(code, 3);
  assert.equal((JSON.parse(stdout.trim().split('\n').at(-1)!) as { error: { code: string } }).error.code, 'cut-off');
});

test('inspect gives the page and the feed each a ticket of its own, and no token', async (t) => {
  const { manager, env } = await withShop(t);
  let count = 0;
  manager.answers.set('POST /v1/tickets', () => ({ ticket: `t${++count}`, scope: 'admin', expiresAt: at }));
  const json = JSON.parse((await cube(['inspect', '-o', 'json'], { env })).stdout) as unknown;
  assert.deepEqual(json, { url: `${manager.url}/#ticket=t1`, feed: `ws://127.0.0.1:${manager.port}/v1/inspect?ticket=t2` });
  const human = await cube(['inspect'], { env });
  assert.equal(human.stdout, `${manager.url}/#ticket=t3\n`);
  assert.doesNotMatch(human.stdout + human.stderr, /secret/);
});

test('version tells the server that answers', async (t) => {
  const { manager, env } = await withShop(t);
  manager.answers.set('GET /v1/info', () => ({ version: '9.9.9', name: 'bar', clusterId: 'c', nodeId: 'n', role: 'manager,worker' }));
  const { server } = JSON.parse((await cube(['version', '-o', 'json'], { env })).stdout) as { server: unknown };
  assert.deepEqual(server, { url: manager.url, version: '9.9.9', name: 'bar' });
  manager.answers.set('GET /v1/info', () => problem('forbidden', 'no'));
  assert.equal((await cube(['version'], { env })).code, 0);
});

test('completing offers the names of jobs and slots that there are', async (t) => {
  const { env } = await withShop(t);
  const words = async (...typed: string[]): Promise<string[]> =>
    (await cube(['complete', '--', ...typed], { env })).stdout.split('\n').map((line) => line.split('\t')[0]!);
  assert.deepEqual((await words('stop', 'sh')).slice(0, 3), ['shop', 'shop/web.1', 'shop/web.2']);
  assert.deepEqual((await words('start', '')).slice(0, 1), ['shop']);
  assert.ok((await words('status', '')).includes('bar'));
});

test('a token for one node is not sent to another that is named', async (t) => {
  const { env } = await withShop(t);
  const other = await FakeManager.start(t);
  other.nodes = [aNode()];
  await cube(['nodes', '--host', other.url], { env });
  await cube(['nodes'], { env: { ...env, CUBE_HOST: `127.0.0.1:${other.port}` } });
  assert.deepEqual(
    other.seen.map(({ authorization }) => authorization),
    [undefined, undefined],
  );
  await cube(['nodes', '--host', other.url], { env: { ...env, CUBE_TOKEN: 'for-the-other' } });
  assert.equal(other.seen.at(-1)!.authorization, 'Bearer for-the-other');
});
