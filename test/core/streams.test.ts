import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problem } from '../../src/core/errors.ts';
import { createStreamServer, type StreamSource } from '../../src/core/stream-server.ts';
import { createStreamReader, itemBytes, type OpenFrame, type StreamFrame, type StreamRequest } from '../../src/core/streams.ts';

const logs: StreamRequest = { kind: 'logs', task: 't', follow: true };
const turn = () => new Promise((resolve) => setImmediate(resolve));
const turns = async (count = 10) => {
  for (let i = 0; i < count; i++) await turn();
};

/** Both ends of a link's streams, joined in memory; `sources` serves what is asked for by task. */
function joined(sources: Record<string, StreamSource>, limits = { streamWindowBytes: 1_000, linkStreamsMax: 3 }) {
  const toServer: (OpenFrame | StreamFrame)[] = [];
  const toReader: StreamFrame[] = [];
  const late: unknown[] = [];
  const server = createStreamServer({
    limits,
    onLateError: (thrown) => late.push(thrown),
    send: (frame) => {
      toReader.push(frame);
      queueMicrotask(() => reader.handle(frame));
    },
  });
  const reader = createStreamReader({
    limits,
    send: (frame) => {
      toServer.push(frame);
      queueMicrotask(() => {
        if (frame.type === 'open') server.serve(frame.stream, sources[frame.what.task]!);
        else server.handle(frame);
      });
    },
  });
  return { reader, server, toServer, toReader, late, ask: (task: string, signal?: AbortSignal) => reader.open({ ...logs, task }, signal) };
}

async function collect(items: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** A source that gives numbers for ever, counts them, and knows whether it was told to stop. */
function endless(text = '') {
  const seen = { given: 0, aborted: false, ended: false };
  const source: StreamSource = async function* (signal) {
    signal.addEventListener('abort', () => (seen.aborted = true));
    try {
      for (;;) yield `${seen.given++}${text}`;
    } finally {
      seen.ended = true;
    }
  };
  return { source, seen };
}

/** A source that never gives anything and ends only when it is told to. */
function quiet() {
  const seen = { aborted: false };
  const source: StreamSource = (signal) => ({
    [Symbol.asyncIterator]: () => ({
      next: () =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            seen.aborted = true;
            reject(signal.reason as Error);
          });
        }),
    }),
  });
  return { source, seen };
}

test('a stream brings all items in order, then ends', async () => {
  const items = Array.from({ length: 500 }, (_, i) => ({ stream: 'stdout', text: `line ${i}\n`, at: i }));
  const { ask, reader, server, toServer } = joined({
    t: async function* () {
      for (const item of items) yield item;
    },
  });
  assert.deepEqual(await collect(ask('t')), items);
  assert.deepEqual([reader.size, server.size], [0, 0]);
  assert.ok(toServer.filter((frame) => frame.type === 'grant').length > 5, 'more than one window was granted');
  assert.ok(!toServer.some((frame) => frame.type === 'end'), 'who ends is not told that it ended');
});

test('an empty stream is just over', async () => {
  const { ask } = joined({ t: async function* () {} });
  assert.deepEqual(await collect(ask('t')), []);
});

test('nothing is opened before somebody reads', async () => {
  const { ask, toServer } = joined({});
  ask('t');
  await turns();
  assert.deepEqual(toServer, []);
});

test('a stream is read only once', async () => {
  const { ask } = joined({ t: async function* () {} });
  const stream = ask('t');
  await collect(stream);
  await assert.rejects(collect(stream), { code: 'failed', message: /only once/ });
});

test('an error of the source reaches the reader with its code, after the items before it', async () => {
  const { ask } = joined({
    t: async function* () {
      yield 1;
      throw problem('not-found', 'no such task');
    },
    u: () => {
      throw new Error('cannot even start');
    },
  });
  const got: unknown[] = [];
  await assert.rejects(
    async () => {
      for await (const item of ask('t')) got.push(item);
    },
    { name: 'CubeError', code: 'not-found', message: 'no such task' },
  );
  assert.deepEqual(got, [1]);
  await assert.rejects(collect(ask('u')), { code: 'failed', message: 'cannot even start' });
});

