/** Backup files: what comes out is what went in, between two commits, and what is not whole is refused with a sentence. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { asCubeError } from '../../src/core/errors.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import type { BackupAbout, Store } from '../../src/ports/store.ts';
import { readBackup } from '../../src/store/backup.ts';
import type { BackupRecord, BackupSummary } from '../../src/store/backup.ts';
import { openLevelStore } from '../../src/store/level.ts';
import { memoryDisk, openMemoryStore } from '../../src/store/memory.ts';
import { freshDirectory, keptLog, projectRoot, puts } from './help.ts';

const about: BackupAbout = { clusterId: 'c-1', epoch: { generation: 2, revision: 7 }, version: '9.9.9', createdAt: Date.UTC(2026, 0, 31) };
const small = { ...limitsDefault, storeReadRecordsMax: 7 };

async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** As a network hands it over: in pieces that know nothing of records. */
async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readAll(bytes: Buffer, size = 1_000): Promise<{ summary: BackupSummary; records: BackupRecord[] }> {
  const records: BackupRecord[] = [];
  const summary = await readBackup(pieces(bytes, size), 'x.backup', (record) => void records.push(record));
  return { summary, records };
}

async function refusal(bytes: Buffer): Promise<{ code: string; message: string; hint: string }> {
  try {
    await readAll(bytes);
  } catch (thrown) {
    return asCubeError(thrown);
  }
  throw new Error('it was taken');
}

async function filled(store: Store): Promise<Store> {
  await store.load();
  await store.commit(puts('meta', { identity: { clusterId: 'c-1', epoch: about.epoch } }));
  for (let i = 0; i < 30; i++) await store.commit(puts('task', { [`t${i}`]: { i, text: 'grüß Gott 😀', list: [1, null, { a: true }] } }));
  await store.commit(puts('event', { '0001': { seq: 1 } }));
  return store;
}

for (const size of [1, 3, 64, 100_000]) {
  test(`a backup read in pieces of ${size} bytes holds every record and says whose it is`, async () => {
    const store = await filled(openMemoryStore({ limits: small }));
    const { summary, records } = await readAll(await bytesOf(store.backup(about)), size);
    const { bytes, ...said } = summary;
    assert.deepEqual(said, {
      cube: '9.9.9',
      clusterId: 'c-1',
      epoch: about.epoch,
      revision: 32,
      createdAt: '2026-01-31T00:00:00.000Z',
      records: 32,
      leftOut: 0,
    });
    assert.ok(bytes > 1_000);
    const kinds = records.map(({ kind }) => kind);
    assert.deepEqual([kinds.filter((kind) => kind === 'task').length, new Set(kinds).size], [30, 3]);
    assert.deepEqual(records.find(({ key }) => key === 't7')?.value, { i: 7, text: 'grüß Gott 😀', list: [1, null, { a: true }] });
  });
}

test('a backup of an empty store is a backup', async () => {
  const store = openMemoryStore({ limits: small });
  await store.load();
  const { summary, records } = await readAll(await bytesOf(store.backup(about)));
  assert.deepEqual([summary.revision, summary.records, records], [0, 0, []]);
});

test('a backup is of one moment, whatever is committed while it is read', async (t) => {
  const store = await filled(openLevelStore({ directory: await freshDirectory(t), limits: small, log: keptLog() }));
  t.after(() => store.close());
  const chunks: Uint8Array[] = [];
  // Large enough for several chunks, so that commits come between them.
  for (let i = 0; i < 40; i++) await store.commit(puts('job', { [`j${i}`]: { round: 0, text: 'x'.repeat(8_000) } }));
  let round = 0;
  for await (const chunk of store.backup(about)) {
    round++;
    chunks.push(chunk);
    await store.commit(puts('job', Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`j${i}`, { round }]))));
  }
  assert.ok(round > 3, `${round} chunks`);
  const { summary, records } = await readAll(Buffer.concat(chunks));
  assert.equal(summary.revision, 72);
  assert.deepEqual(
    new Set(records.filter(({ kind }) => kind === 'job').map(({ value }) => (value as { round: number }).round)),
    new Set([0]),
  );
});

