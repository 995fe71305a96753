import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorBody } from '../../src/core/errors.ts';
import { jobDocument, makeRig, raw, serve } from './harness.ts';

async function errorOf(response: Response): Promise<ErrorBody['error']> {
  return ((await response.json()) as ErrorBody).error;
}

test('where no token is asked, bodies are taken as application/json only', async () => {
  const { ask, control } = makeRig({ deps: { openLoopback: true } });
  const body = JSON.stringify({ job: jobDocument() });
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/yaml',
    'application/jsonx',
  ]) {
    const response = await ask('POST', '/v1/jobs', { token: null, body, headers: { 'content-type': type } });
    assert.equal(response.status, 415, type);
  }
  const seeds = await ask('POST', '/tasks', { token: null, body: '{}', headers: { 'content-type': 'text/plain' } });
  assert.equal(seeds.status, 415);
  assert.deepEqual(Object.keys((await seeds.json()) as object), ['HTTPStatusCode', 'Message']);
  assert.deepEqual(control.asked, []);
  for (const type of ['application/json', 'Application/JSON; charset=utf-8']) {
    assert.ok((await ask('POST', '/v1/jobs', { token: null, body, headers: { 'content-type': type } })).ok, type);
  }
});

test('with a token, the type that curl sends by itself will do', async () => {
  const { ask } = makeRig();
  const body = JSON.stringify({ job: jobDocument() });
  assert.equal((await ask('POST', '/v1/jobs', { body, headers: { 'content-type': 'application/x-www-form-urlencoded' } })).status, 201);
});

test('a job file is taken as YAML, and its problems have their place', async () => {
  const { ask, control } = makeRig();
  const headers = { 'content-type': 'application/yaml' };
  const good = 'name: shop\ntasks:\n  web: {image: "busybox:latest"}\n';
  assert.equal((await ask('POST', '/v1/jobs', { body: good, headers })).status, 201);
  assert.equal((await ask('POST', '/v1/jobs', { body: good, headers })).status, 200);
  const bad = await ask('POST', '/v1/jobs', { body: 'name: shop\ntasks:\n  web: {image: a, cuont: 3}\n  db: {image: 7}\n', headers });
  assert.equal(bad.status, 400);
  const error = await errorOf(bad);
  assert.equal(error.code, 'invalid-file');
  assert.equal(error.at?.line, 3);
  assert.equal(error.problems?.length, 2);
  assert.equal(control.asked.length, 2);
  assert.equal((await ask('POST', '/v1/jobs/shop/stop', { body: 'purge: true', headers })).status, 415);
});

test('a body that is no JSON is 400 and says where it broke', async () => {
  const { ask } = makeRig();
  for (const body of ['{', '{"job": }', 'job', '\u0000']) {
    const response = await ask('POST', '/v1/jobs', { body });
    assert.equal(response.status, 400, body);
    assert.match((await errorOf(response)).message, /^the body is not JSON: /);
  }
});

test('a body of the wrong form is 400 and says what was meant', async () => {
  const { ask, control } = makeRig();
  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    ['/v1/jobs', [], /the body must be a JSON object/],
    ['/v1/jobs', 7, /the body must be a JSON object/],
    ['/v1/jobs', undefined, /the body needs "job"/],
    ['/v1/jobs', { jobb: {} }, /the body has no "jobb"; did you mean "job"/],
    ['/v1/jobs', { job: jobDocument(), checkIndex: -1 }, /"checkIndex" must be a whole number of 0 or more, not -1/],
    ['/v1/jobs', { job: jobDocument(), checkIndex: 1.5 }, /"checkIndex"/],
    ['/v1/jobs', { job: jobDocument(), mustBeNew: 'yes' }, /"mustBeNew" must be true or false, not "yes"/],
    ['/v1/jobs', { job: jobDocument(), origin: { kind: 'seeds' } }, /"kind" must be one of file, run, not "seeds"/],
    ['/v1/jobs', { job: jobDocument(), origin: 'run' }, /"origin" must be a JSON object/],
    ['/v1/jobs/shop/stop', { purge: null }, /"purge" must be true or false, not null/],
    ['/v1/jobs/shop/start', { now: true }, /the body has no "now"/],
    ['/v1/jobs', JSON.parse('{"__proto__": 1}') as unknown, /the body has no "__proto__"/],
  ];
  for (const [path, body, message] of cases) {
    const response = await ask('POST', path, { body });
    assert.equal(response.status, 400, JSON.stringify(body));
    assert.match((await errorOf(response)).message, message);
  }
  assert.deepEqual(control.asked, []);
});

test('a query of the wrong form is 400 and says what was meant', async () => {
  const { ask } = makeRig();
  await ask('POST', '/v1/jobs', { body: { job: jobDocument() } });
  const cases: readonly (readonly [string, RegExp])[] = [
    ['/v1/jobs/shop/logs?tail=-1', /"tail" must be a whole number of 0 or more, not "-1"/],
    ['/v1/jobs/shop/logs?tail=all', /"tail"/],
    ['/v1/jobs/shop/logs?tail=99999999999999999999', /"tail"/],
    ['/v1/jobs/shop/logs?since=yesterday', /"since" must be a time like .* or a duration like 10m, not "yesterday"/],
    ['/v1/jobs/shop/logs?since=10', /"since"/],
    ['/v1/jobs/shop/logs?since=2026-13-01', /"since"/],
    ['/v1/jobs/shop/logs?follow=maybe', /"follow" must be true or false, not "maybe"/],
    ['/v1/jobs/shop/logs?folow=1', /the query has no "folow"; did you mean "follow"/],
    ['/v1/status?job=a&job=b', /the query has "job" twice/],
    ['/v1/status?job=', /"job" must be a text, not ""/],
    ['/v1/events?after=x', /"after"/],
    ['/v1/jobs?x=1', /the query has no "x"/],
  ];
  for (const [path, message] of cases) {
    const response = await ask('GET', path);
    assert.equal(response.status, 400, path);
    assert.match((await errorOf(response)).message, message);
  }
});

test('a body over the limit is 413, with and without a length, and nothing is done', async (t) => {
  const rig = makeRig({ limits: { bodyBytesMax: 1_000 } });
  const url = await serve(t, rig.api);
  const long = JSON.stringify({ job: jobDocument('shop', { env: { LONG: 'x'.repeat(2_000) } }) });
  const head =
    'POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer admin-token\r\nContent-Type: application/json\r\nConnection: close\r\n';
  const withLength = await raw(url, `${head}Content-Length: ${long.length}\r\n\r\n${long}`);
  assert.match(withLength, /^HTTP\/1\.1 413 /);
  assert.match(withLength, /"too-large".*bodyBytesMax/);
  const chunked = await raw(url, `${head}Transfer-Encoding: chunked\r\n\r\n${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\n`);
  assert.match(chunked, /^HTTP\/1\.1 413 /);
  assert.equal((await rig.ask('POST', '/v1/jobs', { body: long })).status, 413, 'a stream without a length');
  assert.equal((await rig.ask('POST', '/tasks', { token: null, body: long })).status, 401, 'the credential comes first');
  assert.deepEqual(rig.control.asked, []);
  const exact = ' '.repeat(1_000 - JSON.stringify({ job: jobDocument() }).length);
  assert.equal(
    (await rig.ask('POST', '/v1/jobs', { body: exact + JSON.stringify({ job: jobDocument() }) })).status,
    201,
    'exactly as much as allowed',
  );
});
