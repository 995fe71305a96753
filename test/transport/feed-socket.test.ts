import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { limitsWith } from '../../src/core/limits.ts';
import { createWebSocketServer, serveFeed, type FeedSource } from '../../src/transport/index.ts';
import { keptLog } from './fixtures.ts';

const limits = limitsWith({ feedBufferBytesMax: 1_000_000, feedMessageBytesMax: 1_000, linkCloseMs: 100 });
const log = keptLog();
const sockets = createWebSocketServer({ limits, log });
const web = createServer();

/** A feed with its listeners counted. */
class Feed implements FeedSource {
  readonly listeners = new Set<(json: string) => void>();
  readonly past: string[] = [];
  #left: () => void = () => undefined;
  readonly left = new Promise<void>((resolve) => {
    this.#left = resolve;
  });

  subscribe(onMessage: (json: string) => void): () => void {
    for (const json of this.past) onMessage(json);
    this.listeners.add(onMessage);
    return () => {
      this.listeners.delete(onMessage);
      this.#left();
    };
  }

  say(message: unknown): void {
    for (const listener of this.listeners) listener(JSON.stringify(message));
  }
}

let feed = new Feed();
let served: Promise<WebSocket> = Promise.reject(new Error('nobody came'));
served.catch(() => undefined);

before(async () => {
  web.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    served = sockets.upgrade(request, socket, head, 'feed').then((webSocket) => {
      serveFeed(webSocket, { limits, log, source: feed });
      return webSocket;
    });
    served.catch((error: unknown) => log.error('upgrade failed', { error }));
  });
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
});
after(async () => {
  await sockets.close('the test is over');
  web.close();
});

async function client() {
  const socket = new WebSocket(`ws://127.0.0.1:${(web.address() as AddressInfo).port}/v1/inspect`);
  const texts: string[] = [];
  const waits = new Set<() => void>();
  socket.on('message', (data, isBinary) => {
    assert.equal(isBinary, false);
    texts.push((data as Buffer).toString());
    for (const look of waits) look();
  });
  const heard = (count: number) =>
    new Promise<readonly string[]>((resolve) => {
      const look = () => {
        if (texts.length < count) return;
        waits.delete(look);
        resolve(texts);
      };
      waits.add(look);
      look();
    });
  await once(socket, 'open');
  await served;
  return { socket, texts, heard, closed: once(socket, 'close') as Promise<[number, Buffer]> };
}

test('a client gets what was said already and what is said then, in order, as JSON texts', async () => {
  feed = new Feed();
  feed.past.push('{"n":0}', '{"n":1}');
  const { socket, heard } = await client();
  for (let n = 2; n < 500; n++) feed.say({ n, text: 'größer 😀' });
  const texts = await heard(500);
  assert.deepEqual(
    texts.map((text) => (JSON.parse(text) as { n: number }).n),
    Array.from({ length: 500 }, (_, n) => n),
  );
  socket.close();
});

test('a client that leaves is forgotten', async () => {
  feed = new Feed();
  const { socket } = await client();
  assert.equal(feed.listeners.size, 1);
  socket.close();
  await feed.left;
  assert.equal(feed.listeners.size, 0);
  feed.say('into the void');
});

test('a client that vanishes is forgotten', async () => {
  feed = new Feed();
  const { socket } = await client();
  socket.terminate();
  await feed.left;
  assert.equal(feed.listeners.size, 0);
});

test('a client that does not read is cut and forgotten, and the others are served', async () => {
  feed = new Feed();
  const slow = await client();
  const quick = await client();
  slow.socket.pause();
  const text = 'x'.repeat(100_000);
  let said = 0;
  while (feed.listeners.size === 2) {
    feed.say(text);
    said++;
    // The quick one is given its time; the slow one would not use it.
    await quick.heard(said);
  }
  assert.equal(feed.listeners.size, 1);
  assert.ok(log.lines.some((line) => line.level === 'warn' && line.message.includes('too slow')));
  feed.say('still here');
  assert.equal((await quick.heard(said + 1)).at(-1), '"still here"');
  slow.socket.resume();
  assert.equal((await slow.closed)[0], 1006);
  quick.socket.close();
});

test('a client that cannot even take what was said already is never subscribed', async () => {
  feed = new Feed();
  // More than sockets buffer by themselves, all in one turn.
  for (let i = 0; i < 30; i++) feed.past.push(JSON.stringify('x'.repeat(1_000_000)));
  const { closed } = await client();
  await closed;
  await feed.left;
  assert.equal(feed.listeners.size, 0);
});

test('what a client says is ignored', async () => {
  feed = new Feed();
  const { socket, heard } = await client();
  for (let i = 0; i < 100; i++) socket.send(`{"type":"@xstate.event","event":{"type":"x${i}"}}`);
  socket.send(Buffer.from([1, 2, 3]));
  feed.say('hello');
  assert.deepEqual(await heard(1), ['"hello"']);
  socket.close();
});

test('a client that says too much at once is cut', async () => {
  feed = new Feed();
  const { socket, closed } = await client();
  socket.send('x'.repeat(1_001));
  assert.equal((await closed)[0], 1009);
  await feed.left;
});

test('a client that was gone before it could be served is not subscribed', async () => {
  feed = new Feed();
  const { closed } = await client();
  const socket = await served;
  socket.terminate();
  await closed;
  await feed.left;
  serveFeed(socket, { limits, log, source: feed });
  assert.equal(feed.listeners.size, 0);
});
