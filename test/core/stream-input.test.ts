/** Streams that go both ways: what who opened one sends to who serves it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problem } from '../../src/core/errors.ts';
import { createStreamServer, type StreamSource } from '../../src/core/stream-server.ts';
import { createStreamReader, type StreamFrame } from '../../src/core/streams.ts';
import { collect, endless, joined, logs, quiet, turns } from './stream-pair.ts';

/** A source as an input: nobody sends it anything. */
function asInput(source: StreamSource): AsyncIterable<unknown> {
  return source(new AbortController().signal, numbers(0));
}

/** Gives back what it is given. */
const echo: StreamSource = (_signal, input) => input;

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
}

/** Reads so many items and leaves. */
async function first(items: AsyncIterable<unknown>, count: number): Promise<unknown[]> {
  const got: unknown[] = [];
  for await (const item of items) if (got.push(item) === count) break;
  return got;
}

test('what goes in comes to the source in order, as much as it reads', async () => {
  const { reader, server, late } = joined({ t: echo });
  assert.deepEqual(
    await first(reader.open(logs, undefined, numbers(2_000)), 1_000),
    Array.from({ length: 1_000 }, (_, i) => i),
  );
  await turns();
  assert.deepEqual([reader.size, server.size, late], [0, 0, []]);
});

test('a source that reads nothing is sent nothing, and its input is not read', async () => {
  const { source, seen } = endless();
  const { reader, toServer } = joined({ t: source });
  const input = endless();
  const got = await first(reader.open(logs, undefined, asInput(input.source)), 500);
  assert.deepEqual([got.length, seen.aborted], [500, true]);
  assert.equal(input.seen.given, 0);
  assert.ok(!toServer.some((frame) => frame.type === 'data'));
});

test('a source that reads slowly holds its input up, and nothing else', async () => {
  const input = endless('x'.repeat(90));
  const slow: StreamSource = async function* (_signal, given) {
    const iterator = given[Symbol.asyncIterator]();
    yield await iterator.next();
    for (;;) {
      await turns(5);
      yield 'tick';
    }
  };
  const quick = endless();
  const { reader, ask } = joined({ t: slow, quick: quick.source });
  const stream = reader.open(logs, undefined, asInput(input.source))[Symbol.asyncIterator]();
  for (let i = 0; i < 5; i++) await stream.next();
  const { given } = input.seen;
  assert.ok(given >= 9 && given <= 13, `${given} of about 100 bytes each, with a window of 1,000`);
  assert.equal((await first(ask('quick'), 1_000)).length, 1_000);
  assert.equal(input.seen.given, given);
  await stream.return?.();
});

test('the end of the input does not end the stream; the end of the stream leaves the input', async () => {
  const sum: StreamSource = async function* (_signal, input) {
    let total = 0;
    for await (const item of input) {
      total += item as number;
      if (item === 9) break;
    }
    await turns();
    yield total;
  };
  const { reader, server } = joined({ t: sum });
  assert.deepEqual(await collect(reader.open(logs, undefined, numbers(10))), [45]);
  const input = endless();
  const one: StreamSource = async function* (_signal, given) {
    yield (await given[Symbol.asyncIterator]().next()).value;
  };
  const other = joined({ t: one });
  assert.deepEqual(await collect(other.reader.open(logs, undefined, asInput(input.source))), ['0']);
  await turns();
  assert.equal(input.seen.ended, true);
  assert.deepEqual([reader.size, server.size, other.reader.size, other.server.size], [0, 0, 0, 0]);
});

test('an input that fails ends the stream with its error, and stops the source', async () => {
  let aborted = false;
  const { reader, server } = joined({
    t: async function* (signal, input) {
      signal.addEventListener('abort', () => (aborted = true));
      yield* input;
    },
  });
  const failing = async function* (): AsyncGenerator<string> {
    yield 'a';
    throw problem('usage', 'the client talks nonsense');
  };
  const got: unknown[] = [];
  await assert.rejects(
    async () => {
      for await (const item of reader.open(logs, undefined, failing())) got.push(item);
    },
    { code: 'usage', message: 'the client talks nonsense' },
  );
  await turns();
  assert.equal(aborted, true);
  assert.deepEqual([reader.size, server.size], [0, 0]);
});

