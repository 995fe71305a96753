import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { FakeManager } from './fake-manager.ts';
import { cube, dataDirectoryOf } from './run-cli.ts';
import { aJob, aStatus, aTask } from './samples.ts';

const second = aTask({ id: '22222222-2222-4222-8222-222222222222', slot: 'shop/web.2' });

async function withShop(t: TestContext) {
  const manager = await FakeManager.start(t);
  manager.status = aStatus([aJob({ desired: 2 })], [aTask(), second]);
  const env = { CUBE_DATA: dataDirectoryOf(t, manager.url, 'secret') };
  return { manager, env };
}

test('explain -o json is what the manager says; -q is the pick', async (t) => {
  const { manager, env } = await withShop(t);
  const explained = {
    task: aTask().id,
    slot: 'shop/web.1',
    state: 'running',
    picked: 'bar',
    reasons: [],
    nodes: [{ node: 'bar', feasible: true, score: 1 }],
  };
  manager.answers.set(`GET /v1/tasks/${encodeURIComponent('shop/web.1')}/explain`, () => explained);
  assert.deepEqual(JSON.parse((await cube(['explain', 'shop/web.1', '-o', 'json'], { env })).stdout), explained);
  assert.equal((await cube(['explain', 'shop/web.1', '-q'], { env })).stdout, 'bar\n');
});

const noNodes = { task: aTask().id, state: 'running', picked: 'bar', reasons: [], nodes: [] };

test('explain of a job is about its only task, and else names those it has', async (t) => {
  const { manager, env } = await withShop(t);
  const several = await cube(['explain', 'shop'], { env });
  assert.equal(several.code, 5, 'as `cube exec` has it');
  assert.match(several.stderr, /^cube: shop is a job; name one of its tasks: shop\/web\.1, shop\/web\.2\n/);
  manager.answers.set(`GET /v1/tasks/${encodeURIComponent('shop/web.1')}/explain`, () => ({ ...noNodes, slot: 'shop/web.1' }));
  manager.status = aStatus([aJob()], [aTask({ id: 'old', state: 'failed', createdAt: '2026-01-31T11:00:00.000Z' }), aTask()]);
  const one = await cube(['explain', 'shop'], { env });
  assert.deepEqual([one.code, one.stdout.split('\n').at(-2)], [0, 'shop/web.1 is running: picked bar']);
  manager.status = aStatus([aJob()], []);
  assert.match((await cube(['explain', 'shop'], { env })).stderr, /shop is a job that has no tasks/);
});

test('explain of a task that has ended tells why, and where it had been', async (t) => {
  const { manager, env } = await withShop(t);
  manager.status = aStatus([aJob()], [aTask({ state: 'rejected', reason: 'the node has no such device' })]);
  manager.answers.set(`GET /v1/tasks/1111/explain`, () => ({ ...noNodes, slot: 'shop/web.1', state: 'rejected' }));
  const { stdout } = await cube(['explain', '1111'], { env });
  assert.equal(stdout.split('\n').at(-2), 'shop/web.1 is rejected: the node has no such device; had been placed on bar');
  manager.status = aStatus([], []);
  assert.match((await cube(['explain', '1111'], { env })).stdout, /is rejected: had been placed on bar\n$/);
});

test('a name is never suggested for itself', async (t) => {
  const { env } = await withShop(t);
  const { code, stderr } = await cube(['stop', '--purge', 'shop'], { env });
  assert.equal(code, 4, 'the fake knows no such verb');
  assert.doesNotMatch(stderr, /did you mean shop\?/);
});

test('explain of a pending task says whom it waits for, and nothing twice', async (t) => {
  const { manager, env } = await withShop(t);
  const reason = 'waits for room on bar: preempts a/b.1 (priority 10)';
  manager.answers.set(`GET /v1/tasks/1111/explain`, () => ({ ...noNodes, slot: 'shop/web.1', state: 'pending', picked: null }));
  const explained = async (why: string): Promise<string> => {
    manager.status = aStatus([aJob()], [aTask({ state: 'pending', reason: why })]);
    return (await cube(['explain', '1111'], { env })).stdout;
  };
  assert.match(
    await explained(reason),
    /shop\/web\.1 is pending: waits for room on bar: preempts a\/b\.1 \(priority 10\); no node was picked/,
  );
  assert.match(await explained('1 node: not enough cpu'), /shop\/web\.1 is pending: no node was picked/);
});
