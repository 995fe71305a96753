import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ConnectionLost, createClient } from '../../src/client/index.ts';
import { nodeRequester } from '../../src/client/node-request.ts';
import { fetchRequester } from '../../src/client/fetch-request.ts';
import { problem } from '../../src/core/errors.ts';
import { limitsWith } from '../../src/core/limits.ts';
import { ManualClock, until } from '../api/harness.ts';
import { freePort } from '../support/free-port.ts';
import { all, answer, clientOf, misbehave, quickLimits, requesters } from './harness.ts';

const job = { name: 'shop' };
const kinds = Object.keys(requesters) as (keyof typeof requesters)[];

test('where nobody listens the manager is unreachable, at that address, and nothing is sent twice', async () => {
  const port = await freePort();
  let keys = 0;
  const client = createClient({ request: nodeRequester({ url: `http://127.0.0.1:${port}` }), newId: () => `key-${++keys}` });
  await assert.rejects(client.stopJob('shop'), (error: unknown) => {
    assert.ok(!(error instanceof ConnectionLost));
    assert.deepEqual({ code: (error as { code: string }).code }, { code: 'unreachable' });
    assert.match(String(error), new RegExp(`http://127\\.0\\.0\\.1:${port}: connection refused`));
    return true;
  });
  assert.equal(keys, 1);
});

test('a name that does not exist is unreachable, with its reason', async () => {
  const client = clientOf('http://no.such.host.invalid:5555');
  await assert.rejects(client.status(), { code: 'unreachable', message: /no\.such\.host\.invalid:5555: / });
});

