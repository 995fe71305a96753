/** `cube plan` against a real node: what it says is what the submit does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlanJson } from '../../src/core/views.ts';
import { startNode } from '../support/node-process.ts';
import type { NodeProcess } from '../support/node-process.ts';
import { done, submit, tasksOf } from './help.ts';

async function planOf(node: NodeProcess, job: string): Promise<{ readonly code: number | null; readonly plan: PlanJson }> {
  const { code, stdout } = await node.cube(['plan', '-', '-o', 'json'], { input: job });
  return { code, plan: JSON.parse(stdout) as PlanJson };
}

test('plan, submit with its index, plan again: 10, done, 0', async (t) => {
  const node = await startNode(t, { args: ['--runtime', 'process'], env: { DOCKER_HOST: 'unix:///nonexistent/docker.sock' } });
  const job = (count: number, mode: string): string =>
    `name: shop\ntasks: {web: {image: none, command: [/bin/sleep, "10000"], count: ${count}, env: {MODE: ${mode}}, stopGrace: 1s}}`;
  const fresh = await planOf(node, job(2, 'one'));
  assert.deepEqual([fresh.code, fresh.plan.index, fresh.plan.change], [10, 0, 'created']);
  assert.deepEqual(await node.cube(['status', 'shop', '-q']).then(({ code }) => code), 4, 'nothing was submitted');
  await submit(node, job(2, 'one'), '--check-index', '0');
  const same = await planOf(node, job(2, 'one'));
  assert.deepEqual([same.code, same.plan.changes.map(({ action }) => action)], [0, ['keep', 'keep']]);
  const before = await tasksOf(node, 'shop');
  assert.deepEqual(
    same.plan.changes.map((change) => change.node),
    before.map((task) => task.node),
  );
  const changed = await planOf(node, job(1, 'two'));
  assert.deepEqual(
    [changed.code, changed.plan.changes.map(({ action, slot }) => [action, slot])],
    [
      10,
      [
        ['update', 'shop/web.1'],
        ['stop', 'shop/web.2'],
      ],
    ],
  );
  assert.equal((await node.cube(['plan', '-', '--check-index', '0'], { input: job(1, 'two') })).code, 5);
  await submit(node, job(1, 'two'), '--check-index', `${changed.plan.index}`);
  const after = (await tasksOf(node, 'shop')).filter(({ state }) => state === 'running');
  assert.deepEqual([after.length, before.some(({ id }) => id === after[0]!.id)], [1, false]);
  done(await node.cube(['stop', 'shop', '--purge']));
});
