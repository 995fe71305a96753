import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRig } from './harness.ts';

test("the page's files need no credential and carry its policy", async () => {
  const { ask } = makeRig();
  const page = await ask('GET', '/', { token: null, headers: { host: 'localhost:5555' } });
  assert.equal(page.status, 200);
  assert.equal(await page.text(), '<!doctype html>');
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.equal(page.headers.get('cache-control'), 'no-cache');
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(page.headers.get('referrer-policy'), 'no-referrer');
  const policy = page.headers.get('content-security-policy')!.split('; ');
  assert.ok(policy.includes("default-src 'self'"));
  assert.ok(policy.includes("connect-src 'self' ws://localhost:5555 wss://localhost:5555"));
  assert.ok(policy.includes("frame-ancestors 'none'"));
});

test('a file with a hash in its name may be kept for ever', async () => {
  const script = await makeRig().ask('GET', '/assets/index-1a2b.js', { token: null });
  assert.equal(script.headers.get('cache-control'), 'public, max-age=31536000, immutable');
  assert.equal(await script.text(), 'run()');
});

test('a file hides no route, and a missing one is asked for a credential', async () => {
  const { ask } = makeRig();
  assert.equal((await ask('GET', '/v1/jobs', { token: null })).status, 401);
  assert.equal((await ask('GET', '/v1/jobs')).headers.get('content-type'), 'application/json; charset=utf-8');
  assert.equal((await ask('GET', '/assets/other.js', { token: null })).status, 401);
  assert.equal((await ask('GET', '/assets/other.js')).status, 404);
});

test('only GET and HEAD give files', async () => {
  const { ask } = makeRig();
  assert.equal((await ask('HEAD', '/', { token: null })).status, 200);
  assert.equal((await ask('POST', '/', { token: null })).status, 401);
  assert.equal((await ask('POST', '/')).status, 404);
});

test('a host header cannot write into the policy', async () => {
  const { ask } = makeRig({ deps: { checkHost: () => true } });
  const response = await ask('GET', '/', { token: null, headers: { host: "x; script-src 'unsafe-inline'" } });
  assert.doesNotMatch(response.headers.get('content-security-policy') ?? '', /script-src/);
});