test('what does not speak HTTP is unreachable, and said to be that', async (t) => {
  const server = createServer((socket) => socket.on('data', () => socket.end('SSH-2.0-OpenSSH_9\r\n'))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const client = clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await assert.rejects(client.status(), { code: 'unreachable', message: /does not speak HTTP/ });
});

for (const kind of kinds) {
  test(`over ${kind}, a request whose connection broke is sent again with the same key`, async (t) => {
    const { url, asked } = await misbehave(t, (response, _asked, count) => {
      if (count < 3) response.socket?.destroy();
      else answer(response, job);
    });
    const client = clientOf(url, { kind });
    assert.deepEqual(await client.stopJob('shop'), job);
    assert.deepEqual(
      asked.map((one) => one.headers['idempotency-key']),
      ['key-1', 'key-1', 'key-1'],
    );
    assert.deepEqual(new Set(asked.map((one) => one.body)), new Set(['{"purge":false}']));
    await client.startJob('shop');
    assert.equal(asked.at(-1)?.headers['idempotency-key'], 'key-2', 'another request has another key');
  });

  test(`over ${kind}, after two more tries it is told that nobody knows what happened`, async (t) => {
    const { url, asked } = await misbehave(t, (response) => response.socket?.destroy());
    await assert.rejects(clientOf(url, { kind }).stopJob('shop'), { code: 'unreachable', hint: /may have been done or not/ });
    assert.equal(asked.length, 3);
  });

  test(`over ${kind}, an answer that breaks off is asked for again`, async (t) => {
    const { url, asked } = await misbehave(t, (response, _asked, count) => {
      if (count > 1) return answer(response, job);
      response.writeHead(200, { 'content-length': 100 });
      response.write('{"name":');
      setImmediate(() => response.socket?.destroy());
    });
    assert.deepEqual(await clientOf(url, { kind }).stopJob('shop'), job);
    assert.equal(asked.length, 2);
  });

  test(`over ${kind}, an error that was answered is not tried again`, async (t) => {
    const { url, asked } = await misbehave(t, (response) =>
      answer(response, { error: { code: 'store-failed', message: 'no', hint: 'h' } }, 503),
    );
    await assert.rejects(clientOf(url, { kind }).stopJob('shop'), { code: 'store-failed' });
    assert.equal(asked.length, 1);
  });

  test(`over ${kind}, a request carries the token, and says what it sends and takes`, async (t) => {
    const { url, asked } = await misbehave(t, (response) => answer(response, {}));
    await clientOf(url, { kind, token: 'secret' }).submit({ job });
    await clientOf(url, { kind, token: 'secret' }).status({ job: 'a b&c' });
    const [post, get] = asked;
    assert.equal(post?.headers['authorization'], 'Bearer secret');
    assert.equal(post?.headers['content-type'], 'application/json');
    assert.deepEqual(JSON.parse(post?.body ?? ''), { job });
    assert.equal(get?.headers['idempotency-key'], undefined);
    assert.equal(get?.url, '/v1/status?job=a+b%26c');
    assert.equal(get?.headers['accept'], 'application/json');
  });

  test(`over ${kind}, a signal ends a request that is not answered`, async (t) => {
    const { url, asked } = await misbehave(t, () => undefined);
    const leaving = new AbortController();
    const request = requesters[kind](url, undefined);
    const waiting = request({ method: 'GET', path: '/', headers: {}, signal: leaving.signal });
    await until(() => asked.length === 1);
    leaving.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
    await assert.rejects(request({ method: 'GET', path: '/', headers: {}, signal: leaving.signal }), /enough/);
  });

  test(`over ${kind}, a node that does not answer in time is unreachable, and is not asked again`, async (t) => {
    const { url, asked } = await misbehave(t, () => undefined);
    const clock = new ManualClock();
    const limits = limitsWith({ clientAnswerMs: 1_000 });
    const request =
      kind === 'node' ? nodeRequester({ url, limits, clock }) : fetchRequester({ url, token: () => undefined, limits, clock });
    const waiting = createClient({ request, newId: () => 'k', clock }).stopJob('shop');
    const refused = assert.rejects(waiting, { code: 'unreachable', message: /does not answer/ });
    await until(() => asked.length === 1);
    clock.advance(1_000);
    await refused;
    assert.equal(asked.length, 1);
    assert.equal(clock.waiting, 0);
  });
}

test('a connection that does not come about in time is unreachable', async () => {
  const clock = new ManualClock();
  // An address of documentation (RFC 5737): nobody answers there, or the network says no at once.
  const request = nodeRequester({ url: 'http://192.0.2.1:5555', clock, limits: limitsWith({ clientConnectMs: 1_000 }) });
  const waiting = assert.rejects(request({ method: 'GET', path: '/', headers: {}, signal: new AbortController().signal }), {
    code: 'unreachable',
  });
  await until(() => clock.waiting > 0);
  clock.advance(1_000);
  await waiting;
  assert.equal(clock.waiting, 0);
});

test('codes of another version become failed; pages of proxies are told by their status', async (t) => {
  const answers = [
    () => ({ status: 418, body: '{"error":{"code":"teapot","message":"short and stout","hint":"pour"}}' }),
    () => ({ status: 502, body: '<html>Bad Gateway</html>' }),
    () => ({ status: 404, body: '' }),
    () => ({ status: 200, body: '<html>hello</html>' }),
    () => ({ status: 500, body: '{"error":"text"}' }),
    () => ({ status: 500, body: 'null' }),
  ];
  const { url } = await misbehave(t, (response, _asked, count) => {
    const { status, body } = answers[count - 1]!();
    response.writeHead(status);
    response.end(body);
  });
  const client = clientOf(url);
  await assert.rejects(client.status(), { code: 'failed', message: 'short and stout', hint: 'pour' });
  await assert.rejects(client.status(), { code: 'failed', message: /answered 502: <html>Bad Gateway/ });
  await assert.rejects(client.status(), { code: 'not-found', message: 'the node answered 404' });
  await assert.rejects(client.status(), { code: 'failed', message: /is not JSON: <html>hello/ });
  await assert.rejects(client.status(), { code: 'failed', message: /answered 500/ });
  await assert.rejects(client.status(), { code: 'failed', message: /answered 500/ });
});

test('documents that are cut anywhere between bytes are put together', async (t) => {
  const text = JSON.stringify({ seq: 1, cause: 'größer 🎲' });
  const { url } = await misbehave(t, (response) => {
    response.writeHead(200);
    const bytes = Buffer.from(`\n${text}\n\n${text}\n`);
    let at = 0;
    const next = (): void => {
      if (at === bytes.length) return void response.end();
      response.write(bytes.subarray(at, ++at));
      setImmediate(next);
    };
    next();
  });
  const events = await all(clientOf(url).events());
  assert.deepEqual(
    events.map((event) => event.cause),
    ['größer 🎲', 'größer 🎲'],
  );
});

test('a stream that ends within a line is a lost connection, and a line that is no JSON a failure', async (t) => {
  const texts = ['{"seq":1}\n{"se', 'hello\n'];
  const { url } = await misbehave(t, (response, _asked, count) => {
    response.writeHead(200);
    response.end(texts[count - 1]);
  });
  await assert.rejects(all(clientOf(url).logs({ job: 'x' })), { code: 'unreachable' });
  await assert.rejects(all(clientOf(url).logs({ job: 'x' })), { code: 'failed', message: /not JSON: hello/ });
});

test('a line without end is not gathered for ever', async (t) => {
  const { url } = await misbehave(t, (response) => {
    response.writeHead(200);
    response.write('x'.repeat(10_000));
  });
  const client = clientOf(url, { limits: limitsWith({ clientLineCharsMax: 1_000 }) });
  await assert.rejects(all(client.logs({ job: 'x' }, { follow: true })), { code: 'failed', message: /more than 1000 characters/ });
});

test('an IPv6 address works', async (t) => {
  const { createServer: createHttp } = await import('node:http');
  const server = createHttp((_request, response) => answer(response, { name: 'six' }));
  server.listen(0, '::1');
  const listening = await Promise.race([once(server, 'listening').then(() => true), once(server, 'error').then(() => false)]);
  if (!listening) return t.skip('no IPv6 on this machine');
  t.after(() => server.close());
  const client = clientOf(`http://[::1]:${(server.address() as AddressInfo).port}`);
  assert.equal((await client.info()).name, 'six');
});

/** A client whose node breaks off the first request, and is not there when it is asked again, so many times. */
function clientOfRestarting(absences: number) {
  const keys: (string | undefined)[] = [];
  const client = createClient({
    newId: () => `key-${keys.length}`,
    limits: quickLimits,
    request: async ({ headers }) => {
      keys.push(headers['idempotency-key']);
      if (keys.length === 1) throw new ConnectionLost('it broke off');
      if (keys.length <= 1 + absences) throw problem('unreachable', 'connection refused');
      return { status: 200, headers: {}, body: (async function* () {})() };
    },
  });
  return { client, keys };
}

test('a node that ended while it was asked, and is there again soon, is asked again with the same key', async () => {
  const { client, keys } = clientOfRestarting(1);
  await client.stopJob('shop');
  assert.deepEqual(keys, ['key-0', 'key-0', 'key-0']);
});

test('of one that does not come back it is told that nobody knows what happened, not only that it is away', async () => {
  const { client, keys } = clientOfRestarting(9);
  await assert.rejects(client.stopJob('shop'), { code: 'unreachable', hint: /may have been done or not/ });
  assert.equal(keys.length, 3);
});

test('a node that was never reached is not asked again', async () => {
  let asked = 0;
  const request = () => {
    asked++;
    return Promise.reject(problem('unreachable', 'connection refused'));
  };
  await assert.rejects(createClient({ newId: () => 'k', limits: quickLimits, request }).stopJob('shop'), /connection refused/);
  assert.equal(asked, 1);
});
