/** Kept logs as files: what a crash, a full disk or a curious user does to them. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { openKeptLogs } from '../../src/store/kept-logs.ts';
import { linesOf } from '../contracts/kept-logs.ts';
import { freshDirectory } from './help.ts';

test('a torn file gives the lines before the tear, wherever it is', async (t) => {
  const folder = await freshDirectory(t);
  const logs = openKeptLogs(folder, Date);
  const chunks = linesOf('one', 'two', 'three');
  const { bytes } = await logs.keep('a', 1, chunks);
  for (let size = bytes; size >= 0; size--) {
    truncateSync(join(folder, 'a', '1.ndjson'), size);
    const read = (await logs.read('a', 1))!;
    assert.deepEqual(read, chunks.slice(0, read.length));
    assert.ok(size < bytes - 1 || read.length === 3);
  }
});

test('a damaged line is left out, and those around it are read', async (t) => {
  const folder = await freshDirectory(t);
  const logs = openKeptLogs(folder, Date);
  await logs.keep('a', 1, linesOf('one', 'two', 'three'));
  const file = join(folder, 'a', '1.ndjson');
  const lines = readFileSync(file, 'utf8').split('\n');
  writeFileSync(file, [lines[0], '\u0000\u0001garbage', 'null', '{"at":1}', '[1,2,3]', lines[2], ''].join('\n'));
  appendFileSync(file, '[5,"o","torn');
  assert.deepEqual(await logs.read('a', 1), [linesOf('one')[0], linesOf('one', 'two', 'three')[2]]);
});

test('a draft that a crash left is no output, and is cleared away', async (t) => {
  const folder = await freshDirectory(t);
  const logs = openKeptLogs(folder, Date);
  await logs.keep('a', 1, linesOf('one'));
  writeFileSync(join(folder, 'a', '2.ndjson.draft'), '[1,"o","half');
  writeFileSync(join(folder, 'stray'), 'not a folder');
  assert.deepEqual(
    (await logs.list()).map(({ attempt }) => attempt),
    [1],
  );
  assert.deepEqual(readdirSync(join(folder, 'a')), ['1.ndjson']);
  assert.equal(await logs.read('a', 2), undefined);
});

test('only the owner can read it, and a task’s folder goes with its last attempt', async (t) => {
  const folder = join(await freshDirectory(t), 'deep', 'logs');
  const logs = openKeptLogs(folder, Date);
  await logs.keep('a', 1, linesOf('secret'));
  assert.equal(statSync(join(folder, 'a', '1.ndjson')).mode & 0o777, 0o600);
  assert.equal(statSync(join(folder, 'a')).mode & 0o777, 0o700);
  await logs.remove('a', 1);
  assert.ok(!existsSync(join(folder, 'a')));
});

test('an id that is no folder name is refused, and a disk that says no is an error of the table', async (t) => {
  const folder = await freshDirectory(t);
  const logs = openKeptLogs(folder, Date);
  for (const id of ['../outside', 'a/b', '', '.hidden']) await assert.rejects(logs.keep(id, 1, []), { code: 'store-failed' });
  mkdirSync(join(folder, 'a', '1.ndjson'), { recursive: true });
  await assert.rejects(logs.keep('a', 1, linesOf('x')), { code: 'store-failed' });
  await assert.rejects(logs.read('a', 1), { code: 'store-failed' });
});
