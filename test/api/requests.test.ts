import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorBody } from '../../src/core/errors.ts';
import { problem } from '../../src/core/errors.ts';
import { jobDocument, makeRig, serve, settle, until } from './harness.ts';

async function errorOf(response: Response): Promise<ErrorBody['error']> {
  return ((await response.json()) as ErrorBody).error;
}

test('a host that is not this node is 421, before any credential', async () => {
  const { ask } = makeRig();
  for (const path of ['/v1/jobs', '/healthz', '/', '/no/such']) {
    const response = await ask('GET', path, { token: null, headers: { host: 'evil.example' } });
    assert.equal(response.status, 421, path);
    assert.equal((await errorOf(response)).code, 'wrong-host');
  }
  assert.equal((await ask('GET', '/healthz', { token: null, headers: { host: 'localhost:5555' } })).status, 200);
});

test('a foreign page gets nothing, whatever it brings', async () => {
  for (const openLoopback of [false, true]) {
    const { ask } = makeRig({ deps: { openLoopback } });
    for (const origin of ['http://evil.example', 'null', 'http://cube.test.evil.example']) {
      for (const path of ['/v1/jobs', '/healthz', '/', '/tasks']) {
        assert.equal((await ask('GET', path, { headers: { origin } })).status, 403, `${origin} ${path}`);
      }
    }
    assert.equal((await ask('GET', '/v1/jobs', { headers: { origin: 'http://cube.test' } })).status, 200);
  }
});

test('where no token is asked, none is needed, and a stale one does no harm', async () => {
  const { ask } = makeRig({ deps: { openLoopback: true } });
  assert.equal((await ask('GET', '/v1/jobs', { token: null })).status, 200);
  assert.equal((await ask('GET', '/v1/jobs', { token: 'stale' })).status, 200);
  assert.equal((await ask('POST', '/v1/jobs/nosuch/stop', { token: null, body: {} })).status, 404);
  assert.equal((await ask('POST', '/v1/jobs/nosuch/stop', { token: 'viewer-token', body: {} })).status, 403, 'a known token counts');
  const info = (await (await ask('GET', '/v1/info', { token: null })).json()) as { openLoopback: boolean; scope: string };
  assert.deepEqual([info.openLoopback, info.scope], [true, 'admin']);
});

test('an unknown path is 404 and tells where paths are listed', async () => {
  const { ask } = makeRig();
  for (const path of ['/no/such', '/v1', '/v1/jobs/shop/shrink', '/v1/jobs//', '/v1//jobs', '/v2/jobs']) {
    const response = await ask('GET', path);
    assert.equal(response.status, 404, path);
    const error = await errorOf(response);
    assert.equal(error.code, 'not-found');
    assert.match(error.hint, /openapi\.json/);
  }
  const onWorker = await makeRig({ role: 'worker' }).ask('GET', '/v1/status');
  assert.equal(onWorker.status, 404);
  assert.match((await errorOf(onWorker)).hint, /manager/);
});

test('a slash at the end changes nothing, for the router and for the checks before it', async () => {
  const { ask } = makeRig();
  assert.equal((await ask('GET', '/healthz/', { token: null })).status, 200);
  assert.equal((await ask('GET', '/v1/jobs/')).status, 200);
  assert.equal((await ask('GET', '/v1/jobs/', { token: null })).status, 401);
  assert.equal((await ask('POST', '/v1/jobs/nosuch/stop/', { token: 'viewer-token', body: {} })).status, 403);
  assert.equal((await ask('DELETE', '/v1/nodes/')).status, 405);
  assert.deepEqual(Object.keys((await (await ask('POST', '/tasks/', { body: {} })).json()) as object), ['HTTPStatusCode', 'Message']);
});

