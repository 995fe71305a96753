import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ClassicLevel } from 'classic-level';
import { limitsDefault } from '../../src/core/limits.ts';
import type { Loaded, Store } from '../../src/ports/store.ts';
import { openLevelStore } from '../../src/store/level.ts';
import { freshDirectory, keptLog, puts, recordsOf, scriptArguments } from './help.ts';

const opened = (directory: string): Store => openLevelStore({ directory, limits: limitsDefault, log: keptLog() });

async function loadedOf(directory: string): Promise<Loaded> {
  const store = opened(directory);
  try {
    return await store.load();
  } finally {
    await store.close();
  }
}

test('a missing directory is made, parents too, and only its owner may look in', async (t) => {
  const directory = join(await freshDirectory(t), 'data', 'manager');
  assert.equal((await loadedOf(directory)).revision, 0);
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  assert.equal((await stat(join(directory, '..'))).mode & 0o777, 0o700);
});

test('a path that is a file is refused with the reason', async (t) => {
  const path = join(await freshDirectory(t), 'file');
  await writeFile(path, 'not a directory');
  await assert.rejects(loadedOf(path), { code: 'store-failed', message: /file cannot be opened: .*EEXIST|ENOTDIR/ });
});

test('a directory that another process has open is refused, and is free once that one is gone', async (t) => {
  const directory = join(await freshDirectory(t), 'manager');
  const child = spawn(process.execPath, [...scriptArguments('hold-child', import.meta.url), directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const store = opened(directory);
  t.after(() => store.close());
  await assert.rejects(store.load(), { code: 'data-held', message: /another process has .*manager open/ });
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  assert.deepEqual(recordsOf(await store.load(), 'task'), { held: true });
});

test('a disk that takes no more fails the commit and those after it, and loses nothing acknowledged', async (t) => {
  const directory = join(await freshDirectory(t), 'manager');
  // 1 MiB or 2, by the shell's unit: below the 4 MiB at which LevelDB would begin another log file.
  const limited = [
    '-c',
    'ulimit -f 2048 && exec "$@"',
    'sh',
    process.execPath,
    ...scriptArguments('full-child', import.meta.url),
    directory,
  ];
  const { stdout } = await promisify(execFile)('sh', limited);
  const { acknowledged, code, waiting } = JSON.parse(stdout) as { acknowledged: number; code: string; waiting: string[] };
  assert.ok(acknowledged > 10, `${acknowledged} commits before the end`);
  assert.deepEqual([code, ...waiting], ['store-failed', 'store-failed', 'store-failed']);
  const loaded = await loadedOf(directory);
  assert.deepEqual(loaded.damage, []);
  const tasks = loaded.records.get('task')!;
  for (let n = 0; n < acknowledged; n++) assert.ok(tasks.has(`t${n}`), `t${n} of ${acknowledged}`);
  assert.ok(tasks.size <= acknowledged + 1);
});

test('a record that something else wrote is named and left out', async (t) => {
  const directory = join(await freshDirectory(t), 'manager');
  const store = opened(directory);
  await store.load();
  await store.commit(puts('task', { a: 1, b: 2 }));
  await store.close();
  const database = new ClassicLevel(directory);
  await database.put('task:b', 'scribbled over by somebody');
  await database.put('job:x', '');
  await database.close();
  const loaded = await loadedOf(directory);
  assert.deepEqual(loaded.damage, [
    'the record job/x is cut short and was left out',
    'the record task/b has a wrong checksum and was left out',
  ]);
  assert.deepEqual(recordsOf(loaded, 'task'), { a: 1 });
});

test('a file that cannot be opened fails the load and frees the database', async (t) => {
  const directory = join(await freshDirectory(t), 'manager');
  await loadedOf(directory);
  const witness = join(directory, 'ACKNOWLEDGED');
  await rm(witness);
  await mkdir(witness);
  await assert.rejects(loadedOf(directory), { code: 'store-failed', message: /EISDIR/ });
  await rm(witness, { recursive: true });
  assert.equal((await loadedOf(directory)).revision, 0);
});
