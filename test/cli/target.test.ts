import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { findTarget, originOf } from '../../src/cli/target.ts';
import { dataDirectoryOf, fileWith, tempDirectory } from './run-cli.ts';

function target(options: { host?: string; tokenFile?: string; env?: NodeJS.ProcessEnv }) {
  const global = { json: false, quiet: false, help: false, host: options.host, tokenFile: options.tokenFile };
  return findTarget({ global, env: options.env ?? {} });
}

function local(t: TestContext): NodeJS.ProcessEnv {
  return { CUBE_DATA: dataDirectoryOf(t, 'http://127.0.0.1:5555', 'local-secret') };
}

test('an address needs no scheme and no port', () => {
  assert.equal(originOf('127.0.0.1:5555'), 'http://127.0.0.1:5555');
  assert.equal(originOf('node7'), 'http://node7:5555');
  assert.equal(originOf('node7:80'), 'http://node7');
  assert.equal(originOf('http://node7'), 'http://node7');
  assert.equal(originOf('https://node7:8443/some/path'), 'https://node7:8443');
  assert.equal(originOf('[::1]:5556'), 'http://[::1]:5556');
});

test('what is no address is refused, and one with a password, too', () => {
  for (const bad of ['', 'http://', 'ws://a:1', 'a b', 'a:99999', 'file:///etc']) assert.throws(() => originOf(bad), /is no address/, bad);
  assert.throws(() => originOf('http://admin:secret@node7'), /token does not belong in an address/);
});

test('the local node is found through its data directory, with its token', async (t) => {
  assert.deepEqual(await target({ env: local(t) }), { url: 'http://127.0.0.1:5555', token: 'local-secret' });
});

test('the local token goes to the recorded address alone', async (t) => {
  const env = local(t);
  for (const host of [
    '127.0.0.1:5556',
    '127.0.0.2:5555',
    'evil.example:5555',
    'https://127.0.0.1:5555',
    'localhost.evil.example:5555',
    'localhost:5556',
  ]) {
    assert.equal((await target({ host, env })).token, undefined, host);
  }
  assert.equal((await target({ env: { ...env, CUBE_HOST: 'evil.example' } })).token, undefined);
  assert.deepEqual(await target({ host: 'http://127.0.0.1:5555/x', env }), { url: 'http://127.0.0.1:5555', token: 'local-secret' });
});

test('localhost means the local node by its recorded address, which is then dialled', async (t) => {
  assert.deepEqual(await target({ host: 'localhost:5555', env: local(t) }), { url: 'http://127.0.0.1:5555', token: 'local-secret' });
});

test('--host wins over CUBE_HOST, --token-file over CUBE_TOKEN, and that over the local token', async (t) => {
  const env = { ...local(t), CUBE_HOST: 'a:1', CUBE_TOKEN: ' from-env ' };
  assert.deepEqual(await target({ env }), { url: 'http://a:1', token: 'from-env' });
  assert.deepEqual(await target({ host: 'b:2', env }), { url: 'http://b:2', token: 'from-env' });
  const tokenFile = fileWith(t, 'token', 'from-file\n');
  assert.deepEqual(await target({ host: 'b:2', tokenFile, env }), { url: 'http://b:2', token: 'from-file' });
  assert.deepEqual(await target({ env: { ...local(t), CUBE_TOKEN: 'mine' } }), { url: 'http://127.0.0.1:5555', token: 'mine' });
});

test('without a node here and without a host there is nothing to talk to', async (t) => {
  const error = await target({ env: { CUBE_DATA: tempDirectory(t) } }).catch((thrown: unknown) => thrown);
  assert.match(String(error), /no node has its data in/);
  assert.equal((error as { row: { exit: number } }).row.exit, 3);
});

test('a token file that is missing or empty is refused', async (t) => {
  await assert.rejects(target({ host: 'a', tokenFile: join(tempDirectory(t), 'none') }), /cannot be read/);
  await assert.rejects(target({ host: 'a', tokenFile: fileWith(t, 'token', ' \n') }), /is empty/);
});

test('a damaged node.json is told, and without a local token none is sent', async (t) => {
  const env = local(t);
  rmSync(join(env['CUBE_DATA']!, 'admin.token'));
  assert.equal((await target({ env })).token, undefined);
  writeFileSync(join(env['CUBE_DATA']!, 'node.json'), '{"url":');
  await assert.rejects(target({ env }), /node\.json is damaged/);
  writeFileSync(join(env['CUBE_DATA']!, 'node.json'), '{"url":5}');
  await assert.rejects(target({ env }), /has no address in it/);
});

test('a node.json that is there and cannot be read is told, and not taken for none', async (t) => {
  const env = local(t);
  rmSync(join(env['CUBE_DATA']!, 'node.json'));
  mkdirSync(join(env['CUBE_DATA']!, 'node.json'));
  await assert.rejects(target({ env }), { code: 'forbidden' });
});
