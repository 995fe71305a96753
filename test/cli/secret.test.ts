/** `cube secret` and `cube config`: values come from files and standard input, byte by byte, and are never shown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { problem } from '../../src/core/errors.ts';
import type { FileJson } from '../../src/core/file-view.ts';
import { FakeManager } from './fake-manager.ts';
import { cube, dataDirectoryOf, fileWith } from './run-cli.ts';

const db: FileJson = { name: 'db', version: 3, usedBy: ['api', 'shop'], bytes: 9, createdAt: '2026-01-02T03:04:05.000Z' };

async function withManager(t: TestContext, change = 'updated') {
  const manager = await FakeManager.start(t);
  for (const kind of ['secret', 'config']) {
    manager.answers.set(`GET /v1/${kind}s`, () => [db, { ...db, name: 'other', usedBy: [] }]);
    manager.answers.set(`PUT /v1/${kind}s/db`, () => ({ ...db, change }));
    manager.answers.set(`DELETE /v1/${kind}s/db`, () => db);
  }
  const env = { CUBE_DATA: dataDirectoryOf(t, manager.url, 'token') };
  const sent = () => {
    const { value } = manager.seen.at(-1)!.body as { value: string };
    return Buffer.from(value, 'base64').toString('latin1');
  };
  return { manager, env, sent };
}

test('a value comes from a file or from standard input, with its newline', async (t) => {
  const { env, sent, manager } = await withManager(t);
  const file = fileWith(t, 'password.txt', 'pa ss\n');
  const set = await cube(['secret', 'set', 'db', file], { env });
  assert.deepEqual([set.code, set.stdout, sent()], [0, 'secret db holds 9 bytes, version 3\n', 'pa ss\n']);
  assert.match(set.stderr, /api and shop follow/);
  assert.ok(manager.seen.at(-1)!.idempotencyKey !== undefined);
  for (const words of [['db', '-'], ['db']]) {
    const piped = await cube(['config', 'set', ...words], { env, input: ' x\n\n' });
    assert.deepEqual([piped.code, sent()], [0, ' x\n\n']);
  }
  assert.deepEqual((await cube(['secret', 'set', 'db', '-', '-q'], { env, input: 'x' })).stdout, 'db\n');
  const json = await cube(['secret', 'set', 'db', '-o', 'json'], { env, input: 'x' });
  assert.deepEqual([JSON.parse(json.stdout), json.stderr], [{ ...db, change: 'updated' }, '']);
});

test('the same value again is said to change nothing', async (t) => {
  const { env } = await withManager(t, 'unchanged');
  const set = await cube(['secret', 'set', 'db'], { env, input: 'x' });
  assert.deepEqual([set.code, set.stdout, set.stderr], [0, 'secret db holds that already, version 3\n', '']);
});

test('ls is a line each, names, or JSON; rm says what it did', async (t) => {
  const { env } = await withManager(t);
  for (const words of [['secret', 'ls'], ['secret'], ['config', 'ls']]) {
    const { code, stdout } = await cube(words, { env });
    assert.equal(code, 0);
    assert.match(stdout, /^NAME +VERSION +USED BY +CREATED\ndb +3 +api, shop +\d+ days? ago\nother +3 +- +\d+ days? ago\n$/);
  }
  assert.equal((await cube(['secret', 'ls', '-q'], { env })).stdout, 'db\nother\n');
  assert.equal((JSON.parse((await cube(['secret', 'ls', '-o', 'json'], { env })).stdout) as unknown[]).length, 2);
  assert.equal((await cube(['secret', 'rm', 'db'], { env })).stdout, 'secret db is removed\n');
});

test('what the manager refuses keeps its exit code', async (t) => {
  const { env, manager } = await withManager(t);
  manager.answers.set('DELETE /v1/secrets/db', () => problem('conflict', 'secret "db" is used by job shop'));
  assert.equal((await cube(['secret', 'rm', 'db'], { env })).code, 5);
  manager.answers.set('DELETE /v1/secrets/db', () => problem('not-found', 'there is no secret "db"'));
  assert.equal((await cube(['secret', 'rm', 'db'], { env })).code, 4);
});

test('a wrong command line is refused, and nothing is sent', async (t) => {
  const { env, manager } = await withManager(t);
  for (const words of [
    ['secret', 'set'],
    ['secret', 'set', 'db', 'file', 'more'],
    ['secret', 'set', 'db', '/no/such/file'],
    ['secret', 'set', 'db', '/tmp'],
    ['secret', 'rm'],
    ['secret', 'rm', 'a', 'b'],
    ['secret', 'ls', 'x'],
    ['config', 'sett', 'db'],
  ]) {
    const refused = await cube(words, { env, input: 'x' });
    assert.equal(refused.code, 2, `${words.join(' ')}: ${refused.stderr}`);
  }
  assert.match((await cube(['secret', 'sett'], { env })).stderr, /did you mean set\?/);
  assert.deepEqual(manager.seen, []);
});
