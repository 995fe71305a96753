import assert from 'node:assert/strict';
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openWitness, readWitness } from '../../src/store/witness.ts';
import { freshDirectory, keptLog } from './help.ts';

test("what was noted last is read again, and the file is its owner's only", async (t) => {
  const directory = await freshDirectory(t);
  assert.equal(await readWitness(directory), 0);
  const witness = await openWitness(directory);
  for (let revision = 1; revision <= 500; revision++) witness.note(revision);
  witness.note(3);
  witness.note(500);
  await witness.close();
  assert.equal(await readWitness(directory), 500);
  assert.equal((await stat(join(directory, 'ACKNOWLEDGED'))).mode & 0o777, 0o600);
});

test('opening it changes nothing, and an older number does not go back', async (t) => {
  const directory = await freshDirectory(t);
  const first = await openWitness(directory);
  first.note(12_345);
  await first.close();
  await (await openWitness(directory)).close();
  assert.equal(await readWitness(directory), 12_345);
});

test('a file that cannot be read counts as none, and is told to the log unless it is empty', async (t) => {
  const directory = await freshDirectory(t);
  const path = join(directory, 'ACKNOWLEDGED');
  const log = keptLog();
  await (await openWitness(directory)).close();
  assert.equal(await readWitness(directory, log), 0);
  assert.deepEqual(log.warnings, []);
  const witness = await openWitness(directory);
  witness.note(7);
  await witness.close();
  const good = await readFile(path, 'latin1');
  for (const text of [good.replace('7', '8'), good.slice(0, 20), `${good}x`, '\0'.repeat(26), 'nonsense']) {
    await writeFile(path, text);
    assert.equal(await readWitness(directory, log), 0, text);
  }
  assert.equal(log.warnings.length, 5);
});

test('what is no file is an error and not an absence', async (t) => {
  const directory = await freshDirectory(t);
  await mkdir(join(directory, 'ACKNOWLEDGED'));
  await assert.rejects(readWitness(directory), { code: 'EISDIR' });
});

test('a file that cannot be written is told to the log once, and stops nobody', async (t) => {
  const directory = await freshDirectory(t);
  await symlink('/dev/full', join(directory, 'ACKNOWLEDGED'));
  const log = keptLog();
  const witness = await openWitness(directory, log);
  for (let revision = 1; revision <= 3; revision++) {
    witness.note(revision);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await witness.close();
  assert.deepEqual(log.warnings, ['the file ACKNOWLEDGED cannot be written; commits lost at the end would go unnoticed']);
});
