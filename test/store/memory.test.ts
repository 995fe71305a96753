import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsDefault } from '../../src/core/limits.ts';
import type { Loaded, Store } from '../../src/ports/store.ts';
import { createCodec } from '../../src/store/codec.ts';
import type { WriteProbe } from '../../src/store/disk.ts';
import { markKey, storedKey } from '../../src/store/keys.ts';
import { memoryDisk, openMemoryStore } from '../../src/store/memory.ts';
import type { MemoryDisk } from '../../src/store/memory.ts';
import { gate, keptLog, puts, recordsOf } from './help.ts';

async function opened(disk: MemoryDisk, probe?: WriteProbe): Promise<Store> {
  const store = openMemoryStore({ limits: limitsDefault, disk, probe });
  await store.load();
  return store;
}

/** A disk with six commits: three tasks, a job, and the first task again twice. */
async function writtenDisk(): Promise<MemoryDisk> {
  const disk = memoryDisk();
  const store = await opened(disk);
  for (const key of ['a', 'b', 'c']) await store.commit(puts('task', { [key]: { key, run: 0 } }));
  await store.commit(puts('job', { shop: { name: 'shop' } }));
  for (const run of [1, 2]) await store.commit(puts('task', { a: { key: 'a', run } }));
  await store.close();
  return disk;
}

/** Loads what is on the disk and goes on with one commit, which every damage must leave possible. */
async function loadedOf(disk: MemoryDisk): Promise<Loaded> {
  const store = openMemoryStore({ limits: limitsDefault, disk });
  const loaded = await store.load();
  assert.ok((await store.commit(puts('meta', { onward: true }))) > loaded.revision);
  await store.close();
  return loaded;
}

const gone = (): undefined => undefined;
const mark = (revision: number): string => storedKey('mark', markKey(revision));

test('without a disk of its own each store is empty', async () => {
  for (let i = 0; i < 2; i++) {
    const store = openMemoryStore({ limits: limitsDefault });
    assert.equal((await store.load()).revision, 0);
    assert.equal(await store.commit(puts('task', { a: 1 })), 1);
    await store.close();
  }
});

test('a crash keeps what was acknowledged, loses what was under way, and silences the old store', async () => {
  const disk = memoryDisk();
  const held = gate();
  let hold = false;
  const store = await opened(disk, async () => {
    if (hold) await held.opened;
    return undefined;
  });
  await store.commit(puts('task', { kept: 1 }));
  hold = true;
  const lost = store.commit(puts('task', { lost: 1 }));
  disk.crash();
  const next = openMemoryStore({ limits: limitsDefault, disk });
  assert.deepEqual(recordsOf(await next.load(), 'task'), { kept: 1 });
  held.open();
  await assert.rejects(lost, { code: 'store-failed' });
  await assert.rejects(store.commit(puts('task', { later: 1 })), { code: 'store-failed' });
  await store.close();
  assert.equal(await next.commit(puts('task', { after: 1 })), 2);
  assert.deepEqual(recordsOf(await next.load(), 'task'), { after: 1, kept: 1 });
  await assert.rejects(openMemoryStore({ limits: limitsDefault, disk }).load(), { code: 'data-held' });
  await next.close();
});

test('a store whose disk crashed cannot read it either', async () => {
  const disk = memoryDisk();
  const store = await opened(disk);
  disk.crash();
  await assert.rejects(store.range('task', '', 1), { code: 'store-failed' });
  await store.close();
});

test('a disk without damage has none', async () => {
  assert.deepEqual((await loadedOf(await writtenDisk())).damage, []);
});

test('a record with a changed byte is named and left out, the others stay', async () => {
  const disk = await writtenDisk();
  disk.tamper(storedKey('task', 'b'), (bytes) => {
    const changed = Buffer.from(bytes!);
    changed[10] = changed[10]! ^ 4;
    return changed;
  });
  const loaded = await loadedOf(disk);
  assert.deepEqual(loaded.damage, ['the record task/b has a wrong checksum and was left out']);
  assert.deepEqual(Object.keys(recordsOf(loaded, 'task')), ['a', 'c']);
  assert.equal(loaded.revision, 6);
});

