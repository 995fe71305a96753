/** Removing a node and labelling one, from the command line, on a manager and workers of their own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeJson } from '../../src/core/views.ts';
import { startNode, type NodeProcess } from '../support/node-process.ts';
import { document, done, eventually } from './help.ts';

const process = ['--runtime', 'process'];

async function nodesOf(manager: NodeProcess): Promise<readonly NodeJson[]> {
  return document(done(await manager.cube(['nodes', '-o', 'json'])).stdout) as NodeJson[];
}

test('a node is labelled over its restarts; it is removed once it is stopped, and joins anew', async (t) => {
  const worker = await startNode(t, { command: 'worker', args: ['--name', 'w1', '--label', 'disk=hdd', ...process] });
  const args = ['--name', 'head', '--workers', new URL(worker.url).host];
  const manager = await startNode(t, { command: 'manager', args, data: worker.data });
  const ready = async (): Promise<NodeJson> =>
    eventually('it is ready', async () => (await nodesOf(manager)).find(({ name, state }) => name === 'w1' && state === 'ready'));
  await ready();
  assert.equal(done(await manager.cube(['nodes', 'label', 'w1', 'disk=ssd'])).stdout, 'labels of node w1: disk=ssd\n');
  done(await manager.cube(['nodes', 'eligible', 'w1', 'off']));
  await worker.kill();
  await worker.start();
  const back = await ready();
  assert.deepEqual([back.labels, back.eligible], [{ disk: 'ssd' }, false]);
  // Until its link is open again the manager cannot say more than that it was heard.
  await eventually('it is refused as connected', async () => {
    const refused = await manager.cube(['nodes', 'rm', 'w1']);
    assert.equal(refused.code, 5);
    return refused.stderr.startsWith('cube: node w1 is connected; stop it first');
  });
  await worker.interrupt();
  await eventually('it is away', async () => (await nodesOf(manager))[0]?.state === 'away');
  done(await manager.cube(['nodes', 'rm', 'w1']));
  assert.deepEqual(await nodesOf(manager), []);
  await worker.start();
  const anew = await ready();
  assert.deepEqual([anew.labels, anew.eligible], [{ disk: 'hdd' }, true]);
});
