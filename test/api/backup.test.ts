import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problem } from '../../src/core/errors.ts';
import { makeRig } from './harness.ts';

test('a backup comes as bytes, made for this version, and not for a viewer', async () => {
  const { ask, control } = makeRig();
  const response = await ask('GET', '/v1/backup');
  assert.deepEqual(
    [response.status, response.headers.get('content-type'), response.headers.get('cache-control')],
    [200, 'application/octet-stream', 'no-store'],
  );
  assert.equal(await response.text(), 'one two');
  assert.deepEqual(control.asked, ['backup 0.1.0']);
  assert.equal((await ask('GET', '/v1/backup', { token: 'viewer-token' })).status, 403);
  assert.equal((await ask('GET', '/v1/backup', { token: null })).status, 401);
});

test('a backup that cannot begin is an error, one that breaks off breaks the connection', async () => {
  const { ask, control, log } = makeRig();
  control.failure = problem('not-leading', 'it does not lead');
  assert.equal((await ask('GET', '/v1/backup')).status, 503);
  control.failure = undefined;
  const { body } = await ask('GET', '/v1/backup');
  const reader = body!.getReader();
  assert.equal(Buffer.from((await reader.read()).value).toString(), 'one ');
  control.failure = problem('store-failed', 'the disk is gone');
  await assert.rejects(reader.read(), /the disk is gone/);
  assert.deepEqual(log.lines.at(-1)?.fields, { code: 'store-failed', reason: 'the disk is gone' });
});

test('a client that goes lets the store go', async () => {
  let ended = false;
  const rig = makeRig();
  rig.control.backup = async function* () {
    try {
      for (;;) yield Buffer.from('more ');
    } finally {
      ended = true;
    }
  };
  const { body } = await rig.ask('GET', '/v1/backup');
  const reader = body!.getReader();
  await reader.read();
  await reader.cancel();
  assert.equal(ended, true);
});
