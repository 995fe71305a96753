import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { openSocket } from '../../src/client/node-socket.ts';
import type { RemoteCommand } from '../../src/client/index.ts';
import { problem } from '../../src/core/errors.ts';
import { limitsWith } from '../../src/core/limits.ts';
import { out, playServer, usualPlay } from '../support/exec-server.ts';
import { clientOf } from './harness.ts';

const limits = limitsWith({ linkCloseMs: 200 });

/** A client with WebSockets. */
function client(url: string, token = 'admin-token') {
  return clientOf(url, { token, limits, connect: (path, signal) => openSocket({ url, token, path, signal, limits }) });
}

/** All that a command writes, by stream. */
async function written(remote: RemoteCommand) {
  const all = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  for await (const { stream, bytes } of remote.output) all[stream].push(bytes);
  return { stdout: Buffer.concat(all.stdout), stderr: Buffer.concat(all.stderr), exitCode: remote.exitCode };
}

test('a command gives its output and its exit code, and the token goes along', async (t) => {
  const server = await playServer(t, usualPlay);
  const both = await written(await client(server.url).exec('shop/web.1', { command: ['both'] }));
  assert.deepEqual([both.stdout.toString(), both.stderr.toString(), both.exitCode], ['to stdout', 'to stderr', 0]);
  assert.equal((await written(await client(server.url).exec('t', { command: ['exit', '255'] }))).exitCode, 255);
  assert.deepEqual(server.credentials, ['Bearer admin-token', 'Bearer admin-token']);
  assert.deepEqual(server.commands[0]!.open, { task: 'shop/web.1', command: ['both'], tty: false, stdin: false });
});

test('input of any size goes through as it is, however slowly it is read', async (t) => {
  const server = await playServer(t, usualPlay);
  const remote = await client(server.url).exec('t', { command: ['cat'], stdin: true });
  const input = Buffer.alloc(3_000_001, 'some bytes, ');
  const writing = remote.write(input).then(() => remote.endInput());
  const { stdout, exitCode } = await written(remote);
  await writing;
  assert.ok(stdout.equals(input));
  assert.equal(exitCode, 0);
});

test('a writer waits for a command that does not read', async (t) => {
  const server = await playServer(t, usualPlay);
  const remote = await client(server.url).exec('t', { command: ['wait'], stdin: true });
  let wrote = false;
  const writing = remote.write(Buffer.alloc(64 * 1_048_576)).then(() => (wrote = true));
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(wrote, false);
  remote.close();
  await writing;
});

test('sizes of a terminal go along and after', async (t) => {
  const server = await playServer(t, usualPlay);
  const remote = await client(server.url).exec('t', { command: ['resized'], tty: true, stdin: true, size: { columns: 80, rows: 24 } });
  remote.resize({ columns: 132, rows: 43 });
  remote.endInput();
  assert.equal((await written(remote)).stdout.toString(), '80x24 132x43 ');
});

test('an error before the start is thrown at once, one after it when output is read', async (t) => {
  const server = await playServer(t, async function* ({ task }) {
    if (task === 'early') throw problem('not-running', 'it is pending', { hint: 'wait' });
    yield { kind: 'started' };
    yield out('some');
    throw problem('cut-off', 'the node stops');
  });
  await assert.rejects(client(server.url).exec('early', { command: ['x'] }), {
    code: 'not-running',
    message: 'it is pending',
    hint: 'wait',
  });
  const remote = await client(server.url).exec('late', { command: ['x'] });
  assert.throws(() => remote.exitCode, { code: 'conflict' });
  await assert.rejects(written(remote), { code: 'cut-off', message: 'the node stops' });
  assert.throws(() => remote.exitCode, { code: 'conflict' });
});

test('a node that goes away in the middle is told as what it is', async (t) => {
  const server = await playServer(t, usualPlay);
  const remote = await client(server.url).exec('t', { command: ['wait'] });
  const reading = written(remote);
  void server.stop();
  await assert.rejects(reading, { code: 'unreachable', message: 'the session has ended: the node stops' });
  await remote.write(Buffer.from('into the void'));
  remote.endInput();
});

test('a refusal at the door is thrown with the code of the node', async (t) => {
  const server = await playServer(t, usualPlay, { door: () => problem('forbidden', 'a viewer token may look, not change') });
  await assert.rejects(client(server.url).exec('t', { command: ['x'] }), { code: 'forbidden', message: /viewer token/ });
});

test('an address where nobody listens, or somebody else does, is unreachable', async () => {
  const silent = createServer((socket) => socket.resume().end('SSH-2.0\r\n\r\n'));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  await assert.rejects(client(`http://127.0.0.1:${port}`).exec('t', { command: ['x'] }), { code: 'unreachable' });
  await new Promise((resolve) => silent.close(resolve));
  await assert.rejects(client(`http://127.0.0.1:${port}`).exec('t', { command: ['x'] }), {
    code: 'unreachable',
    message: /connection refused/,
  });
});

test('a signal gives up the start, or ends the session', async (t) => {
  const server = await playServer(t, async function* (open, input, command) {
    if (open.task === 'never') await new Promise((resolve) => command.signal.addEventListener('abort', resolve));
    yield* usualPlay(open, input, command);
  });
  const reason = new Error('enough');
  await assert.rejects(client(server.url).exec('t', { command: ['x'], signal: AbortSignal.abort(reason) }), reason);
  const early = new AbortController();
  const starting = client(server.url).exec('never', { command: ['x'], signal: early.signal });
  setTimeout(() => early.abort(reason), 100);
  await assert.rejects(starting, reason);
  const late = new AbortController();
  const remote = await client(server.url).exec('t', { command: ['wait'], signal: late.signal });
  const reading = written(remote);
  late.abort(reason);
  await assert.rejects(reading, reason);
});

test('who reads no further ends the session', async (t) => {
  const server = await playServer(t, usualPlay);
  const remote = await client(server.url).exec('t', { command: ['flood'] });
  for await (const { bytes } of remote.output) if (bytes.length > 0) break;
  while (!server.commands[0]!.over) await new Promise((resolve) => setTimeout(resolve, 5));
});

test('a client without WebSockets says that it cannot', async () => {
  await assert.rejects(clientOf('http://127.0.0.1:1').exec('t', { command: ['x'] }), { code: 'usage', message: /WebSockets/ });
});