test('a code that this version does not know counts as failed', async () => {
  const sent: (OpenFrame | StreamFrame)[] = [];
  const reader = createStreamReader({ limits: { streamWindowBytes: 100, linkStreamsMax: 1 }, send: (frame) => sent.push(frame) });
  const reading = collect(reader.open(logs));
  reader.handle({ type: 'end', stream: 1, code: 'of-tomorrow' as never });
  await assert.rejects(reading, { code: 'failed' });
});

test('leaving the loop ends the stream at both ends and stops the source', async () => {
  const { source, seen } = endless();
  const { ask, reader, server, late } = joined({ t: source });
  for await (const item of ask('t')) if (item === '3') break;
  await turns();
  assert.deepEqual([reader.size, server.size], [0, 0]);
  assert.deepEqual([seen.aborted, seen.ended], [true, true]);
  assert.deepEqual(late, []);
});

test('a source gives no more than was granted while nobody reads, and goes on when somebody does', async () => {
  const { source, seen } = endless('x'.repeat(90));
  const { ask } = joined({ t: source });
  const iterator = ask('t')[Symbol.asyncIterator]();
  await iterator.next();
  await turns();
  const given = seen.given;
  assert.ok(given >= 9 && given <= 13, `${given} of about 100 bytes each, with a window of 1,000`);
  await turns();
  assert.equal(seen.given, given);
  for (let i = 0; i < 5; i++) await iterator.next();
  await turns();
  assert.ok(seen.given > given);
  await iterator.return?.();
});

test('a slow reader holds up nobody else', async () => {
  const slow = endless('x'.repeat(90));
  const quick = endless('y'.repeat(90));
  const { ask } = joined({ slow: slow.source, quick: quick.source });
  const slowReader = ask('slow')[Symbol.asyncIterator]();
  await slowReader.next();
  let read = 0;
  for await (const item of ask('quick')) {
    assert.match(String(item), /y$/);
    if (++read === 1_000) break;
  }
  assert.ok(slow.seen.given < 15);
  await slowReader.return?.();
});

test('an item larger than the window passes', async () => {
  const big = 'x'.repeat(5_000);
  const { ask } = joined({
    t: async function* () {
      yield big;
      yield big;
      yield 'end';
    },
  });
  assert.deepEqual(await collect(ask('t')), [big, big, 'end']);
});

test('items without content are not free: a reader that sleeps is not flooded with them', async () => {
  let given = 0;
  const { ask } = joined({
    t: async function* () {
      for (;;) {
        given++;
        yield null;
      }
    },
  });
  const iterator = ask('t')[Symbol.asyncIterator]();
  await iterator.next();
  await turns(50);
  assert.ok(given < 200);
  await iterator.return?.();
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

test('several calls of next() are answered in order', async () => {
  const { ask } = joined({
    t: async function* () {
      yield 'a';
      yield 'b';
    },
  });
  const iterator = ask('t')[Symbol.asyncIterator]();
  const steps = await Promise.all([iterator.next(), iterator.next(), iterator.next(), iterator.next()]);
  assert.deepEqual(
    steps.map((step) => step.value as unknown),
    ['a', 'b', undefined, undefined],
  );
  assert.deepEqual(
    steps.map((step) => step.done),
    [false, false, true, true],
  );
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
    limits: { linkStreamsMax: 2 },
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
    limits: { linkStreamsMax: 2 },
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

test('both ends count an item the same, whatever it holds', () => {
  assert.equal(itemBytes('abc'), 11);
  assert.equal(itemBytes(null), 8);
  assert.equal(itemBytes({ text: 'abc', at: 1 }), 8 + 11 + 8);
  assert.equal(itemBytes(new Uint8Array(100)), 108);
  assert.equal(itemBytes(['a', ['b']]), 8 + 9 + 8 + 9);
  const deep: { inner?: unknown } = {};
  let at = deep;
  for (let i = 0; i < 100_000; i++) at = at.inner = {} as { inner?: unknown };
  assert.ok(itemBytes(deep) < 1_000);
});

test('a window of no bytes still lets items through, one by one', async () => {
  const { ask } = joined(
    {
      t: async function* () {
        yield* ['a', 'b', 'c'];
      },
    },
    { streamWindowBytes: 0, linkStreamsMax: 1 },
  );
  assert.deepEqual(await collect(ask('t')), ['a', 'b', 'c']);
});
