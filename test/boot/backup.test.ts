/** Restoring to a data directory: what is checked, what is moved, and from which epoch it goes on. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { hasManager, offlineBackup, restoreBackup, saveBackup } from '../../src/boot/backup.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import type { Batch } from '../../src/ports/store.ts';
import { openLevelStore } from '../../src/store/level.ts';
import { freshDirectory, keptLog, projectRoot, puts, recordsOf } from '../store/help.ts';

const fixture = join(projectRoot(), 'test', 'fixtures', 'backup-0.1.0.cube');
const cluster = '0b6f4f0e-7a52-4c3c-9d0e-1f6a2c5b8d31';

async function setUp(t: TestContext) {
  const root = await freshDirectory(t);
  const warnings: string[] = [];
  const dataDirectory = join(root, 'data');
  const options = { dataDirectory, limits: limitsDefault, version: '0.1.0', warn: (message: string) => void warnings.push(message) };
  const manager = join(dataDirectory, 'manager');
  return { root, dataDirectory, manager, options, warnings };
}

async function write(directory: string, batch: Batch): Promise<void> {
  const store = openLevelStore({ directory, limits: limitsDefault, log: keptLog() });
  await store.load();
  await store.commit(batch);
  await store.close();
}

async function loaded(directory: string) {
  const store = openLevelStore({ directory, limits: limitsDefault, log: keptLog() });
  try {
    return await store.load();
  } finally {
    await store.close();
  }
}

test('a backup is put back record for record, in a later generation', async (t) => {
  const { manager, options, dataDirectory } = await setUp(t);
  assert.equal(hasManager(dataDirectory), false);
  const done = await restoreBackup(fixture, false, options);
  assert.deepEqual([done.generation, done.aside, done.clusterId, hasManager(dataDirectory)], [2, null, cluster, true]);
  const found = await loaded(manager);
  assert.deepEqual(found.damage, []);
  const expected = JSON.parse(await readFile(join(projectRoot(), 'test', 'fixtures', 'data-0.1.0.json'), 'utf8')) as {
    manager: { records: Record<string, object> };
  };
  for (const kind of ['job', 'version', 'task', 'node', 'answer'] as const)
    assert.deepEqual(recordsOf(found, kind), expected.manager.records[kind]);
  assert.deepEqual(recordsOf(found, 'meta'), {
    ...expected.manager.records['meta'],
    identity: { clusterId: cluster, epoch: { generation: 2, revision: 0 } },
    restored: { createdAt: '2025-11-20T09:30:00.000Z', revision: done.revision },
  });
  assert.equal((await stat(dataDirectory)).mode & 0o777, 0o700);
});

test('each restore goes on above every generation that the directory knows of', async (t) => {
  const { dataDirectory, options, manager } = await setUp(t);
  await restoreBackup(fixture, false, options);
  const second = await restoreBackup(fixture, true, options);
  assert.equal(second.generation, 3);
  assert.match(second.aside!, /manager\.before-restore-\d{4}-\d\d-\d\dT/);
  assert.equal(recordsOf(await loaded(second.aside!), 'task')['9a3b1c2d-0e4f-4a5b-8c6d-7e8f90a1b2c3'] !== undefined, true);
  await write(
    join(dataDirectory, 'worker-a', 'store'),
    puts('meta', { identity: { nodeId: 'n', clusterId: cluster }, seen: { epoch: { generation: 9, revision: 1 }, revision: 4 } }),
  );
  await write(join(dataDirectory, 'worker', 'store'), puts('meta', { identity: { nodeId: 'm', clusterId: null } }));
  assert.equal((await restoreBackup(fixture, true, options)).generation, 10);
  assert.deepEqual(
    readdirSync(dataDirectory).filter((name) => name.includes('restoring')),
    [],
  );
  assert.ok(existsSync(manager));
});

test('a store that is there stays unless it may be moved, and so does one of another cluster’s worker', async (t) => {
  const { dataDirectory, options, manager } = await setUp(t);
  await write(manager, puts('meta', { mine: 1 }));
  await assert.rejects(restoreBackup(fixture, false, options), { code: 'conflict', message: /holds a manager's state already/ });
  await write(join(dataDirectory, 'worker', 'store'), puts('meta', { identity: { nodeId: 'm', clusterId: 'another' } }));
  await assert.rejects(restoreBackup(fixture, true, options), {
    code: 'conflict',
    message: /belongs to cluster another, the backup to 0b6f4f0e/,
  });
  assert.deepEqual(recordsOf(await loaded(manager), 'meta'), { mine: 1 });
});

test('a store that is held or damaged: held is refused, damaged is moved aside', async (t) => {
  const { dataDirectory, options, manager, warnings } = await setUp(t);
  const store = openLevelStore({ directory: manager, limits: limitsDefault, log: keptLog() });
  await store.load();
  await store.commit(puts('meta', { mine: 1 }));
  await writeFile(join(dataDirectory, 'node.json'), JSON.stringify({ name: 'bar', pid: 4_711, url: 'http://x', startedAt: 'noon' }));
  await assert.rejects(restoreBackup(fixture, true, options), { code: 'data-held', message: /held by node bar \(pid 4711/ });
  await assert.rejects(
    async () => {
      for await (const _chunk of offlineBackup(options)) assert.fail('it gave bytes');
    },
    { code: 'data-held' },
  );
  await store.close();
  await writeFile(join(manager, 'CURRENT'), 'nonsense\n');
  const done = await restoreBackup(fixture, true, options);
  assert.equal(done.generation, 2);
  assert.match(warnings.join(), /was not looked at/);
  assert.equal(await readFile(join(done.aside!, 'CURRENT'), 'utf8'), 'nonsense\n');
});

test('a backup of a store is written whole or not at all, for its owner only', async (t) => {
  const { root, options } = await setUp(t);
  await restoreBackup(fixture, false, options);
  const file = join(root, 'a.cube');
  const summary = await saveBackup(offlineBackup(options), file, false);
  assert.deepEqual([summary.clusterId, summary.leftOut, (await stat(file)).mode & 0o777], [cluster, 0, 0o600]);
  await assert.rejects(saveBackup(offlineBackup(options), file, false), { code: 'conflict' });
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('cube backup 1\n');
    throw new Error('the node went away');
  }
  await assert.rejects(saveBackup(broken(), file, true), /went away/);
  async function* short(): AsyncGenerator<Uint8Array> {
    yield (await readFile(fixture)).subarray(0, 5_000);
  }
  await assert.rejects(saveBackup(short(), file, true), { code: 'invalid-file' });
  assert.equal((await stat(file)).size, summary.bytes);
  assert.deepEqual(readdirSync(root).toSorted(), ['a.cube', 'data']);
  await assert.rejects(saveBackup(offlineBackup(options), join(root, 'none', 'b.cube'), false), {
    code: 'failed',
    message: `${join(root, 'none', 'b.cube')} cannot be written: there is no folder ${join(root, 'none')}`,
  });
  await assert.rejects(saveBackup(offlineBackup(options), join(file, 'b.cube'), false), {
    code: 'failed',
    message: /a\.cube is no folder$/,
  });
  for (const force of [true, false]) {
    await assert.rejects(saveBackup(offlineBackup(options), root, force), { code: 'conflict', message: `${root} is a folder` });
  }
  const { generation, records } = await restoreBackup(file, true, options);
  assert.deepEqual([generation, records], [3, summary.records]);
});

test('a file that was cut short leaves no trace', async (t) => {
  const { root, options, dataDirectory } = await setUp(t);
  const file = join(root, 'short.cube');
  const bytes = await readFile(fixture);
  await writeFile(file, bytes);
  for (let part = 19; part >= 0; part--) {
    await truncate(file, Math.floor((bytes.length * part) / 20));
    await assert.rejects(restoreBackup(file, true, options), { code: 'invalid-file', message: part > 0 ? /cut short/ : /it is empty/ });
  }
  assert.equal(existsSync(dataDirectory), false);
  await assert.rejects(restoreBackup(join(root, 'none'), true, options), { code: 'not-found' });
  await assert.rejects(restoreBackup(root, true, options), { code: 'usage', message: `${root} is a folder, and no backup` });
});
