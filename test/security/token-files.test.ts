import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { realIds } from '../../src/ambient/ids.ts';
import { readOrMakeToken } from '../../src/security/token-files.ts';

const ids = realIds();
let root = '';
let count = 0;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'cube-token-'));
});
after(() => rm(root, { recursive: true }));

/** A path in a directory of its own. */
async function fresh(): Promise<string> {
  const directory = join(root, String(++count));
  await mkdir(directory);
  return join(directory, 'admin.token');
}

const modeOf = async (path: string) => (await stat(path)).mode & 0o7777;

test('a token is made once, for its owner only, and read from then on', async () => {
  const path = await fresh();
  const made = await readOrMakeToken(path, ids);
  assert.equal(made.made, true);
  assert.match(made.token, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(await modeOf(path), 0o600);
  assert.equal(await readFile(path, 'utf8'), `${made.token}\n`);
  assert.deepEqual(await readOrMakeToken(path, ids), { token: made.token, made: false });
  assert.deepEqual(await readdir(join(path, '..')), ['admin.token'], 'nothing is left beside it');
});

test('the mode does not depend on the umask', async () => {
  const path = await fresh();
  const mask = process.umask(0);
  try {
    await readOrMakeToken(path, ids);
  } finally {
    process.umask(mask);
  }
  assert.equal(await modeOf(path), 0o600);
});

test('many that come at once get the same token, and one made it', async () => {
  for (let round = 0; round < 10; round++) {
    const path = await fresh();
    const all = await Promise.all(Array.from({ length: 16 }, () => readOrMakeToken(path, ids)));
    assert.equal(new Set(all.map((each) => each.token)).size, 1);
    assert.equal(all.filter((each) => each.made).length, 1);
    assert.equal((await readFile(path, 'utf8')).trim(), all[0]!.token);
    assert.deepEqual(await readdir(join(path, '..')), ['admin.token']);
  }
});

test('processes that come at once get the same token', async () => {
  const path = await fresh();
  const here = fileURLToPath(import.meta.url);
  const child = here.replace(/token-files\.test\.(ts|js)$/, 'make-token.$1');
  const run = () => promisify(execFile)(process.execPath, [...(child.endsWith('.ts') ? ['--import', 'tsx'] : []), child, path]);
  const all = (await Promise.all([run(), run(), run()])).map(({ stdout }) => JSON.parse(stdout) as { token: string; made: boolean });
  assert.equal(new Set(all.map((each) => each.token)).size, 1);
  assert.equal(all.filter((each) => each.made).length, 1);
});

test('a file that others can read is closed to them, and that is told', async () => {
  for (const mode of [0o644, 0o640, 0o660, 0o666, 0o604, 0o777]) {
    const path = await fresh();
    await readOrMakeToken(path, ids);
    await chmod(path, mode);
    const read = await readOrMakeToken(path, ids);
    assert.deepEqual([read.made, read.wasOpen], [false, mode.toString(8)]);
    assert.equal(await modeOf(path), 0o600);
    assert.equal((await readOrMakeToken(path, ids)).wasOpen, undefined);
  }
});

test('a file its owner can only read is fine', async () => {
  const path = await fresh();
  const { token } = await readOrMakeToken(path, ids);
  await chmod(path, 0o400);
  assert.deepEqual(await readOrMakeToken(path, ids), { token, made: false });
  assert.equal(await modeOf(path), 0o400);
});

test('a token put there by hand is taken, without the white space around it', async () => {
  const path = await fresh();
  await writeFile(path, '  my-own-token-of-enough-letters \r\n\n', { mode: 0o600 });
  assert.equal((await readOrMakeToken(path, ids)).token, 'my-own-token-of-enough-letters');
});

test('a file that holds no token is an error that says what to do and does not show what it holds', async () => {
  const contents = [
    '',
    '\n',
    '   ',
    'short',
    'two words of enough length here',
    'one-token-of-enough-letters\nand-another-token-of-letters',
    'x'.repeat(300),
    '\u0000'.repeat(43),
    'tökentökentökentökentöken',
  ];
  for (const content of contents) {
    const path = await fresh();
    await writeFile(path, content, { mode: 0o600 });
    await assert.rejects(readOrMakeToken(path, ids), (error: Error & { code?: string; hint?: string }) => {
      assert.equal(error.code, 'invalid-file');
      assert.match(error.message, /admin\.token (is empty|holds no token)/);
      assert.ok(content.trim() === '' || !error.message.includes(content.trim()));
      assert.match(error.hint ?? '', /remove .*admin\.token/);
      return true;
    });
    assert.equal(await readFile(path, 'utf8'), content, 'what somebody put there is not overwritten');
  }
});

test('a file too large to be a token is not read', async () => {
  const path = await fresh();
  await writeFile(path, 'x'.repeat(2_000_000), { mode: 0o600 });
  await assert.rejects(readOrMakeToken(path, ids), { code: 'invalid-file', message: /more than a token/ });
});

test('what is no file is an error, and a pipe is not waited for', async () => {
  const directory = await fresh();
  await mkdir(directory);
  await assert.rejects(readOrMakeToken(directory, ids), { code: 'invalid-file', message: /is no file/ });
  const pipe = await fresh();
  execFileSync('sh', ['-c', 'mkfifo "$0"', pipe]);
  await assert.rejects(readOrMakeToken(pipe, ids), { code: 'invalid-file', message: /is no file/ });
});

test('a directory that does not exist is an error that names the file', async () => {
  const path = join(root, 'nowhere', 'admin.token');
  await assert.rejects(readOrMakeToken(path, ids), { code: 'failed', message: /nowhere\/admin\.token/ });
});

test('a source of weak secrets is refused before anything is written', async () => {
  const path = await fresh();
  await assert.rejects(readOrMakeToken(path, { id: () => 'a', secret: () => 'weak' }), { code: 'failed', message: /too short/ });
  assert.deepEqual(await readdir(join(path, '..')), []);
});
