/** Secrets and configs over HTTP: set, listed, removed, and never read back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemas } from '../../src/api/schemas.ts';
import type { ErrorBody } from '../../src/core/errors.ts';
import { makeRig } from './harness.ts';

const marker = 'MARKER-12';
const value = Buffer.from(marker).toString('base64');

test('what is set is listed without what it holds, and goes when it is removed', async () => {
  for (const kind of ['secret', 'config']) {
    const { ask, control } = makeRig();
    const set = await ask('PUT', `/v1/${kind}s/db`, { body: { value } });
    assert.equal(set.status, 200);
    const done: unknown = await set.json();
    assert.deepEqual(schemas.FileSet.parse(done), done);
    assert.deepEqual([(done as { change: string }).change, (done as { bytes: number }).bytes], ['created', marker.length]);
    const listed = await ask('GET', `/v1/${kind}s`, { token: 'viewer-token' });
    const text = await listed.text();
    assert.ok(!text.includes(marker) && !text.includes(value));
    assert.deepEqual(schemas.Files.parse(JSON.parse(text)).length, 1);
    assert.equal((await ask('GET', `/v1/${kind}s/db`)).status, 405);
    assert.equal((await ask('DELETE', `/v1/${kind}s/db`)).status, 200);
    assert.equal((await ask('DELETE', `/v1/${kind}s/db`)).status, 404);
    assert.deepEqual(control.asked, [`setFile ${kind} db ${marker.length}`, ...Array(2).fill(`removeFile ${kind} db`)]);
  }
});

test('a viewer changes nothing', async () => {
  const { ask } = makeRig();
  assert.equal((await ask('PUT', '/v1/secrets/db', { body: { value }, token: 'viewer-token' })).status, 403);
  assert.equal((await ask('DELETE', '/v1/secrets/db', { token: 'viewer-token' })).status, 403);
});

test('a value that is none is refused without being shown', async () => {
  const { ask, control } = makeRig();
  for (const wrong of [`${marker}!`, 7, null, [marker], { a: marker }, undefined]) {
    const refused = await ask('PUT', '/v1/secrets/db', { body: { value: wrong } });
    const text = await refused.text();
    assert.equal(refused.status, 400, text);
    assert.ok(!text.includes(marker), text);
    assert.match((JSON.parse(text) as ErrorBody).error.message, /"value" must be bytes in base64/);
  }
  assert.deepEqual(control.asked, []);
});

test('a body that is too large is refused before it is read', async () => {
  const { ask } = makeRig({ limits: { bodyBytesMax: 100 } });
  assert.equal((await ask('PUT', '/v1/secrets/db', { body: { value: 'A'.repeat(400) } })).status, 413);
});

test('an Idempotency-Key is of one value: its answer is repeated, another value under it is a conflict', async () => {
  const { ask, control } = makeRig();
  const put = (text: string) =>
    ask('PUT', '/v1/secrets/db', { body: { value: Buffer.from(text).toString('base64') }, headers: { 'idempotency-key': 'k1' } });
  const first = await (await put('one')).text();
  assert.equal(await (await put('one')).text(), first);
  assert.equal((await put('two')).status, 409);
  assert.equal(control.asked.length, 1);
});
