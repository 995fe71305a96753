import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problem } from '../../src/core/errors.ts';
import { createStreamReader, itemBytes, type OpenFrame, type StreamFrame } from '../../src/core/streams.ts';
import { collect, endless, joined, logs, turns } from './stream-pair.ts';

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
