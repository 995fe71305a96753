import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problem } from '../../src/core/errors.ts';
import type { SubmittedJson } from '../../src/core/views.ts';
import { jobDocument, makeRig, settle, until } from './harness.ts';
import type { Rig } from './harness.ts';

const stop = (rig: Rig, key: string, body: unknown = {}, path = '/v1/jobs/shop/stop') =>
  rig.ask('POST', path, { body, headers: { 'idempotency-key': key } });

async function withShop(limits: Parameters<typeof makeRig>[0] = {}): Promise<Rig> {
  const rig = makeRig(limits);
  await rig.ask('POST', '/v1/jobs', { body: { job: jobDocument() } });
  rig.control.asked.length = 0;
  return rig;
}

/** Holds what the manager does until the returned function is called. */
function hold(rig: Rig): () => void {
  let release = (): void => undefined;
  rig.control.held = new Promise((resolve) => {
    release = resolve;
  });
  return release;
}

test('a key that comes again gets the first answer, and nothing is done twice', async () => {
  const rig = makeRig();
  const submit = () => rig.ask('POST', '/v1/jobs', { body: { job: jobDocument() }, headers: { 'idempotency-key': 'k1' } });
  const first = await submit();
  const second = await submit();
  assert.deepEqual([first.status, second.status], [201, 201]);
  assert.deepEqual(await second.json(), await first.json());
  assert.equal(second.headers.get('content-type'), first.headers.get('content-type'));
  assert.deepEqual(rig.control.asked, ['submit shop']);
});

test('an answer without a body is repeated, too', async () => {
  const rig = await withShop();
  const remove = () => rig.ask('DELETE', '/tasks/shop%2Fweb.1', { headers: { 'idempotency-key': 'k' } });
  assert.deepEqual([(await remove()).status, (await remove()).status], [204, 204]);
  assert.deepEqual(rig.control.asked, ['stopTask shop/web.1']);
});

test('other keys, and none, do it again', async () => {
  const rig = await withShop();
  await stop(rig, 'k1');
  await stop(rig, 'k2');
  await rig.ask('POST', '/v1/jobs/shop/stop', { body: {} });
  await rig.ask('POST', '/v1/jobs/shop/stop', { body: {} });
  assert.equal(rig.control.asked.length, 4);
});

test('a key that stands for another request is a conflict', async () => {
  const rig = await withShop();
  assert.equal((await stop(rig, 'k')).status, 200);
  assert.equal((await stop(rig, 'k', { purge: true })).status, 409, 'another body');
  assert.equal((await stop(rig, 'k', {}, '/v1/jobs/shop/start')).status, 409, 'another path');
  assert.equal((await rig.ask('DELETE', '/tasks/1', { headers: { 'idempotency-key': 'k' } })).status, 409, 'another method');
  assert.deepEqual(rig.control.asked, ['stopJob shop']);
});

test('two at once with one key: the second waits for the answer of the first', async () => {
  const rig = makeRig();
  const release = hold(rig);
  const submit = () => rig.ask('POST', '/v1/jobs', { body: { job: jobDocument() }, headers: { 'idempotency-key': 'k' } });
  const both = [submit(), submit(), submit()];
  await until(() => rig.control.asked.length > 0);
  await settle();
  assert.equal(rig.control.asked.length, 1);
  release();
  const bodies = await Promise.all(both.map(async (one) => ((await (await one).json()) as SubmittedJson).change));
  assert.deepEqual(bodies, ['created', 'created', 'created']);
  assert.deepEqual(rig.control.asked, ['submit shop']);
});

test('another request with the key of one that is under way is a conflict at once', async () => {
  const rig = await withShop();
  const release = hold(rig);
  const first = stop(rig, 'k');
  await until(() => rig.control.asked.length > 0);
  assert.equal((await stop(rig, 'k', { purge: true })).status, 409);
  release();
  assert.equal((await first).status, 200);
});

test('what a client did wrong is kept; what the node could not do is not', async () => {
  const rig = await withShop();
  for (const [code, kept] of [
    ['not-found', true],
    ['conflict', true],
    ['busy', false],
    ['store-failed', false],
    ['not-leading', false],
  ] as const) {
    const key = `key of ${code}`;
    rig.control.failure = problem(code, 'first');
    const first = await stop(rig, key);
    rig.control.failure = undefined;
    const second = await stop(rig, key);
    assert.equal(second.status, kept ? first.status : 200, code);
  }
  rig.control.failure = new Error('a defect');
  assert.equal((await stop(rig, 'defect')).status, 500);
  rig.control.failure = undefined;
  assert.equal((await stop(rig, 'defect')).status, 200);
});

