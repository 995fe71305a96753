import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { test } from 'node:test';
import { realClock } from '../../src/ambient/clock.ts';
import type { ProbeResult } from '../../src/ports/runtime.ts';
import { lookHttp, lookTcp } from '../../src/runtime/probe-net.ts';
import type { LookOptions, Target } from '../../src/runtime/probe-net.ts';
import { freePort } from '../support/free-port.ts';

const options: LookOptions = { clock: realClock(), timeoutMs: 10_000, signal: new AbortController().signal };
const target = (port: number, proxyMs = 0): Target => ({ host: '127.0.0.1', port, shownPort: 80, proxyMs });

/** Runs a check with a server, and tells how many connections are open afterwards. */
async function withServer(server: Server, check: (port: number) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await check((server.address() as AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

function get(port: number, path = '/health', more: Partial<LookOptions> = {}): Promise<ProbeResult> {
  return lookHttp(target(port), { kind: 'http', path, statuses: [{ from: 200, to: 299 }] }, { ...options, ...more });
}

const web = (listener: RequestListener): Server => createHttp(listener);

test('a status in the range is well, any other is named', async () => {
  const statuses: Record<string, number> = { '/a': 200, '/b': 299, '/c': 300, '/d': 503, '/e': 199 };
  await withServer(
    web((request, response) => void response.writeHead(statuses[request.url!]!).end()),
    async (port) => {
      assert.deepEqual(await get(port, '/a'), { ok: true, detail: 'GET /a answered 200' });
      assert.equal((await get(port, '/b')).ok, true);
      assert.equal((await get(port, '/c')).ok, false);
      assert.deepEqual(await get(port, '/d'), { ok: false, detail: 'GET /d answered 503' });
    },
  );
});

test('a redirect is an answer, and is not followed', async () => {
  const asked: string[] = [];
  await withServer(
    web((request, response) => {
      asked.push(request.url!);
      response.writeHead(302, { Location: '/elsewhere' }).end();
    }),
    async (port) => {
      assert.deepEqual(await get(port), { ok: false, detail: 'GET /health answered 302' });
      assert.deepEqual(asked, ['/health']);
    },
  );
});

test('it asks as nobody in particular, on a connection of its own', async () => {
  const seen: [string | undefined, string | undefined, string | undefined][] = [];
  const from = new Set<number>();
  await withServer(
    web(({ method, headers, socket }, response) => {
      seen.push([method, headers.host, headers['user-agent']]);
      from.add(socket.remotePort!);
      response.end();
    }),
    async (port) => {
      await get(port, '/health?full=1');
      await get(port);
      assert.deepEqual(seen[0], ['GET', 'localhost', 'cube-health']);
      assert.equal(from.size, 2);
    },
  );
});

test('an endless body is not read', async () => {
  await withServer(
    web((_request, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', more);
      more();
    }),
    async (port) => assert.equal((await get(port)).ok, true),
  );
});

test('what takes too long in its head, or says nothing, has failed in time', async () => {
  await withServer(
    createServer((socket) => socket.write('HTTP/1.1 200 OK\r\nA: ')),
    async (port) => {
      assert.deepEqual(await get(port, '/health', { timeoutMs: 100 }), { ok: false, detail: 'no answer within 100ms' });
    },
  );
});

test('nonsense, a hang-up and nobody at all are told apart', async () => {
  await withServer(
    createServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n')),
    async (port) => assert.match((await get(port)).detail, /^GET \/health got no HTTP answer/),
  );
  await withServer(
    createServer((socket) => socket.resume().end()),
    async (port) => assert.deepEqual(await get(port), { ok: false, detail: 'GET /health: the connection was closed without an answer' }),
  );
  assert.deepEqual(await get(await freePort()), { ok: false, detail: 'connection refused on port 80' });
});

test('a switch of protocols is a status like others', async () => {
  await withServer(
    createServer((socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')),
    async (port) => assert.deepEqual(await get(port), { ok: false, detail: 'GET /health answered 101' }),
  );
});

test('a path that no request can hold is a failed look and no crash', async () => {
  const result = await get(await freePort(), '/with space');
  assert.equal(result.ok, false);
  assert.match(result.detail, /unescaped characters/);
});

test('leaving a look ends its connection', async () => {
  const abort = new AbortController();
  let closed: Promise<unknown> = Promise.reject(new Error('nobody came'));
  closed.catch(() => undefined);
  await withServer(
    createServer((socket) => {
      closed = once(socket.resume(), 'close');
      abort.abort();
    }),
    async (port) => {
      await assert.rejects(get(port, '/health', { signal: abort.signal }), { name: 'AbortError' });
      await closed;
    },
  );
});

test('a tcp look is well when the connection stands', async () => {
  await withServer(
    createServer((socket) => socket.resume()),
    async (port) => assert.deepEqual(await lookTcp(target(port), options), { ok: true, detail: 'port 80 takes connections' }),
  );
  assert.deepEqual(await lookTcp(target(await freePort()), options), { ok: false, detail: 'connection refused on port 80' });
});

test('behind a proxy, a connection that is dropped at once was nobody’s, one that is held or spoken to is the task’s', async () => {
  const found = async (server: Server): Promise<ProbeResult> => {
    let result: ProbeResult | undefined;
    await withServer(server, async (port) => {
      result = await lookTcp(target(port, 100), options);
    });
    return result!;
  };
  assert.deepEqual(await found(createServer((socket) => socket.resume().end())), {
    ok: false,
    detail: 'port 80 closed the connection at once',
  });
  assert.equal((await found(createServer((socket) => socket.destroy()))).ok, false);
  assert.equal((await found(createServer((socket) => socket.resume()))).ok, true);
  assert.equal((await found(createServer((socket) => socket.end('220 ready\r\n')))).ok, true);
});
