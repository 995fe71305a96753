import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect as tcpConnect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { CubeError } from '../../src/core/errors.ts';
import { limitsWith } from '../../src/core/limits.ts';
import { encodeFrames } from '../../src/transport/codec.ts';
import { createWsDialer, linkUrl } from '../../src/transport/index.ts';
import { clipReason } from '../../src/transport/ws-link.ts';
import { keptLog, listenTo, numbered, numbersOf } from './fixtures.ts';
import { handshake, wsHarness, type WsHarness } from './ws-harness.ts';

const limits = limitsWith({ frameBytesMax: 100_000, dialMs: 300, linkCloseMs: 100 });
const never = new AbortController().signal;
let harness: WsHarness;
before(async () => {
  harness = await wsHarness(limits);
});
after(() => harness.close());

/** A WebSocket that is not ours, at the other end of one of our links. */
async function stranger() {
  const socket = new WebSocket(`ws://127.0.0.1:${harness.port}/v1/link`);
  const closed = once(socket, 'close') as Promise<[number, Buffer]>;
  const link = harness.accepted();
  await once(socket, 'open');
  return { socket, closed, link: await link };
}

test('addresses with and without a scheme mean the same place', () => {
  assert.equal(linkUrl('http://h:5555').href, 'ws://h:5555/v1/link');
  assert.equal(linkUrl('h:5555').href, 'ws://h:5555/v1/link');
  assert.equal(linkUrl('ws://h:5555/v1/link?x=1#y').href, 'ws://h:5555/v1/link');
  assert.equal(linkUrl('https://h').href, 'wss://h/v1/link');
  assert.equal(linkUrl('wss://h:5555/').href, 'wss://h:5555/v1/link');
  assert.equal(linkUrl('[::1]:5555').href, 'ws://[::1]:5555/v1/link');
  assert.equal(linkUrl('127.0.0.1:5555').href, 'ws://127.0.0.1:5555/v1/link');
});

test('what is no address, or holds a password, is a usage error', async () => {
  for (const text of [
    '',
    'http://',
    'ftp://h:1',
    'file:///etc/passwd',
    'h:99999',
    'http://user:pass@h:1',
    'user@h:1',
    'h h:1',
    'javascript:alert(1)',
  ]) {
    assert.throws(
      () => linkUrl(text),
      (error) => error instanceof CubeError && error.code === 'usage' && !error.message.includes('pass@'),
      text,
    );
  }
  await assert.rejects(harness.dialer.dial('ftp://h', never), { code: 'usage' });
});

test('the token travels in a header, and is asked for at each dial', async () => {
  const tokens = ['first', undefined, 'third'];
  const dialer = createWsDialer({ limits, log: keptLog(), token: () => tokens.shift() });
  harness.credentials.length = 0;
  for (let i = 0; i < 3; i++) (await dialer.dial(harness.urls.good, never)).close('done');
  assert.deepEqual(harness.credentials, ['Bearer first', undefined, 'Bearer third']);
});

test('a token that cannot stand in a header is a usage error that does not show it', async () => {
  const dialer = createWsDialer({ limits, log: keptLog(), token: () => 'secret\r\nX-Evil: 1' });
  await assert.rejects(dialer.dial(harness.urls.good, never), (error) => {
    assert.ok(error instanceof CubeError);
    assert.equal(error.code, 'usage');
    assert.ok(!error.message.includes('secret'));
    return true;
  });
});

test('a server that answers with another status is unreachable, and the status is told', async () => {
  for (const status of [200, 302, 404, 429, 500]) {
    const web = createServer().on('upgrade', (_request, socket: Socket) => harness.sockets.refuse(socket, status, 'no'));
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    const dial = harness.dialer.dial(`127.0.0.1:${(web.address() as AddressInfo).port}`, never);
    await assert.rejects(
      dial,
      (error) => error instanceof CubeError && error.code === 'unreachable' && error.message.includes(`status ${status}`),
    );
    web.close();
  }
});

test('a server that does not speak HTTP is unreachable', async () => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.end('SSH-2.0-OpenSSH_9.6\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await assert.rejects(harness.dialer.dial(`127.0.0.1:${(server.address() as AddressInfo).port}`, never), { code: 'unreachable' });
  server.close();
});

test('a host name that does not exist is unreachable, and the name is told', async () => {
  await assert.rejects(harness.dialer.dial('http://no-such-host.invalid:5555', never), (error) => {
    assert.ok(error instanceof CubeError);
    assert.equal(error.code, 'unreachable');
    assert.match(error.message, /no-such-host\.invalid:5555/);
    return true;
  });
});

