import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { problem } from '../../src/core/errors.ts';
import type { VolumeJson } from '../../src/core/volume-view.ts';
import { FakeManager } from './fake-manager.ts';
import { cube, dataDirectoryOf } from './run-cli.ts';

const one: VolumeJson = {
  name: 'shop_data-1',
  job: 'shop',
  slot: 'shop/db.1',
  node: 'bar',
  nodeId: 'node-1',
  nodeGone: false,
  volumes: ['shop_data-1', 'shop_wal-1'],
  inUse: true,
  since: '2026-01-31T12:00:00.000Z',
};
const two: VolumeJson = { ...one, slot: 'shop/db.2', node: 'foo', nodeGone: true, inUse: false, volumes: ['shop_data-2'] };

async function withVolumes(t: TestContext, all: readonly VolumeJson[] = [one, two]) {
  const manager = await FakeManager.start(t);
  manager.answers.set('GET /v1/volumes', () => all);
  return { manager, env: { CUBE_DATA: dataDirectoryOf(t, manager.url, 'secret') } };
}

test('volume ls is a line a slot, and says whose node was removed', async (t) => {
  const { env } = await withVolumes(t);
  for (const args of [['volume', 'ls'], ['volume']]) {
    const { code, stdout } = await cube(args, { env });
    assert.equal(code, 0);
    const lines = stdout.trimEnd().split('\n');
    assert.match(lines[0]!, /^SLOT +NODE +IN USE +SINCE +VOLUMES$/);
    assert.match(lines[1]!, /^shop\/db\.1 +bar +yes +\d+ days? ago +shop_data-1, shop_wal-1$/);
    assert.match(lines[2]!, /^shop\/db\.2 +foo \(removed\) +no +\d+ days? ago +shop_data-2$/);
  }
});

test('volume ls -o json is what the manager says, -q the slots', async (t) => {
  const { env } = await withVolumes(t);
  assert.deepEqual(JSON.parse((await cube(['volume', 'ls', '-o', 'json'], { env })).stdout), [one, two]);
  assert.equal((await cube(['volume', 'ls', '-q'], { env })).stdout, 'shop/db.1\nshop/db.2\n');
});

test('without any, people are told so and scripts get an empty list', async (t) => {
  const { env } = await withVolumes(t, []);
  const { stdout, stderr } = await cube(['volume', 'ls'], { env });
  assert.equal(stdout, '');
  assert.match(stderr, /no slot has data in a volume/);
  assert.deepEqual(JSON.parse((await cube(['volume', 'ls', '-o', 'json'], { env })).stdout), []);
});

test('volume release lets a slot go, and says where its data still is', async (t) => {
  const { manager, env } = await withVolumes(t);
  manager.answers.set('POST /v1/volumes/shop%2Fdb.1/release', () => one);
  manager.answers.set('POST /v1/volumes/shop%2Fdb.2/release', () => two);
  const { code, stdout, stderr } = await cube(['volume', 'release', 'shop/db.1'], { env });
  assert.deepEqual([code, stdout], [0, 'shop/db.1 is not bound to bar any more\n']);
  assert.match(stderr, /docker volume rm shop_data-1 shop_wal-1/);
  assert.ok(manager.seen.at(-1)?.idempotencyKey);
  assert.doesNotMatch((await cube(['volume', 'release', 'shop/db.2'], { env })).stderr, /docker volume rm/, 'its node is gone');
  assert.deepEqual(JSON.parse((await cube(['volume', 'release', 'shop/db.1', '-o', 'json'], { env })).stdout), one);
  assert.equal((await cube(['volume', 'release', 'shop/db.1', '-q'], { env })).stdout, 'shop/db.1\n');
});

test('what is in use is exit 5, what is not there exit 4, a wrong line exit 2', async (t) => {
  const { manager, env } = await withVolumes(t);
  manager.answers.set('POST /v1/volumes/shop%2Fdb.1/release', () => problem('conflict', 'shop/db.1 is running on bar'));
  assert.equal((await cube(['volume', 'release', 'shop/db.1'], { env })).code, 5);
  assert.equal((await cube(['volume', 'release', 'shop/db.9'], { env })).code, 4);
  for (const args of [['release'], ['release', 'a', 'b'], ['ls', 'shop'], ['rm', 'shop/db.1']]) {
    assert.equal((await cube(['volume', ...args], { env })).code, 2, args.join(' '));
  }
  assert.match((await cube(['volume', 'relase', 'x'], { env })).stderr, /did you mean release/);
});
