/** `cube backup` and `cube restore` with real nodes: what the backup knows goes on, what it does not know is kept, and nothing is doubled. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, statSync } from 'node:fs';
import { cp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { label } from '../../src/core/ids.ts';
import type { NodeJson } from '../../src/core/views.ts';
import { testEngine } from '../support/engine.ts';
import { runCube, startNode } from '../support/node-process.ts';
import { projectRoot } from '../store/help.ts';
import { assertOneEach, containers, document, done, eventually, pidsOf, running, sleeper, submit, tasksOf } from './help.ts';

const { skip } = await testEngine();

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'cube-backup-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

test('after a restore the same containers go on, those that the backup does not know are kept and named', { skip }, async (t) => {
  const file = join(folder(t), 'cube.backup');
  const node = await startNode(t);
  await submit(node, sleeper('known', 'count: 3'));
  const saved = document(done(await node.cube(['backup', file, '-o', 'json'])).stdout) as { records: number; revision: number };
  assert.ok(saved.records > 5 && saved.revision > 3, JSON.stringify(saved));
  assert.equal(statSync(file).mode & 0o777, 0o600);
  await submit(node, sleeper('later', 'count: 2'));
  const all = { [label.node]: node.nodeId };
  const before = await pidsOf(await containers(all));
  assert.equal(Object.keys(before).length, 5);

  const early = await node.cube(['restore', file, '--force']);
  assert.deepEqual([early.code, /is held by node .* \(pid \d+/.test(early.stderr)], [5, true], early.stderr);
  await node.kill();
  const refused = await node.cube(['restore', file]);
  assert.deepEqual([refused.code, /--force/.test(refused.stderr)], [5, true], refused.stderr);
  const restored = document(done(await node.cube(['restore', file, '--force', '-o', 'json'])).stdout) as {
    generation: number;
    aside: string;
  };
  assert.equal(restored.generation, 2);
  assert.ok(readdirSync(restored.aside).includes('CURRENT'));

  await node.start();
  await eventually('what was known runs', async () => (await tasksOf(node, 'known')).every(({ state }) => state === 'running'));
  assert.match(node.stderr, /acknowledged writes are lost \(a backup of .* was put back\)/);
  assert.match(node.stderr, /2 tasks that the records do not know run on and are kept: later\/t\.\d/);
  assert.deepEqual(await pidsOf(await containers(all)), before);
  const [told] = document(done(await node.cube(['nodes', '-o', 'json'])).stdout) as readonly NodeJson[];
  assert.match(told!.reason!, /^keeps later\/t\.1 .* and later\/t\.2 .*, which the records do not know$/);

  // They are kept over the next restart, too, and taken over when their job is submitted again.
  await node.kill();
  await node.start();
  assert.deepEqual(await pidsOf(await containers(all)), before);
  await submit(node, sleeper('later', 'count: 2'));
  assert.deepEqual(
    (await tasksOf(node, 'later')).map(({ containerId }) => `${containerId}`).toSorted(),
    (await running(node, 'later')).map(({ Id }) => Id).toSorted(),
  );
  assert.deepEqual(await pidsOf(await containers(all)), before);
  assertOneEach(await containers(all));
  const [after] = document(done(await node.cube(['nodes', '-o', 'json'])).stdout) as readonly NodeJson[];
  assert.equal(after!.reason, null);
});

test('a task that the records do not know can be stopped by its user', { skip }, async (t) => {
  const file = join(folder(t), 'cube.backup');
  const node = await startNode(t);
  done(await node.cube(['backup', file]));
  await submit(node, sleeper('later', 'count: 2'));
  await node.kill();
  done(await node.cube(['restore', file, '--force']));
  await node.start();
  assert.equal((await running(node, 'later')).length, 2);
  done(await node.cube(['stop', 'later/t.1']));
  await eventually('one is left', async () => (await running(node, 'later')).length === 1);
  await eventually('and its record, too', async () => {
    const { tasks } = await node.client().status();
    return JSON.stringify(tasks.map(({ slot, state }) => [slot, state])) === '[["later/t.2","running"]]';
  });
});

test('a backup of a node that does not run is restored on a host of its own', { skip }, async (t) => {
  const file = join(folder(t), 'cube.backup');
  const node = await startNode(t, { args: ['--runtime', 'process'] });
  done(
    await node.cube(['submit', '--detach', '-'], { input: 'name: shop\ntasks: {web: {image: none, command: [/bin/sleep, "10000"]}}\n' }),
  );
  await node.kill();
  assert.match(done(await node.cube(['backup', file])).stderr, /no node answers; the backup is taken from/);
  const again = await node.cube(['backup', file]);
  assert.deepEqual([again.code, /is there already/.test(again.stderr)], [5, true]);
  done(await node.cube(['backup', file, '--force']));

  const other = await startNode(t, { args: ['--runtime', 'process', '--name', 'other'] });
  await other.interrupt();
  const foreign = await other.cube(['restore', file, '--force']);
  assert.deepEqual([foreign.code, /the worker in .* belongs to cluster/.test(foreign.stderr)], [5, true], foreign.stderr);
  await rm(join(other.data, 'worker'), { recursive: true });
  done(await other.cube(['restore', file, '--force']));
  await other.start();
  assert.deepEqual(
    (await other.client().jobs()).jobs.map(({ name }) => name),
    ['shop'],
  );
});

test('a file that is no whole backup changes nothing', async (t) => {
  const data = folder(t);
  const good = join(projectRoot(), 'test', 'fixtures', 'backup-0.1.0.cube');
  const file = join(data, 'bad.backup');
  const env = { CUBE_DATA: join(data, 'node') };
  const bytes = await readFile(good);
  const tries: readonly (readonly [string, () => Promise<void>, number])[] = [
    ['cut short', () => truncate(file, bytes.length - 30), 2],
    ['damaged', () => writeFile(file, Buffer.concat([bytes.subarray(0, 900), Buffer.from('x'), bytes.subarray(901)])), 2],
    ['newer Cube', () => writeFile(file, Buffer.concat([Buffer.from('cube backup 9\n'), bytes.subarray(14)])), 5],
    ['no backup of Cube', () => writeFile(file, 'name: shop\ntype: service\n'), 2],
    ['there is no file', () => rm(file), 4],
  ];
  for (const [words, harm, code] of tries) {
    await cp(good, file);
    await harm();
    const outcome = await runCube(['restore', file], { env });
    assert.deepEqual([outcome.code, outcome.stderr.includes(words)], [code, true], `${words}: ${outcome.stderr}`);
    assert.throws(() => readdirSync(env.CUBE_DATA), { code: 'ENOENT' });
  }
  done(await runCube(['restore', good], { env }));
  assert.deepEqual(readdirSync(env.CUBE_DATA), ['manager']);
});
