import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createStreamServer } from '../../src/core/stream-server.ts';
import { createStreamReader, type OpenFrame, type StreamFrame } from '../../src/core/streams.ts';
import { collect, endless, joined, logs, quiet, turns } from './stream-pair.ts';

test('leaving the loop ends the stream at both ends and stops the source', async () => {
  const { source, seen } = endless();
  const { ask, reader, server, late } = joined({ t: source });
  for await (const item of ask('t')) if (item === '3') break;
  await turns();
  assert.deepEqual([reader.size, server.size], [0, 0]);
  assert.deepEqual([seen.aborted, seen.ended], [true, true]);
  assert.deepEqual(late, []);
});

test('a cut link ends reading with an error, after what had come, and stops the source', async () => {
  const { source, seen } = endless('x'.repeat(90));
  const { ask, reader, server } = joined({ t: source });
  const iterator = ask('t')[Symbol.asyncIterator]();
  assert.equal((await iterator.next()).done, false);
  await turns();
  reader.closeAll('the worker is out of reach');
  server.closeAll();
  let more = 0;
  await assert.rejects(
    async () => {
      while (!(await iterator.next()).done) more++;
    },
    { code: 'cut-off', message: 'the worker is out of reach' },
  );
  assert.ok(more > 5, 'what was here already is read');
  assert.deepEqual(await iterator.next(), { done: true, value: undefined });
  await turns();
  assert.deepEqual([seen.aborted, seen.ended], [true, true]);
  assert.deepEqual([reader.size, server.size], [0, 0]);
});

test('a cut link wakes a reader that waits', async () => {
  const { source, seen } = quiet();
  const { ask, reader, server, late } = joined({ t: source });
  const reading = collect(ask('t'));
  await turns();
  reader.closeAll('gone');
  server.closeAll();
  await assert.rejects(reading, { code: 'cut-off' });
  assert.equal(seen.aborted, true);
  await turns();
  assert.deepEqual(late, [], 'that a source answers its signal with an AbortError is expected');
});

test('after the link is cut nothing can be opened or served', async () => {
  const { ask, reader, server, toReader } = joined({ t: endless().source });
  reader.closeAll('gone');
  server.closeAll();
  await assert.rejects(collect(ask('t')), { code: 'cut-off', message: 'gone' });
  server.serve(9, endless().source);
  await turns();
  assert.deepEqual(toReader, []);
});

test('a signal ends a stream that waits, without an error, and stops its source', async () => {
  const { source, seen } = quiet();
  const { ask, reader, server } = joined({ t: source });
  const controller = new AbortController();
  const reading = collect(ask('t', controller.signal));
  await turns();
  assert.deepEqual([reader.size, server.size], [1, 1]);
  controller.abort();
  assert.deepEqual(await reading, []);
  await turns();
  assert.equal(seen.aborted, true);
  assert.deepEqual([reader.size, server.size], [0, 0]);
});

test('a signal that fired before opens nothing', async () => {
  const { ask, toServer } = joined({ t: endless().source });
  assert.deepEqual(await collect(ask('t', AbortSignal.abort())), []);
  assert.deepEqual(toServer, []);
});

test('return() takes effect while a next() waits', async () => {
  const { source, seen } = quiet();
  const { ask } = joined({ t: source });
  const iterator = ask('t')[Symbol.asyncIterator]();
  const waiting = iterator.next();
  await turns();
  assert.deepEqual(await iterator.return?.(), { done: true, value: undefined });
  assert.deepEqual(await waiting, { done: true, value: undefined });
  await turns();
  assert.equal(seen.aborted, true);
});

test('a source that does not heed its signal is not waited for, and its late error is told', async () => {
  let fail: (error: Error) => void = () => undefined;
  const { ask, server, late } = joined({
    t: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise((_resolve, reject) => (fail = reject)) }) }),
  });
  const iterator = ask('t')[Symbol.asyncIterator]();
  const waiting = iterator.next();
  await turns();
  await iterator.return?.();
  await waiting;
  await turns();
  assert.equal(server.size, 0);
  fail(new Error('the engine broke'));
  await turns();
  assert.deepEqual(late.map(String), ['Error: the engine broke']);
});

test('more streams than allowed are refused at either end, and one that ends makes room', async () => {
  const { ask, reader } = joined({ t: quiet().source });
  const controllers = [1, 2, 3].map(() => new AbortController());
  const readings = controllers.map((controller) => collect(ask('t', controller.signal)));
  await turns();
  assert.equal(reader.size, 3);
  await assert.rejects(collect(ask('t')), { code: 'busy' });
  controllers[0]!.abort();
  await turns();
  const fourth = new AbortController();
  const reading = collect(ask('t', fourth.signal));
  await turns();
  for (const controller of [...controllers, fourth]) controller.abort();
  await Promise.all([...readings, reading]);
});

test('a peer that opens too many streams, or one twice, gets an end with the reason', async () => {
  const sent: StreamFrame[] = [];
  const server = createStreamServer({
    limits: { linkStreamsMax: 2, streamWindowBytes: 1_000 },
    send: (frame) => sent.push(frame),
    onLateError: (thrown) => assert.fail(String(thrown)),
  });
  server.serve(1, quiet().source);
  server.serve(1, quiet().source);
  server.serve(2, quiet().source);
  server.serve(3, quiet().source);
  assert.deepEqual(
    sent.map((frame) => (frame.type === 'end' ? [frame.stream, frame.code] : frame)),
    [
      [1, 'conflict'],
      [3, 'busy'],
    ],
  );
  server.closeAll();
});

test('a sender that sends more than it was granted is ended', async () => {
  const sent: (OpenFrame | StreamFrame)[] = [];
  const reader = createStreamReader({ limits: { streamWindowBytes: 100, linkStreamsMax: 1 }, send: (frame) => sent.push(frame) });
  const iterator = reader.open(logs)[Symbol.asyncIterator]();
  const flood = 'x'.repeat(200);
  reader.handle({ type: 'data', stream: 1, items: [flood] });
  reader.handle({ type: 'data', stream: 1, items: [flood, flood, flood] });
  assert.deepEqual(sent.at(-1), { type: 'end', stream: 1 });
  assert.equal((await iterator.next()).value, flood);
  await assert.rejects(Promise.resolve(iterator.next()), { code: 'failed', message: /more than it was granted/ });
  assert.equal(reader.size, 0);
});

test('frames of streams that are over, or never were, are ignored', async () => {
  const { ask, reader, server } = joined({ t: async function* () {} });
  await collect(ask('t'));
  for (const stream of [1, 99]) {
    for (const end of [reader, server]) {
      end.handle({ type: 'data', stream, items: [1] });
      end.handle({ type: 'grant', stream, bytes: 5 });
      end.handle({ type: 'end', stream });
    }
  }
});

test('a stream id that is used again does not take the end of the one before', async () => {
  const sent: StreamFrame[] = [];
  const late: unknown[] = [];
  const server = createStreamServer({
    limits: { linkStreamsMax: 2, streamWindowBytes: 1_000 },
    send: (frame) => sent.push(frame),
    onLateError: (thrown) => late.push(thrown),
  });
  server.serve(1, endless().source);
  server.handle({ type: 'end', stream: 1 });
  server.serve(1, quiet().source);
  await turns();
  assert.equal(server.size, 1);
  assert.deepEqual(sent, []);
  server.closeAll();
});