test('who waits for an answer that failed gets the failure, and a later try is free', async () => {
  const rig = await withShop();
  let fail = (_error: Error): void => undefined;
  rig.control.held = new Promise((_resolve, reject) => {
    fail = reject;
  });
  const both = [stop(rig, 'k'), stop(rig, 'k')];
  await until(() => rig.control.asked.length > 0);
  await settle();
  fail(problem('store-failed', 'the disk said no'));
  assert.deepEqual(await Promise.all(both.map(async (one) => (await one).status)), [503, 503]);
  rig.control.held = Promise.resolve();
  assert.equal((await stop(rig, 'k')).status, 200);
});

test('a refused request leaves its key free', async () => {
  const rig = await withShop();
  const headers = { 'idempotency-key': 'k' };
  assert.equal((await rig.ask('POST', '/v1/jobs/shop/stop', { token: 'viewer-token', body: {}, headers })).status, 403);
  assert.equal((await rig.ask('POST', '/v1/jobs/shop/stop', { token: null, body: {}, headers })).status, 401);
  assert.equal((await stop(rig, 'k')).status, 200);
});

test('a key must be printable and short', async () => {
  const rig = await withShop();
  for (const key of ['', 'x'.repeat(201), 'schlüssel', 'a\tb']) assert.equal((await stop(rig, key)).status, 400, JSON.stringify(key));
  assert.equal((await stop(rig, 'x'.repeat(200))).status, 200);
  assert.equal((await stop(rig, 'a key of 3 words!')).status, 200);
});

test('an answer is forgotten after its time', async () => {
  const rig = await withShop({ limits: { idempotencyMs: 1_000 } });
  await stop(rig, 'k');
  rig.clock.advance(999);
  await stop(rig, 'k');
  assert.equal(rig.control.asked.length, 1);
  rig.clock.advance(1);
  await stop(rig, 'k');
  assert.equal(rig.control.asked.length, 2);
});

test('the oldest answers make room for new ones', async () => {
  const rig = await withShop({ limits: { idempotencyKeysMax: 2 } });
  for (const key of ['a', 'b', 'c']) await stop(rig, key);
  rig.control.asked.length = 0;
  await stop(rig, 'b');
  await stop(rig, 'c');
  assert.equal(rig.control.asked.length, 0, 'b and c are kept');
  await stop(rig, 'a');
  assert.equal(rig.control.asked.length, 1, 'a was forgotten');
});

test('when all kept keys are under way a further one is refused as busy', async () => {
  const rig = await withShop({ limits: { idempotencyKeysMax: 2 } });
  const release = hold(rig);
  const both = [stop(rig, 'a'), stop(rig, 'b')];
  await until(() => rig.control.asked.length > 1);
  const third = await stop(rig, 'c');
  assert.equal(third.status, 429);
  assert.ok(third.headers.has('retry-after'));
  release();
  for (const one of both) assert.equal((await one).status, 200);
  assert.equal((await stop(rig, 'c')).status, 200);
});

test('a key on a request that only looks is ignored', async () => {
  const rig = await withShop();
  const look = (path: string) => rig.ask('GET', path, { headers: { 'idempotency-key': 'k' } });
  assert.equal((await look('/v1/jobs')).status, 200);
  assert.equal((await look('/v1/nodes')).status, 200);
});

test('what changes something is asked of the manager and the worker under its key, and what the key stands for', async () => {
  const rig = await withShop();
  await stop(rig, 'k1');
  await stop(rig, 'k2', { purge: true });
  await rig.ask('POST', '/worker/tasks', { body: { ID: 'a' }, headers: { 'idempotency-key': 'k3' } });
  const [k1, k2] = rig.control.keys;
  assert.deepEqual([k1?.key, k2?.key, rig.worker.keys.at(-1)?.key], ['k1', 'k2', 'k3']);
  assert.notEqual(k1?.print, k2?.print);
});

test('without a key, and for what only looks, the manager hears of none', async () => {
  const rig = await withShop();
  await rig.ask('POST', '/v1/jobs/shop/stop', { body: {} });
  await rig.ask('GET', '/v1/jobs', { headers: { 'idempotency-key': 'k' } });
  await rig.ask('POST', '/v1/plan', { body: { job: jobDocument() }, headers: { 'idempotency-key': 'k' } });
  assert.deepEqual(rig.control.keys, []);
});
