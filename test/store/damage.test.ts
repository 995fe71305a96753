import assert from 'node:assert/strict';
import { cp, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { asCubeError } from '../../src/core/errors.ts';
import type { CubeError } from '../../src/core/errors.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import type { Kind, Loaded } from '../../src/ports/store.ts';
import { openLevelStore } from '../../src/store/level.ts';
import { tableDamage } from '../../src/store/tables.ts';
import { freshDirectory, keptLog } from './help.ts';

const kinds: readonly Kind[] = ['meta', 'job', 'version', 'task', 'node', 'answer', 'order'];

async function loadedOf(directory: string): Promise<Loaded> {
  const store = openLevelStore({ directory, limits: limitsDefault, log: keptLog() });
  try {
    return await store.load();
  } finally {
    await store.close();
  }
}

/** A directory that was opened and written three times, so that it has two tables and a log. */
async function writtenDirectory(t: TestContext): Promise<string> {
  const directory = join(await freshDirectory(t), 'manager');
  for (let round = 0; round < 3; round++) {
    const store = openLevelStore({ directory, limits: limitsDefault, log: keptLog() });
    await store.load();
    for (let i = 0; i < 30; i++) {
      await store.commit({
        puts: [
          { kind: kinds[i % 7]!, key: `k/${i % 20}`, value: { id: `abc${i}`, round, state: 'running', score: i / 7 } },
          { kind: 'task', key: `t${i}-${round}`, value: { i } },
        ],
        removals: i % 5 === 4 ? [{ kind: 'task', key: `t${i - 2}-${round}` }] : [],
      });
    }
    await store.close();
  }
  return directory;
}

async function filesOf(directory: string, ending: RegExp): Promise<string[]> {
  return (await readdir(directory)).filter((name) => ending.test(name)).sort();
}

/** Loads a copy of a directory in which one thing was changed. */
async function loadedCopy(directory: string, harm: (copy: string) => Promise<void>): Promise<Loaded | CubeError> {
  const copy = `${directory}-copy`;
  await rm(copy, { recursive: true, force: true });
  await cp(directory, copy, { recursive: true });
  await harm(copy);
  try {
    return await loadedOf(copy);
  } catch (thrown) {
    return asCubeError(thrown);
  }
}

async function flip(path: string, at: number, bit: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at] = bytes[at]! ^ bit;
  await writeFile(path, bytes);
}

test('a flipped bit anywhere is told, or it changed nothing', async (t) => {
  const directory = await writtenDirectory(t);
  const good = (await loadedCopy(directory, async () => undefined)) as Loaded;
  assert.deepEqual([good.revision, good.damage], [90, []]);
  const told = new Map<string, number>();
  for (const name of await filesOf(directory, /\.ldb$|\.log$|^MANIFEST|^CURRENT$/)) {
    const { size } = await stat(join(directory, name));
    const step = size > 1_000 ? 101 : 5;
    for (let at = 0; at < size; at += step) {
      const found = await loadedCopy(directory, (copy) => flip(join(copy, name), at, 1 << (at % 8)));
      if ('code' in found)
        assert.deepEqual([found.code, /damaged/.test(found.hint)], ['store-failed', true], `${name} byte ${at}: ${found.message}`);
      else if (found.damage.length === 0)
        assert.deepEqual(found.records, good.records, `${name} byte ${at} changed records and nothing is told`);
      if ('code' in found || found.damage.length > 0) told.set(name.slice(-4), (told.get(name.slice(-4)) ?? 0) + 1);
    }
  }
  assert.ok(told.get('.ldb')! > 50 && told.get('.log')! > 50, `told: ${JSON.stringify([...told])}`);
});

test('a log whose end was torn off is told by the commits that were acknowledged', async (t) => {
  const directory = await writtenDirectory(t);
  const [log] = await filesOf(directory, /\.log$/);
  const { size } = await stat(join(directory, log!));
  for (const left of [size - 1, size - 100, Math.floor(size / 2), 7, 0]) {
    const found = (await loadedCopy(directory, (copy) => truncate(join(copy, log!), left))) as Loaded;
    assert.equal(found.damage.length, 1, `${left} bytes left: ${found.damage.join('; ')}`);
    assert.match(found.damage[0]!, /^commits \d+ to 90 were acknowledged and are gone from the disk$/);
    assert.equal(found.revision, 90);
  }
});

test('a log with a hole is told by the marks, even without the witness', async (t) => {
  const directory = join(await freshDirectory(t), 'manager');
  const store = openLevelStore({ directory, limits: limitsDefault, log: keptLog() });
  await store.load();
  for (let i = 0; i < 40; i++) await store.commit({ puts: [{ kind: 'task', key: `t${i}`, value: 'x'.repeat(3_000) }], removals: [] });
  await store.close();
  const [log] = await filesOf(directory, /\.log$/);
  // LevelDB leaves out the rest of the block of 32 KiB and goes on with the next.
  const found = (await loadedCopy(directory, async (copy) => {
    await flip(join(copy, log!), 34_000, 16);
    await rm(join(copy, 'ACKNOWLEDGED'));
  })) as Loaded;
  assert.match(found.damage[0]!, /^commits \d+ to \d+ are missing$/);
  assert.equal(found.revision, 40);
  const missing = 40 - found.records.get('task')!.size;
  const [from, to] = found.damage[0]!.match(/\d+/g)!.map(Number);
  assert.equal(missing, to! - from! + 1);
});

test('missing files are told and nothing is made anew over what is left', async (t) => {
  const directory = await writtenDirectory(t);
  const [table] = await filesOf(directory, /\.ldb$/);
  const [manifest] = await filesOf(directory, /^MANIFEST/);
  for (const name of [table!, manifest!, 'CURRENT']) {
    const found = (await loadedCopy(directory, (copy) => rm(join(copy, name)))) as CubeError;
    assert.deepEqual([found.code, /keep a copy/.test(found.hint)], ['store-failed', true], `${name}: ${found.message}`);
    const left = await filesOf(`${directory}-copy`, /\.ldb$/);
    assert.deepEqual(
      left,
      (await filesOf(directory, /\.ldb$/)).filter((one) => one !== name),
    );
  }
});

test('a table that was cut, or left over half written, is told only when it is in use', async (t) => {
  const directory = await writtenDirectory(t);
  assert.deepEqual(await tableDamage(directory), []);
  const [table] = await filesOf(directory, /\.ldb$/);
  const bytes = await readFile(join(directory, table!));
  const leftOver = (await loadedCopy(directory, (copy) => writeFile(join(copy, '000999.ldb'), bytes.subarray(0, 900)))) as Loaded;
  assert.deepEqual([leftOver.revision, leftOver.damage], [90, []]);
  for (const [size, reason] of [
    [bytes.length - 1, /has no end/],
    [20, /has no end/],
    [0, /has no end/],
  ] as const) {
    const found = (await loadedCopy(directory, (copy) => truncate(join(copy, table!), size))) as CubeError;
    assert.equal(found.code, 'store-failed');
    assert.match(found.message, reason);
    assert.ok(found.message.includes(table!));
  }
});

test('a directory without a database has no damaged tables', async (t) => {
  const directory = await freshDirectory(t);
  assert.deepEqual(await tableDamage(directory), []);
  await writeFile(join(directory, 'CURRENT'), '../../elsewhere\n');
  assert.deepEqual(await tableDamage(directory), []);
});
