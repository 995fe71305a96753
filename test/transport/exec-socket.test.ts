import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { problem } from '../../src/core/errors.ts';
import { decodeExecMessage, encodeExecInput, type ExecMessage } from '../../src/core/exec-protocol.ts';
import { out, playServer, usualPlay, type PlayServer } from '../support/exec-server.ts';
import { handClock } from './fixtures.ts';

/** A client that does as the test says. */
async function connect(t: TestContext, { url }: PlayServer) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/exec`);
  const messages: (ExecMessage | undefined)[] = [];
  socket.on('message', (data, isBinary) => {
    assert.equal(isBinary, true);
    messages.push(decodeExecMessage(data as Buffer));
  });
  socket.on('error', () => undefined);
  t.after(() => socket.terminate());
  const closed = once(socket, 'close') as Promise<[number, Buffer]>;
  await once(socket, 'open');
  return { socket, messages, closed };
}

/** Waits for something that comes by itself; a test that waits in vain fails. */
async function until(what: string, look: () => boolean): Promise<void> {
  const giveUpAt = Date.now() + 20_000;
  while (!look()) {
    assert.ok(Date.now() < giveUpAt, `this did not come: ${what}`);
    await sleep(5);
  }
}

const ask = (program: string, ...words: string[]) => JSON.stringify({ task: 'shop/web.1', command: [program, ...words], stdin: true });

function errorIn(messages: readonly (ExecMessage | undefined)[]): string | undefined {
  const last = messages.at(-1);
  return last?.kind === 'error' ? `${last.error.code}: ${last.error.message}` : undefined;
}

test('a session tells that it has started, what the command writes on which stream, and how it ended', async (t) => {
  const server = await playServer(t, usualPlay);
  const { socket, messages } = await connect(t, server);
  socket.send(ask('both'));
  await until('the exit', () => messages.at(-1)?.kind === 'exit');
  assert.deepEqual(
    messages.map((one) => (one?.kind === 'output' ? `${one.stream}: ${Buffer.from(one.bytes).toString()}` : one)),
    [{ kind: 'started' }, 'stdout: to stdout', 'stderr: to stderr', { kind: 'exit', exitCode: 0 }],
  );
  assert.deepEqual(server.commands[0]!.open, { task: 'shop/web.1', command: ['both'], tty: false, stdin: true });
  socket.close();
});

test('input arrives in order, with its end', async (t) => {
  const server = await playServer(t, usualPlay);
  const { socket, messages } = await connect(t, server);
  socket.send(ask('cat'));
  for (let i = 0; i < 100; i++) socket.send(encodeExecInput({ kind: 'bytes', bytes: Buffer.from(`${i},`) }));
  socket.send(encodeExecInput({ kind: 'end' }));
  await until('the exit', () => messages.at(-1)?.kind === 'exit');
  const text = messages.map((one) => (one?.kind === 'output' ? Buffer.from(one.bytes).toString() : '')).join('');
  assert.equal(text, Array.from({ length: 100 }, (_, i) => `${i},`).join(''));
  socket.close();
});

test('a command waits for a client that does not read', async (t) => {
  let given = 0;
  const server = await playServer(t, async function* (_open, _input, { signal }) {
    while (!signal.aborted) yield ((given++, out(Buffer.alloc(65_536))));
  });
  const { socket } = await connect(t, server);
  socket.pause();
  socket.send(ask('flood'));
  await until('the start', () => given > 0);
  for (let quiet = 0, seen = given; quiet < 20; quiet = seen === given ? quiet + 1 : 0, seen = given) await sleep(10);
  assert.ok(given * 65_536 < 64 * 1_048_576, `${given} pieces`);
  const stood = given;
  socket.resume();
  await until('more output', () => given > stood + 100);
});

test('a client that writes faster than its command reads is not read from', async (t) => {
  const server = await playServer(t, async function* (_open, _input, { signal }) {
    yield { kind: 'started' };
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  });
  const { socket } = await connect(t, server);
  socket.send(ask('wait'));
  const piece = encodeExecInput({ kind: 'bytes', bytes: Buffer.alloc(65_536) });
  for (let i = 0; i < 1_000; i++) socket.send(piece);
  for (let quiet = 0, seen = -1; quiet < 20; quiet = seen === socket.bufferedAmount ? quiet + 1 : 0, seen = socket.bufferedAmount)
    await sleep(10);
  assert.ok(socket.bufferedAmount > 30 * 1_048_576, `${socket.bufferedAmount} bytes still lie with the client`);
});

test('a client that leaves, or vanishes, ends its command', async (t) => {
  const server = await playServer(t, usualPlay);
  for (const leave of ['close', 'terminate'] as const) {
    const { socket, messages } = await connect(t, server);
    socket.send(ask('wait'));
    await until('the start', () => messages.length === 1);
    socket[leave]();
    await until('the end', () => server.commands.at(-1)!.over);
    assert.equal(server.commands.at(-1)!.signal.aborted, true);
  }
});

test('a client that vanishes while it is not read from is found out by a ping', async (t) => {
  const server = await playServer(t, usualPlay, { limits: { execPingMs: 20 } });
  const { socket, messages } = await connect(t, server);
  socket.send(ask('wait'));
  await until('the start', () => messages.length === 1);
  const piece = encodeExecInput({ kind: 'bytes', bytes: Buffer.alloc(65_536) });
  for (let i = 0; i < 200; i++) socket.send(piece);
  await sleep(50);
  socket.terminate();
  await until('the end', () => server.commands[0]!.over);
});

test('what is no request is answered with what is wrong, and the session ends', async (t) => {
  const server = await playServer(t, usualPlay);
  const cases: readonly (readonly [string | Uint8Array, RegExp])[] = [
    ['{', /^usage: what is to be run/],
    ['{"task":"t","command":[]}', /^usage: "command"/],
    [Buffer.from([0, 1]), /^usage: the first message/],
  ];
  for (const [first, words] of cases) {
    const { socket, messages } = await connect(t, server);
    socket.send(first);
    await until('the error', () => errorIn(messages) !== undefined);
    assert.match(errorIn(messages)!, words);
    socket.close();
  }
  assert.equal(server.commands.length, 0);
});

test('nonsense in the middle ends the command, and says what it was', async (t) => {
  const server = await playServer(t, usualPlay);
  for (const nonsense of ['text', Buffer.from([7]), Buffer.from([3, 123]), Buffer.alloc(0)]) {
    const { socket, messages } = await connect(t, server);
    socket.send(ask('cat'));
    socket.send(nonsense);
    await until('the error', () => errorIn(messages) !== undefined);
    assert.match(errorIn(messages)!, /^usage: /);
    assert.equal(server.commands.at(-1)!.over, true);
    socket.close();
  }
});

test('an error of the command travels with its code and its words', async (t) => {
  const server = await playServer(t, async function* () {
    yield out('so far');
    throw problem('cut-off', 'the link to the node is lost');
  });
  const { socket, messages } = await connect(t, server);
  socket.send(ask('any'));
  await until('the error', () => errorIn(messages) !== undefined);
  assert.equal(errorIn(messages), 'cut-off: the link to the node is lost');
  assert.equal(messages.length, 2);
  socket.close();
});

test('a client that says nothing is told so and let go, and one that does not leave is made to', async (t) => {
  const clock = handClock();
  const server = await playServer(t, usualPlay, { clock, limits: { execOpenMs: 1_000 } });
  const silent = await connect(t, server);
  await sleep(20);
  await clock.advance(1_000);
  await until('the error', () => errorIn(silent.messages) !== undefined);
  assert.match(errorIn(silent.messages)!, /^timeout: nothing was asked for/);
  await sleep(20);
  await clock.advance(1_000);
  assert.equal((await silent.closed)[0], 1000);
  const staying = await connect(t, server);
  staying.socket.send(ask('exit', '3'));
  await until('the exit', () => staying.messages.at(-1)?.kind === 'exit');
  await sleep(20);
  await clock.advance(1_000);
  assert.equal((await staying.closed)[0], 1000);
});

test('no more sessions than allowed are open at once, and one that ends makes room', async (t) => {
  const server = await playServer(t, usualPlay, { limits: { execSessionsMax: 2 } });
  const first = await connect(t, server);
  await connect(t, server);
  const refused = new WebSocket(`${server.url.replace('http', 'ws')}/v1/exec`);
  refused.on('error', () => undefined);
  const [, response] = (await once(refused, 'unexpected-response')) as [unknown, { statusCode: number; headers: Record<string, string> }];
  assert.deepEqual([response.statusCode, response.headers['retry-after']], [429, '1']);
  refused.terminate();
  first.socket.close();
  await first.closed;
  await sleep(20);
  const { socket, messages } = await connect(t, server);
  socket.send(ask('echo', 'hi'));
  await until('the exit', () => messages.at(-1)?.kind === 'exit');
  socket.close();
});

test('a message that is too large ends the session', async (t) => {
  const server = await playServer(t, usualPlay, { limits: { execMessageBytesMax: 1_000 } });
  const { socket, messages, closed } = await connect(t, server);
  socket.send(ask('cat'));
  await until('the start', () => messages.length === 1);
  socket.send(Buffer.alloc(1_001));
  assert.equal((await closed)[0], 1009);
  await until('the end', () => server.commands[0]!.over);
});

test('a node that stops says so to who is still there', async (t) => {
  const server = await playServer(t, usualPlay);
  const { socket, messages, closed } = await connect(t, server);
  socket.send(ask('wait'));
  await until('the start', () => messages.length === 1);
  void server.stop();
  const [code, reason] = await closed;
  assert.deepEqual([code, reason.toString()], [1001, 'the node stops']);
  await until('the end', () => server.commands[0]!.over);
});