test('two values that changed places are both named', async () => {
  const disk = await writtenDisk();
  let [b, c]: (Buffer | undefined)[] = [];
  disk.tamper(storedKey('task', 'b'), (bytes) => (b = bytes));
  disk.tamper(storedKey('task', 'c'), (bytes) => ((c = bytes), b));
  disk.tamper(storedKey('task', 'b'), () => c);
  const { damage } = await loadedOf(disk);
  assert.deepEqual(damage, [
    'the record task/b has a wrong checksum and was left out',
    'the record task/c has a wrong checksum and was left out',
  ]);
});

test('a damaged event is left out of a range and told to the log', async () => {
  const disk = memoryDisk();
  const log = keptLog();
  const store = openMemoryStore({ limits: limitsDefault, disk, log });
  await store.load();
  await store.commit(puts('event', { 1: 'a', 2: 'b', 3: 'c' }));
  disk.tamper(storedKey('event', '2'), () => Buffer.from('nothing like a record'));
  assert.deepEqual(await store.range('event', '', 2), [
    { key: '1', value: 'a' },
    { key: '3', value: 'c' },
  ]);
  assert.deepEqual(log.warnings, ['the record event/2 has a wrong checksum and was left out']);
  await store.close();
});

const chainCases: readonly [string, (disk: MemoryDisk) => void, readonly RegExp[]][] = [
  ['missing commits in the middle', (disk) => [3, 4].forEach((n) => disk.tamper(mark(n), gone)), [/^commits 3 to 4 are missing$/]],
  ['missing commits at the beginning', (disk) => disk.tamper(mark(1), gone), [/^the marks of commits 1 to 1 are missing$/]],
  ['a missing last mark', (disk) => disk.tamper(mark(6), gone), [/^the head names commit 6, the last mark is of commit 5$/]],
  ['no marks at all', (disk) => [1, 2, 3, 4, 5, 6].forEach((n) => disk.tamper(mark(n), gone)), [/^the marks of all commits are missing/]],
  ['a missing head', (disk) => disk.tamper(storedKey('head', ''), gone), [/^the head is missing; the last commit found is 6$/]],
  [
    'a damaged mark',
    (disk) => disk.tamper(mark(2), () => Buffer.alloc(20)),
    [/^the record mark\/0+2 has a wrong checksum/, /^commits 2 to 2 are missing$/],
  ],
];

for (const [what, harm, expected] of chainCases) {
  test(`${what}: it is said, and numbers go on above the last`, async () => {
    const disk = await writtenDisk();
    harm(disk);
    const loaded = await loadedOf(disk);
    assert.equal(loaded.damage.length, expected.length, loaded.damage.join('; '));
    for (const [at, sentence] of expected.entries()) assert.match(loaded.damage[at]!, sentence);
    assert.equal(loaded.revision, 6);
    assert.equal(loaded.records.get('task')!.size, 3);
  });
}

test('a mark of another history does not fit into the chain', async () => {
  const [disk, other] = [await writtenDisk(), memoryDisk()];
  const store = await opened(other);
  for (let i = 0; i < 6; i++) await store.commit(puts('task', { other: i }));
  await store.close();
  let foreign: Buffer | undefined;
  other.tamper(mark(4), (bytes) => (foreign = bytes));
  disk.tamper(mark(4), () => foreign);
  const { damage } = await loadedOf(disk);
  assert.match(damage.join('; '), /commit 4 does not continue commit 3/);
});

test('a record newer than the head is named and kept, and its number is not given again', async () => {
  const disk = await writtenDisk();
  const late = createCodec().encode('task', 'late', { key: 'late' }, 9);
  disk.tamper(storedKey('task', 'late'), () => late);
  const loaded = await loadedOf(disk);
  assert.deepEqual(loaded.damage, ['the record task/late is of commit 9, which is newer than the last one known, 6']);
  assert.equal(loaded.revision, 9);
  assert.deepEqual(recordsOf(loaded, 'task')['late'], { key: 'late' });
});

test('commits that were acknowledged and are gone are said once, and their numbers are not given again', async () => {
  const disk = await writtenDisk();
  for (const key of disk.keys()) disk.tamper(key, gone);
  const store = openMemoryStore({ limits: limitsDefault, disk });
  const loaded = await store.load();
  assert.deepEqual([loaded.revision, loaded.damage], [6, ['commits 1 to 6 were acknowledged and are gone from the disk']]);
  assert.equal(await store.commit(puts('task', { a: 1 })), 7);
  await store.close();
  const again = await loadedOf(disk);
  assert.deepEqual([again.revision, again.damage], [7, []]);
});
