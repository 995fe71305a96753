/** `cube nodes rm`, `eligible` and `label`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { problem } from '../../src/core/errors.ts';
import { FakeManager } from './fake-manager.ts';
import { cube, dataDirectoryOf } from './run-cli.ts';
import { aNode } from './samples.ts';

async function withManager(t: TestContext) {
  const manager = await FakeManager.start(t);
  manager.answers.set('DELETE /v1/nodes/w2', () => aNode({ name: 'w2', state: 'down', tasks: 3 }));
  manager.answers.set('DELETE /v1/nodes/w1', () => problem('conflict', 'node w1 is connected; stop it first'));
  manager.answers.set('POST /v1/nodes/w2/eligible', (body) => aNode({ name: 'w2', ...(body as object) }));
  manager.answers.set('POST /v1/nodes/w2/labels', () => aNode({ name: 'w2', labels: { disk: 'ssd', zone: 'a=b' } }));
  return { manager, env: { CUBE_DATA: dataDirectoryOf(t, manager.url, 'secret') } };
}

test('nodes rm removes one, and says what becomes of it; a connected one is exit 5', async (t) => {
  const { manager, env } = await withManager(t);
  const { code, stdout, stderr } = await cube(['nodes', 'rm', 'w2'], { env });
  assert.deepEqual([code, stdout], [0, 'node w2 is removed: 3 tasks are lost, and placed anew where there is a node for them\n']);
  assert.match(stderr, /joins as a new one, and containers of before that it still has are stopped then/);
  assert.match(stderr, /if it has lost its data directory, they are left: docker ps --filter label=cube\.node=99999999-9999-/);
  assert.equal(manager.seen.at(-1)?.method, 'DELETE');
  assert.ok(manager.seen.at(-1)?.idempotencyKey);
  assert.equal((await cube(['nodes', 'rm', 'w2', '-q'], { env })).stdout, 'w2\n');
  assert.equal(JSON.parse((await cube(['nodes', 'rm', 'w2', '-o', 'json'], { env })).stdout).state, 'down');
  const refused = await cube(['nodes', 'rm', 'w1'], { env });
  assert.deepEqual([refused.code, refused.stderr.split('\n')[0]], [5, 'cube: node w1 is connected; stop it first']);
});

test('nodes rm counts what is lost', async (t) => {
  const { manager, env } = await withManager(t);
  const said = async (tasks: number) => {
    manager.answers.set('DELETE /v1/nodes/w2', () => aNode({ name: 'w2', state: 'down', tasks }));
    return (await cube(['nodes', 'rm', 'w2'], { env })).stdout;
  };
  assert.match(await said(1), /^node w2 is removed: 1 task is lost, and placed anew/);
  assert.equal(await said(0), 'node w2 is removed; it had no tasks\n');
});

test('nodes eligible takes on or off', async (t) => {
  const { manager, env } = await withManager(t);
  assert.equal((await cube(['nodes', 'eligible', 'w2', 'off'], { env })).stdout, 'node w2 gets no new tasks; what runs there stays\n');
  assert.deepEqual(manager.seen.at(-1)?.body, { eligible: false });
  assert.equal((await cube(['nodes', 'eligible', 'w2', 'on'], { env })).stdout, 'node w2 gets new tasks\n');
  assert.deepEqual(manager.seen.at(-1)?.body, { eligible: true });
  const before = manager.seen.length;
  for (const words of [[], ['maybe'], ['on', 'off']]) assert.equal((await cube(['nodes', 'eligible', 'w2', ...words], { env })).code, 2);
  assert.equal(manager.seen.length, before);
});

test('nodes label sets and removes, and shows what there is then', async (t) => {
  const { manager, env } = await withManager(t);
  const { stdout } = await cube(['nodes', 'label', 'w2', 'disk=ssd', 'old-', 'zone=a=b', 'empty='], { env });
  assert.equal(stdout, 'labels of node w2: disk=ssd zone=a=b\n');
  assert.deepEqual(manager.seen.at(-1)?.body, { set: { disk: 'ssd', zone: 'a=b', empty: '' }, remove: ['old'] });
  const before = manager.seen.length;
  for (const words of [[], ['disk'], ['=x'], ['a=1', 'a-'], ['a=1', 'a=2']]) {
    const { code, stderr } = await cube(['nodes', 'label', 'w2', ...words], { env });
    assert.equal(code, 2, stderr);
  }
  assert.equal(manager.seen.length, before);
});

test('an action without its node, one that is none, and those of later versions are told apart', async (t) => {
  const { env } = await withManager(t);
  for (const [words, said] of [
    [['rm'], /cube nodes rm takes a node/],
    [['rm', 'w1', 'w2'], /takes one node/],
    [['lable', 'w2'], /no action "lable"; did you mean label\?/],
    [['constructor', 'w2'], /no action "constructor"/],
    [['drain', 'w2'], /`cube nodes drain` is not in this version yet/],
    [['confirm-lost', 'w2'], /`cube nodes confirm-lost` is not in this version yet/],
  ] as const) {
    const { code, stderr } = await cube(['nodes', ...words], { env });
    assert.equal(code, 2);
    assert.match(stderr, said);
  }
});