test('all frames of one turn are one message, and the next turn is another', async () => {
  const { socket, link } = await stranger();
  const messages: Buffer[] = [];
  const two = new Promise<void>((resolve) => socket.on('message', (data) => void (messages.push(data as Buffer) === 2 && resolve())));
  for (let i = 0; i < 100; i++) {
    link.send(numbered(i));
    if (i % 10 === 0) await Promise.resolve();
  }
  await new Promise((resolve) => setImmediate(resolve));
  link.send(numbered(100));
  await two;
  assert.equal(messages.length, 2);
  link.close('done');
});

test('bytes that are no message close the link with 1007 and a line in the log', async () => {
  const { socket, closed, link } = await stranger();
  const ear = listenTo(link);
  harness.log.lines.length = 0;
  socket.send(encodeFrames([numbered(1)]));
  socket.send(Buffer.from([0xc1, 0xff, 0xd9, 0xff]));
  socket.send(encodeFrames([numbered(2)]));
  const [code, reason] = await closed;
  assert.equal(code, 1007);
  assert.match(reason.toString(), /cannot be read/);
  assert.match(await ear.closed(), /cannot be read/);
  assert.deepEqual(numbersOf(ear.frames), [1]);
  assert.ok(harness.log.lines.some((line) => line.level === 'warn' && /cannot be read/.test(String(line.fields['why']))));
});

test('an empty message closes the link', async () => {
  const { socket, closed } = await stranger();
  socket.send(Buffer.alloc(0));
  assert.equal((await closed)[0], 1007);
});

test('text closes the link with 1003', async () => {
  const { socket, closed } = await stranger();
  socket.send('[{"type":"beat"}]');
  assert.equal((await closed)[0], 1003);
});

test('a message that is no list of frames closes the link with 1002', async () => {
  for (const value of [{ type: 'beat' }, 'beat', null, [['beat']], [{ type: 'acks', acks: 7 }]]) {
    const { socket, closed } = await stranger();
    socket.send(encodeFrames(value as never));
    assert.equal((await closed)[0], 1002);
  }
});

test('a message nested without end closes the link, and the process goes on', async () => {
  const { socket, closed } = await stranger();
  socket.send(Buffer.alloc(90_000, 0x91));
  assert.equal((await closed)[0], 1007);
});

test('a message above the bound is not read: 1009', async () => {
  const { socket, closed, link } = await stranger();
  const ear = listenTo(link);
  socket.send(Buffer.alloc(limits.frameBytesMax + 1));
  assert.equal((await closed)[0], 1009);
  assert.match(await ear.closed(), /Max payload size exceeded/);
});

test('a peer that vanishes is a lost connection', async () => {
  const { socket, link } = await stranger();
  const ear = listenTo(link);
  socket.terminate();
  assert.equal(await ear.closed(), 'the connection was lost');
});

test('a peer that does not answer a goodbye is let go all the same', async () => {
  const socket = tcpConnect(harness.port, '127.0.0.1');
  const link = harness.accepted();
  socket.write(handshake);
  const opened = await link;
  const ear = listenTo(opened);
  await once(socket, 'data');
  socket.pause();
  const closed = once(harness.lastSocket(), 'close');
  opened.close('good night');
  assert.equal(await ear.closed(), 'good night');
  await closed;
  socket.destroy();
});

test('frames in the same packet as the handshake are not lost', async () => {
  const socket = tcpConnect(harness.port, '127.0.0.1');
  const link = harness.accepted();
  const payload = encodeFrames([numbered(7)]);
  // A masked binary WebSocket frame with a mask of zeros (RFC 6455, 5.2).
  const frame = Buffer.concat([Buffer.from([0x82, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
  socket.write(Buffer.concat([Buffer.from(handshake), frame]));
  const ear = listenTo(await link);
  assert.deepEqual(numbersOf(await ear.heard(1)), [7]);
  socket.destroy();
  await ear.closed();
});

test('a long reason is cut between characters', async () => {
  assert.equal(clipReason('short'), 'short');
  assert.equal(clipReason('x'.repeat(200)), 'x'.repeat(123));
  assert.equal(clipReason('ü'.repeat(100)), 'ü'.repeat(61));
  assert.equal(clipReason(`a${'😀'.repeat(40)}`), `a${'😀'.repeat(30)}`);
  const { closed, link } = await stranger();
  link.close('ü'.repeat(100));
  assert.equal((await closed)[1].toString(), 'ü'.repeat(61));
});