test('a backup that is cut off anywhere is refused, and says so', async () => {
  const store = await filled(openMemoryStore({ limits: small }));
  const bytes = await bytesOf(store.backup(about));
  for (let part = 1; part < 20; part++) {
    const { code, message } = await refusal(bytes.subarray(0, Math.floor((bytes.length * part) / 20)));
    assert.equal(code, 'invalid-file');
    assert.match(message, /^x\.backup cannot be restored: it was cut short: it ends within .*, after \d+ bytes$/, `part ${part}`);
  }
  assert.equal((await refusal(bytes.subarray(0, -1))).code, 'invalid-file');
  assert.match((await refusal(bytes.subarray(0, 5))).message, /cut short: it ends within its first line, after 5 bytes/);
});

test('a flipped bit anywhere in a backup is found', async () => {
  const store = await filled(openMemoryStore({ limits: small }));
  const bytes = await bytesOf(store.backup(about));
  for (let at = 0; at < bytes.length; at++) {
    const copy = Buffer.from(bytes);
    copy[at]! ^= 1 << (at % 8);
    const { code } = await refusal(copy);
    // A digit of the format may become a higher one.
    assert.ok(code === 'invalid-file' || (code === 'data-newer' && at === 12), `byte ${at}: ${code}`);
  }
});

test('what is no backup, has more behind it, or is of a later format is refused', async () => {
  const store = await filled(openMemoryStore({ limits: small }));
  const bytes = await bytesOf(store.backup(about));
  assert.match((await refusal(Buffer.from('name: shop\ntasks: {}\n'))).message, /it is no backup of Cube/);
  for (const [text, why] of [
    ['hi\n', /it is no backup of Cube$/],
    ['', /it is empty$/],
  ] as const) {
    const { message, hint } = await refusal(Buffer.from(text));
    assert.match(message, why);
    assert.equal(hint, 'name a file that `cube backup` wrote; nothing was changed');
  }
  assert.match((await refusal(Buffer.concat([bytes, Buffer.from('\n')]))).message, /more behind its end/);
  const later = await refusal(Buffer.concat([Buffer.from('cube backup 2\n'), bytes.subarray(14)]));
  assert.deepEqual([later.code, /newer Cube: it has format 2/.test(later.message)], ['data-newer', true]);
  assert.match((await refusal(Buffer.from(`cube backup 1\n{"cube":"1"}\n`))).message, /its header is not whole/);
  assert.match((await refusal(Buffer.from(`cube backup 1\n${'x'.repeat(70_000)}`))).message, /its header has no end/);
});

test('a record that is damaged in the store is left out and counted', async () => {
  const disk = memoryDisk();
  const store = await filled(openMemoryStore({ limits: small, disk }));
  disk.tamper('task:t3', (bytes) => {
    const copy = Buffer.from(bytes!);
    copy[9]! ^= 1;
    return copy;
  });
  const { summary } = await readAll(await bytesOf(store.backup(about)));
  assert.deepEqual([summary.records, summary.leftOut], [31, 1]);
});

test('a backup breaks off when its store is closed, and what was read of it is refused', async (t) => {
  const store = await filled(openLevelStore({ directory: await freshDirectory(t), limits: small, log: keptLog() }));
  for (let i = 0; i < 40; i++) await store.commit(puts('job', { [`j${i}`]: 'x'.repeat(8_000) }));
  const chunks: Uint8Array[] = [];
  await assert.rejects(
    async () => {
      for await (const chunk of store.backup(about)) {
        chunks.push(chunk);
        await store.close();
      }
    },
    { code: 'store-failed' },
  );
  assert.match((await refusal(Buffer.concat(chunks))).message, /cut short/);
});

test('the backup that 0.1.0 wrote is still read, record for record', async () => {
  const fixtures = join(projectRoot(), 'test', 'fixtures');
  const { summary, records } = await readAll(await readFile(join(fixtures, 'backup-0.1.0.cube')));
  const expected = (JSON.parse(await readFile(join(fixtures, 'data-0.1.0.json'), 'utf8')) as { manager: { records: object } }).manager
    .records;
  const found: Record<string, Record<string, unknown>> = {};
  for (const { kind, key, value } of records) (found[kind] ??= {})[key] = value;
  const { identity, ...meta } = found['meta']!;
  assert.deepEqual(identity, { clusterId: summary.clusterId, epoch: summary.epoch });
  assert.deepEqual({ ...found, meta }, expected);
});