test('a wrong method is 405 and names the right ones', async () => {
  const { ask } = makeRig();
  const cases: readonly (readonly [string, string, string])[] = [
    ['DELETE', '/v1/jobs', 'POST, GET, HEAD'],
    ['GET', '/v1/jobs/shop/stop', 'POST'],
    ['PUT', '/v1/tasks/shop%2Fweb.1', 'GET, HEAD'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['OPTIONS', '/v1/nodes', 'GET, HEAD'],
    ['PATCH', '/tasks/1', 'DELETE'],
  ];
  for (const [method, path, allow] of cases) {
    const response = await ask(method, path);
    assert.equal(response.status, 405, `${method} ${path}`);
    assert.equal(response.headers.get('allow'), allow);
  }
  const seeds = await ask('PATCH', '/tasks/1');
  assert.deepEqual(Object.keys((await seeds.json()) as object), ['HTTPStatusCode', 'Message']);
});

test('HEAD answers like GET, without a body and without a stream left open', async () => {
  const { ask, control } = makeRig();
  const jobs = await ask('HEAD', '/v1/jobs');
  assert.equal(jobs.status, 200);
  assert.equal(await jobs.text(), '');
  const events = await ask('HEAD', '/v1/events?follow');
  assert.equal(events.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  assert.equal(await events.text(), '');
  assert.equal(control.streamsOpen, 0);
  assert.equal((await ask('HEAD', '/v1/jobs', { token: 'viewer-token' })).status, 200);
  assert.equal((await ask('HEAD', '/v1/jobs', { token: null })).status, 401);
  assert.equal((await ask('HEAD', '/healthz', { token: null })).status, 200);
});

test('a full queue is 429 with the seconds to wait', async () => {
  const { ask, control } = makeRig({ limits: { retryAfterMs: 1_500 } });
  control.failure = problem('busy', 'the queue is full');
  const response = await ask('POST', '/v1/jobs/shop/stop', { body: {} });
  assert.equal(response.status, 429);
  assert.equal(response.headers.get('retry-after'), '2');
  assert.equal((await ask('DELETE', '/tasks/1')).headers.get('retry-after'), '2');
});

test('errors of the table keep their status, code and hint; what is not of the table is 500, and logged', async () => {
  const { ask, control, log } = makeRig();
  for (const [code, status] of [
    ['not-leading', 503],
    ['store-failed', 503],
    ['conflict', 409],
    ['not-found', 404],
  ] as const) {
    control.failure = problem(code, 'because', { hint: 'do this' });
    const response = await ask('GET', '/v1/status');
    assert.equal(response.status, status);
    assert.deepEqual(await errorOf(response), { code, message: 'because', hint: 'do this' });
  }
  assert.equal(log.lines.filter((line) => line.level === 'error').length, 0);
  control.failure = new TypeError('x is undefined');
  const response = await ask('GET', '/v1/status?job=secret-name');
  assert.equal(response.status, 500);
  assert.equal((await errorOf(response)).code, 'failed');
  const line = log.lines.find((one) => one.level === 'error');
  assert.equal(line?.fields?.['path'], '/v1/status');
  assert.match(String(line?.fields?.['stack']), /TypeError: x is undefined/);
});

test('no token, ticket or body ever reaches the log', async () => {
  const { ask, log, control } = makeRig();
  control.failure = new Error('broken');
  await ask('POST', '/v1/jobs', { body: { job: jobDocument('shop', { env: { PASSWORD: 'hunter2' } }) } });
  await ask('POST', '/v1/login?ticket=my-ticket', { token: null });
  await ask('GET', '/v1/jobs', { token: 'my-token' });
  assert.doesNotMatch(JSON.stringify(log.lines), /hunter2|my-ticket|my-token|admin-token/);
});

test('health is what the node says', async () => {
  const rig = makeRig();
  const ask = (path: string) => rig.ask('GET', path, { token: null });
  assert.deepEqual(await (await ask('/healthz')).json(), { status: 'ok' });
  assert.deepEqual(await (await ask('/readyz')).json(), { ready: true });
  rig.control.isReady = false;
  assert.equal((await ask('/healthz')).status, 200);
  const notReady = await ask('/readyz');
  assert.equal(notReady.status, 503);
  assert.deepEqual(await notReady.json(), { ready: false });
  assert.equal((await makeRig({ role: 'worker' }).ask('GET', '/readyz', { token: null })).status, 200);
});

test('answers say that nobody may keep or guess them', async () => {
  const { ask } = makeRig();
  for (const path of ['/healthz', '/v1/jobs', '/no/such', '/metrics', '/v1/events']) {
    const { headers } = await ask('GET', path);
    assert.equal(headers.get('cache-control'), 'no-store', path);
    assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
  }
});

test('numbers for Prometheus keep their own type', async () => {
  const response = await makeRig().ask('GET', '/metrics');
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4');
  assert.equal(await response.text(), 'cube_up 1\n');
});

test('a client that goes while its request is held disturbs nobody', async (t) => {
  const rig = makeRig();
  const url = await serve(t, rig.api);
  let release = (): void => undefined;
  rig.control.held = new Promise((resolve) => {
    release = resolve;
  });
  const leaving = new AbortController();
  const gone = fetch(`${url}/v1/jobs`, {
    method: 'POST',
    headers: { authorization: 'Bearer admin-token', 'content-type': 'application/json' },
    body: JSON.stringify({ job: jobDocument() }),
    signal: leaving.signal,
  });
  await until(() => rig.control.asked.length > 0);
  leaving.abort();
  await assert.rejects(gone, { name: 'AbortError' });
  release();
  await settle();
  assert.equal((await rig.ask('GET', '/v1/jobs/shop')).status, 200, 'what was asked for is done all the same');
});
