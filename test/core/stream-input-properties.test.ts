/** Streams that go both ways, with whatever order of frames. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createStreamServer, type StreamSource } from '../../src/core/stream-server.ts';
import { createStreamReader, type OpenFrame, type StreamFrame } from '../../src/core/streams.ts';
import { collect, endless, logs, taskIn, turns } from './stream-pair.ts';

async function* nothing(): AsyncGenerator<never> {}

/** Both ends with the frames in two queues, which the test delivers one by one in whatever order of the two, until it cuts them. */
function wires(sources: readonly StreamSource[], windowBytes: number) {
  const limits = { streamWindowBytes: windowBytes, linkStreamsMax: sources.length };
  const queues: { toServer: (OpenFrame | StreamFrame)[]; toReader: StreamFrame[] } = { toServer: [], toReader: [] };
  const server = createStreamServer({ limits, send: (frame) => queues.toReader.push(frame), onLateError: () => undefined });
  const reader = createStreamReader({ limits, send: (frame) => queues.toServer.push(frame) });
  const deliver = (toServer: boolean) => {
    if (toServer) {
      const frame = queues.toServer.shift();
      if (frame?.type === 'open') server.serve(frame.stream, sources[Number(taskIn(frame.what))]!);
      else if (frame) server.handle(frame);
    } else {
      const frame = queues.toReader.shift();
      if (frame) reader.handle(frame);
    }
  };
  return { reader, server, deliver };
}

test('whatever the order of frames, sizes and windows, each stream brings back what went in, and never holds more than its windows', async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 30 });
  const streams = fc.array(sizes, { minLength: 1, maxLength: 4 });
  const order = fc.array(fc.boolean(), { maxLength: 300 });
  await fc.assert(
    fc.asyncProperty(streams, order, fc.integer({ min: 0, max: 1_000 }), async (all, script, windowBytes) => {
      let inside = 0;
      let insideMax = 0;
      const source: StreamSource = async function* (_signal, input) {
        for await (const item of input) {
          if (item === 'end') return;
          yield item;
        }
      };
      const { reader, server, deliver } = wires(
        all.map(() => source),
        windowBytes,
      );
      const readings = all.map(async (items, task) => {
        const input = async function* (): AsyncGenerator<string> {
          for (const size of items) {
            insideMax = Math.max(insideMax, ++inside);
            yield 'x'.repeat(size);
          }
          yield 'end';
          // An input that goes on does not keep a stream that has ended.
          for (;;) yield 'more';
        };
        const got: number[] = [];
        for await (const item of reader.open({ ...logs, task: String(task) }, undefined, input())) {
          inside--;
          got.push((item as string).length);
        }
        return got;
      });
      let over = false;
      const done = Promise.all(readings).finally(() => (over = true));
      for (let step = 0; !over; step++) {
        deliver(script[step % (script.length + 1)] ?? step % 2 === 0);
        deliver(step % 2 === 0);
        await turns(1);
        assert.ok(step < 10_000, 'it goes on');
      }
      assert.deepEqual(await done, all);
      // Of each stream: two windows, of which every item takes 8 bytes at least, an item over each, and those being read.
      assert.ok(insideMax <= all.length * (2 * (Math.max(1, windowBytes) / 8 + 1) + 4));
      for (let i = 0; i < 20; i++) deliver(i % 2 === 0);
      assert.deepEqual([reader.size, server.size], [0, 0]);
    }),
    { numRuns: 60 },
  );
});

test('cut at any moment, both ends let go of everything', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 60 }), fc.boolean(), async (script, readerFirst) => {
      const input = endless('x'.repeat(50));
      const ended: string[] = [];
      const source: StreamSource = async function* (signal, given) {
        try {
          yield* given;
        } finally {
          ended.push(signal.aborted ? 'aborted' : 'not aborted');
        }
      };
      const { reader, server, deliver } = wires([source], 300);
      const reading = collect(reader.open({ ...logs, task: '0' }, undefined, input.source(new AbortController().signal, nothing())));
      reading.catch(() => undefined);
      for (const toServer of script) {
        deliver(toServer);
        await turns(1);
      }
      const began = server.size === 1 && input.seen.given > 0;
      if (readerFirst) reader.closeAll('cut');
      server.closeAll();
      if (!readerFirst) reader.closeAll('cut');
      await assert.rejects(reading, { code: 'cut-off' });
      await turns();
      assert.deepEqual([reader.size, server.size], [0, 0]);
      if (began) assert.deepEqual([input.seen.ended, ended], [true, ['aborted']]);
    }),
    { numRuns: 60 },
  );
});