test('when the opener leaves, a source that waits for input is woken', async () => {
  let over = false;
  const { reader, server } = joined({
    t: async function* (_signal, input) {
      for await (const item of input) yield item;
      over = true;
    },
  });
  const leave = new AbortController();
  const reading = collect(reader.open(logs, leave.signal, asInput(quiet().source)));
  await turns();
  leave.abort();
  assert.deepEqual(await reading, []);
  await turns();
  assert.deepEqual([over, server.size], [true, 0]);
});

test('a cut link leaves the input at one end and ends it at the other', async () => {
  const input = endless('x'.repeat(90));
  let over = false;
  const { reader, server } = joined({
    t: async function* (_signal, given) {
      yield 'here';
      for await (const _item of given) await turns(1);
      over = true;
    },
  });
  const iterator = reader.open(logs, undefined, asInput(input.source))[Symbol.asyncIterator]();
  await iterator.next();
  await turns();
  reader.closeAll('gone');
  server.closeAll();
  await assert.rejects(Promise.resolve(iterator.next()), { code: 'cut-off' });
  await turns(100);
  assert.deepEqual([over, input.seen.ended], [true, true]);
});

test('a server that stops tells all readers why', async () => {
  const { reader, server, ask } = joined({ t: quiet().source, u: echo });
  const one = collect(ask('t'));
  const other = collect(reader.open({ ...logs, task: 'u' }, undefined, asInput(quiet().source)));
  await turns();
  server.endAll(problem('cut-off', 'the node stops'));
  await assert.rejects(one, { code: 'cut-off', message: 'the node stops' });
  await assert.rejects(other, { code: 'cut-off', message: 'the node stops' });
  assert.deepEqual([reader.size, server.size], [0, 0]);
});

test('input that was not granted is refused: for a source that takes none, and beyond its window', async () => {
  const sent: StreamFrame[] = [];
  const server = createStreamServer({
    limits: { linkStreamsMax: 2, streamWindowBytes: 100 },
    send: (frame) => sent.push(frame),
    onLateError: (thrown) => assert.fail(String(thrown)),
  });
  const { source, seen } = endless();
  server.serve(1, source);
  server.handle({ type: 'data', stream: 1, items: ['x'] });
  assert.deepEqual(sent, [{ type: 'end', stream: 1, code: 'failed', message: 'this stream takes no input' }]);
  await turns();
  assert.deepEqual([seen.given, server.size], [0, 0]);
  server.serve(2, async function* (_signal, input) {
    const iterator = input[Symbol.asyncIterator]();
    await turns();
    for (;;) yield (await iterator.next()).value;
  });
  server.handle({ type: 'grant', stream: 2, bytes: 10_000 });
  await turns(2);
  for (let i = 0; i < 5; i++) server.handle({ type: 'data', stream: 2, items: ['y'.repeat(60)] });
  await turns(30);
  const end = sent.find((frame) => frame.type === 'end' && frame.stream === 2);
  assert.ok(end?.type === 'end' && end.code === 'failed' && /more than it was granted/.test(end.message ?? ''));
});

test('an error of an input whose stream is over already is told to nobody but the log', async () => {
  const late: unknown[] = [];
  const reader = createStreamReader({
    limits: { streamWindowBytes: 1_000, linkStreamsMax: 1 },
    send: () => undefined,
    onLateError: (thrown) => late.push(thrown),
  });
  let fail: (error: Error) => void = () => undefined;
  const input = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>((_resolve, reject) => (fail = reject)) }) };
  const reading = collect(reader.open(logs, undefined, input));
  reader.handle({ type: 'grant', stream: 1, bytes: 100 });
  await turns();
  reader.handle({ type: 'end', stream: 1 });
  await reading;
  fail(new Error('too late'));
  await turns();
  assert.deepEqual(late.map(String), ['Error: too late']);
});
