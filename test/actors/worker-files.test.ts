/** Secrets on a worker: asked for when a container is made, kept while the task lives, and asked for again until they come. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { watchActors } from '../../actors/system.ts';
import type { FileRef, Order } from '../../src/core/task.ts';
import { createFeed } from '../../src/inspector/feed.ts';
import type { WorkerFrame } from '../../src/ports/transport.ts';
import { createWorkerBench, order, type WorkerBench } from './worker-bench.ts';

const marker = 'MARKER-31';
const db: FileRef = { kind: 'secret', name: 'db', version: 3, path: '/run/secrets/db' };
const site: FileRef = { kind: 'config', name: 'site', version: 1, path: '/etc/site.conf' };

type Call = Extract<WorkerFrame, { readonly type: 'call' }>;

function calls(bench: WorkerBench): Call[] {
  return bench.heard.filter((frame) => frame.type === 'call' && frame.what.kind === 'files') as Call[];
}

function give(bench: WorkerBench, { call, what }: Call, content = marker): void {
  assert.ok(what.kind === 'files');
  bench.send({ type: 'answer', call, ok: true, value: what.refs.map((ref) => ({ ...ref, content: Buffer.from(content) })) });
}

function welcome(bench: WorkerBench, orders: readonly Order[], protocol = 3): void {
  const epoch = { generation: 1, revision: 1 };
  bench.send({ type: 'welcome', protocol, clusterId: 'cluster-1', epoch });
  bench.send({ type: 'assignments', epoch, revision: 1, orders, verdicts: [] });
}

async function withOrder(more: Partial<Order> = {}, image = 'runs') {
  const bench = createWorkerBench();
  await bench.start();
  welcome(bench, [order('a', image, { files: [db], ...more })]);
  await bench.pass(500);
  return bench;
}

const state = (bench: WorkerBench): string | undefined => bench.report('a')?.state;

test('a container is made when its files are there: each is asked for by its task, without its path', async () => {
  const bench = await withOrder({ files: [db, site] });
  assert.deepEqual(
    calls(bench).map(({ what }) => what),
    [{ kind: 'files', task: 'a', refs: [{ kind: 'secret', name: 'db', version: 3 }] }],
  );
  assert.equal(bench.host.engine.containers.size, 0);
  give(bench, calls(bench)[0]!);
  await bench.pass(200);
  give(bench, calls(bench)[1]!, 'config');
  await bench.pass(500);
  assert.equal(state(bench), 'running');
  const kept = bench.host.engine.files.get('a')!;
  assert.deepEqual(
    [...kept].map(([key, content]) => [key, Buffer.from(content).toString()]),
    [
      ['secret/db/00000003', marker],
      ['config/site/00000001', 'config'],
    ],
  );
});

test('a task without files asks for none', async () => {
  const bench = await withOrder({ files: [] });
  assert.deepEqual([calls(bench).length, state(bench)], [0, 'running']);
});

test('what the manager refuses is asked for again, and the task says why it waits', async () => {
  const bench = await withOrder();
  const [first] = calls(bench);
  bench.send({ type: 'answer', call: first!.call, ok: false, value: null, code: 'sealed', message: 'its key is missing' });
  await bench.pass(500);
  assert.equal(state(bench), 'preparing');
  assert.equal(bench.report('a')!.detail, 'waits for its secrets: its key is missing');
  await bench.pass(bench.world.limits.filesRetryMs);
  assert.equal(calls(bench).length, 2);
  give(bench, calls(bench)[1]!);
  await bench.pass(500);
  assert.deepEqual([state(bench), bench.report('a')!.detail], ['running', undefined]);
});

test('an answer that is about something else is no content', async () => {
  for (const value of [null, [], 'x', [{ ...db, version: 2, content: Buffer.from('x') }], [{ ...db, content: 'text' }]]) {
    const bench = await withOrder();
    bench.send({ type: 'answer', call: calls(bench)[0]!.call, ok: true, value });
    await bench.pass(500);
    assert.equal(state(bench), 'preparing');
    assert.match(bench.report('a')!.detail!, /the manager gave something else for secret\/db\/00000003/);
    assert.equal(bench.host.engine.files.get('a'), undefined);
  }
});

test('a manager that is too old is not asked, since it would take the question for a bad frame', async () => {
  const bench = createWorkerBench();
  await bench.start();
  welcome(bench, [order('a', 'runs', { files: [db] })], 2);
  await bench.pass(500);
  assert.equal(calls(bench).length, 0);
  assert.match(bench.report('a')!.detail!, /runs a version of Cube without secrets/);
});

test('the next attempt has its files though the manager is away', async () => {
  const fast = { on: 'always' as const, attempts: 9, withinMs: 600_000, delayMs: 100, backoff: 1, delayMsMax: 100 };
  const bench = createWorkerBench();
  await bench.start();
  welcome(bench, [order('a', 'fails', { files: [db] }, { restart: fast })]);
  await bench.pass(500);
  give(bench, calls(bench)[0]!);
  await bench.pass(3_000);
  assert.ok((bench.report('a')?.attempt ?? 0) > 1, JSON.stringify(bench.report('a')));
  assert.equal(calls(bench).length, 1);
});

test('a task that is told to stop while it waits stops at once', async () => {
  const bench = await withOrder();
  const epoch = { generation: 1, revision: 1 };
  bench.send({ type: 'delta', epoch, base: 1, revision: 2, orders: [order('a', 'runs', { files: [db], desired: 'stopped' })], forget: [] });
  await bench.pass(500);
  assert.equal(state(bench), 'stopped');
  give(bench, calls(bench)[0]!);
  await bench.pass(500);
  assert.equal(bench.host.engine.files.get('a'), undefined);
});

test('files go when their task has ended', async () => {
  const bench = await withOrder({ jobType: 'batch' }, 'completes');
  give(bench, calls(bench)[0]!);
  await bench.pass(5_000);
  assert.equal(state(bench), 'completed');
  assert.deepEqual([...bench.host.engine.files.keys()], []);
});

test('a worker that starts again keeps the files of its live tasks and removes all others', async () => {
  const bench = await withOrder();
  give(bench, calls(bench)[0]!);
  await bench.pass(500);
  bench.host.kill();
  bench.host.engine.files.set('gone', new Map([['secret/x/00000001', Buffer.from('x')]]));
  await bench.start();
  await bench.pass(500);
  assert.deepEqual([...bench.host.engine.files.keys()], ['a']);
  assert.equal(bench.host.engine.running().length, 1);
});

test('neither the frames, log and reports of a worker nor its inspector show what a secret holds', async () => {
  const bench = await withOrder();
  const shown: string[] = [];
  const { clock, limits } = bench.world;
  const feed = createFeed({
    actors: watchActors(() => [{ name: 'worker', ref: bench.host.role!.actor }], clock),
    nodeId: 'n1',
    clock,
    limits,
    log: bench.host.process!.ambient.log,
  });
  feed.subscribe((message) => void shown.push(JSON.stringify(message)));
  give(bench, calls(bench)[0]!);
  await bench.pass(500);
  assert.equal(state(bench), 'running');
  assert.match(shown.join(), new RegExp(`answer[^]*\\[${marker.length} bytes\\]`), 'the answer is shown, without its content');
  const said = JSON.stringify([bench.heard, bench.world.lines, shown]);
  assert.ok(!said.includes(marker) && !said.includes(Buffer.from(marker).toString('base64')));
  assert.ok(!said.includes([...Buffer.from(marker)].join()));
});
