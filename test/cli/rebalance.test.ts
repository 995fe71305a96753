import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { RebalanceJson } from '../../src/core/views.ts';
import { FakeManager } from './fake-manager.ts';
import { cube, dataDirectoryOf } from './run-cli.ts';

const planned: RebalanceJson = {
  policy: 'epvm',
  moves: [
    { task: 't1', slot: 'shop/web.1', from: 'bar', to: 'foo', gain: 0.12, share: 0.424, why: 'cpu: 90% taken on bar, 10% on foo' },
    { task: 't2', slot: 'db/main.1', from: 'bar', to: 'foo', gain: 0.1, share: 0.3, why: 'memory: 80% taken on bar, 20% on foo' },
  ],
};

async function withMoves(t: TestContext, document: RebalanceJson = planned) {
  const manager = await FakeManager.start(t);
  manager.answers.set('GET /v1/rebalance', () => document);
  return { manager, env: { CUBE_DATA: dataDirectoryOf(t, manager.url, 'secret') } };
}

test('rebalance --plan is a line a move, and says how to make one', async (t) => {
  const { env } = await withMoves(t);
  const { code, stdout, stderr } = await cube(['rebalance', '--plan'], { env });
  assert.equal(code, 0);
  const lines = stdout.trimEnd().split('\n');
  assert.match(lines[0]!, /^SLOT +FROM +TO +GAIN +WHY$/);
  assert.match(lines[1]!, /^shop\/web\.1 +bar +foo +42% +cpu: 90% taken on bar, 10% on foo$/);
  assert.match(lines[2]!, /^db\/main\.1 +bar +foo +30% +memory/);
  assert.match(stderr, /cube stop SLOT/);
});

test('-o json is what the manager says, -q the slots, --max-moves the bound', async (t) => {
  const { manager, env } = await withMoves(t);
  assert.deepEqual(JSON.parse((await cube(['rebalance', '--plan', '-o', 'json'], { env })).stdout), planned);
  assert.equal((await cube(['rebalance', '--plan', '-q'], { env })).stdout, 'shop/web.1\ndb/main.1\n');
  assert.equal((await cube(['rebalance', '--plan', '--max-moves', '1', '-q'], { env })).code, 0);
  assert.deepEqual(
    manager.seen.map(({ path }) => path),
    ['/v1/rebalance', '/v1/rebalance', '/v1/rebalance?max=1'],
  );
  assert.equal((await cube(['rebalance', '--plan', '--max-moves', 'some'], { env })).code, 2);
});

test('where nothing is worth a move it says so', async (t) => {
  const { env } = await withMoves(t, { policy: 'spread', moves: [] });
  const { code, stdout, stderr } = await cube(['rebalance', '--plan'], { env });
  assert.deepEqual([code, stdout, stderr], [0, 'no move is worth making (policy spread)\n', '']);
});

test('without --plan it moves nothing, and says how to', async (t) => {
  const { env } = await withMoves(t);
  const { code, stdout, stderr } = await cube(['rebalance'], { env });
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /does not move tasks in this version/);
  assert.match(stderr, /cube rebalance --plan/);
  assert.match(stderr, /cube stop TASK/);
});
