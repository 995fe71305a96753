import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as tcpConnect, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { CubeError, problem } from '../../src/core/errors.ts';
import { limitsWith } from '../../src/core/limits.ts';
import { createWebSocketServer } from '../../src/transport/index.ts';
import { keptLog, listenTo } from './fixtures.ts';
import { handshake, wsHarness } from './ws-harness.ts';

const limits = limitsWith({ linkCloseMs: 100, retryAfterMs: 1_500 });
const sockets = createWebSocketServer({ limits, log: keptLog() });

/** What an upgrade that is refused gets. */
async function refusal(how: (socket: Socket) => void): Promise<{ response: IncomingMessage; body: string }> {
  const web = createServer().on('upgrade', (_request, socket: Socket) => how(socket));
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  const { port } = web.address() as AddressInfo;
  const request = httpRequest({ port, host: '127.0.0.1', headers: { Connection: 'Upgrade', Upgrade: 'websocket' } });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  web.close();
  await once(web, 'close');
  return { response, body };
}

test('a refused upgrade gets a proper HTTP answer, and the connection ends', async () => {
  for (const [status, words] of [
    [401, 'Unauthorized'],
    [403, 'Forbidden'],
    [404, 'Not Found'],
    [421, 'Misdirected Request'],
    [429, 'Too Many Requests'],
  ] as const) {
    const { response, body } = await refusal((socket) => sockets.refuse(socket, status, 'nein: größer'));
    assert.deepEqual([response.statusCode, response.statusMessage, body], [status, words, 'nein: größer\n']);
    assert.equal(response.headers.connection, 'close');
  }
});

test('an upgrade refused with an error of the table gets it as JSON', async () => {
  const busy = await refusal((socket) => sockets.refuseWith(socket, problem('busy', 'too many feeds')));
  assert.equal(busy.response.statusCode, 429);
  assert.equal(busy.response.headers['retry-after'], '2');
  assert.deepEqual(JSON.parse(busy.body), { error: { code: 'busy', message: 'too many feeds', hint: 'try again in a moment' } });
  const unknown = await refusal((socket) => sockets.refuseWith(socket, problem('unauthorized', 'who are you?')));
  assert.equal(unknown.response.statusCode, 401);
  assert.equal(unknown.response.headers['www-authenticate'], 'Bearer');
});

test('refusing a client that is gone already harms nobody', async () => {
  const web = createServer();
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  const socket = tcpConnect((web.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
  sockets.refuse(socket, 403, 'too late');
  await once(socket, 'close');
  web.close();
});

test('a handshake that is none gets 400, and whoever upgrades learns why', async () => {
  const server = createWebSocketServer({ limits, log: keptLog() });
  let failure: Promise<unknown> | undefined;
  const web = createServer().on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    failure = server.upgrade(request, socket, head).catch((error: unknown) => error);
  });
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  const request = httpRequest({
    port: (web.address() as AddressInfo).port,
    host: '127.0.0.1',
    headers: { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'short' },
  });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  assert.equal(response.statusCode, 400);
  const error = await failure;
  assert.ok(error instanceof CubeError);
  assert.equal(error.code, 'usage');
  web.close();
});

test('an upgrade of a client that went away fails instead of waiting', async () => {
  const arrived = new Promise<[IncomingMessage, Socket, Buffer]>((resolve) => {
    const web = createServer().on('upgrade', (...args: [IncomingMessage, Socket, Buffer]) => {
      resolve(args);
      web.close();
    });
    web.listen(0, '127.0.0.1', () => {
      const client = tcpConnect((web.address() as AddressInfo).port, '127.0.0.1');
      client.write(handshake);
      client.on('error', () => client.destroy());
    });
  });
  const [request, socket, head] = await arrived;
  socket.destroy();
  await assert.rejects(sockets.upgrade(request, socket, head), { code: 'unreachable' });
});

test('a server that closes says goodbye to all, waits for them, and for a silent one not for ever', async () => {
  const other = await wsHarness(limits);
  const { near } = await other.connect();
  const ear = listenTo(near);
  const silent = tcpConnect(other.port, '127.0.0.1');
  const silentLink = other.accepted();
  silent.write(handshake);
  const silentEar = listenTo(await silentLink);
  assert.equal(other.sockets.size, 2);
  await other.sockets.close('the node stops');
  assert.equal(other.sockets.size, 0);
  assert.equal(await ear.closed(), 'the node stops');
  await silentEar.closed();
  await other.sockets.close('twice is fine');
  silent.destroy();
  await other.close();
});
