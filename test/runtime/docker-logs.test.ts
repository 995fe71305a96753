import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineCutter } from '../../src/runtime/lines.ts';
import { chunksOf, framesOf } from '../../src/runtime/docker/logs.ts';
import type { LogFrame } from '../../src/runtime/docker/logs.ts';
import { jsonLines } from '../../src/runtime/docker/json-lines.ts';
import { never, plainSpec, read, started, workOf } from '../contracts/runtime-harness.ts';
import { skip, withDocker } from './docker-help.ts';

const time = '2026-01-02T03:04:05.678901234Z';

/** A frame as the engine sends it. */
function frame(stream: 1 | 2, payload: Buffer | string): Buffer {
  const bytes = Buffer.from(payload);
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([head, bytes]);
}

/** Cuts bytes at the given places. */
async function* cutAt(bytes: Buffer, places: readonly number[]): AsyncGenerator<Buffer> {
  let from = 0;
  for (const place of [...places.map((one) => one % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    if (place > from) yield bytes.subarray(from, place);
    from = Math.max(from, place);
  }
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

test('frames come out whole wherever the bytes are cut', async () => {
  const oneFrame = fc.record({ stream: fc.constantFrom<1 | 2>(1, 2), text: fc.string({ unit: 'grapheme', maxLength: 40 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(oneFrame, { maxLength: 20 }), fc.array(fc.nat(2_000), { maxLength: 30 }), async (frames, places) => {
      const bytes = Buffer.concat(frames.map(({ stream, text }) => frame(stream, text)));
      const found = await all(framesOf(cutAt(bytes, places)));
      assert.deepEqual(
        found.map(({ stream, payload }) => [stream, payload.toString()]),
        frames.map(({ stream, text }) => [stream === 2 ? 'stderr' : 'stdout', text]),
      );
    }),
  );
});

test('no more is read from the engine than somebody takes', async () => {
  let given = 0;
  async function* source(): AsyncGenerator<Buffer> {
    for (;;) {
      given++;
      yield frame(1, `${time} line\n`);
    }
  }
  const chunks = chunksOf(framesOf(source()), 1_000);
  for (let taken = 1; taken <= 3; taken++) {
    await chunks.next();
    assert.equal(given, taken);
  }
  await chunks.return(undefined);
});

async function* framed(...frames: [LogFrame['stream'], string | Buffer][]): AsyncGenerator<LogFrame> {
  for (const [stream, payload] of frames) yield { stream, payload: Buffer.from(payload) };
}

test("each line has the engine's time, to the millisecond", async () => {
  const chunks = await all(chunksOf(framed(['stdout', `${time} hello world\n`], ['stderr', `${time} oh\n`]), 100));
  const at = Date.parse('2026-01-02T03:04:05.678Z');
  assert.deepEqual(chunks, [
    { stream: 'stdout', text: 'hello world\n', at },
    { stream: 'stderr', text: 'oh\n', at },
  ]);
});

test('a long line, which comes in several frames, is one again, even if a character was cut', async () => {
  const euro = Buffer.from('€');
  const chunks = await all(
    chunksOf(
      framed(
        ['stdout', Buffer.concat([Buffer.from(`${time} a`), euro.subarray(0, 1)])],
        ['stderr', `${time} between\n`],
        ['stdout', Buffer.concat([Buffer.from(`${time} `), euro.subarray(1), Buffer.from('b\n')])],
        ['stdout', `${time} no newline at the end`],
      ),
      100,
    ),
  );
  assert.deepEqual(
    chunks.map(({ stream, text }) => [stream, text]),
    [
      ['stderr', 'between\n'],
      ['stdout', 'a€b\n'],
      ['stdout', 'no newline at the end'],
    ],
  );
});

test('an endless line is handed out in parts and fills no memory', () => {
  const cutter = new LineCutter(100);
  let out = '';
  for (let round = 0; round < 1_000; round++) {
    const text = cutter.push(Buffer.from('x'.repeat(30)));
    assert.ok(text.length <= 130);
    out += text;
  }
  assert.equal(out.length + cutter.end().length, 30_000);
});

test('whatever is cut where, lines add up to the text, and only the last may lack its newline', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(fc.nat(400), { maxLength: 10 }),
      fc.integer({ min: 1, max: 50 }),
      (text, places, max) => {
        const bytes = Buffer.from(text.replaceAll('b', '\n'));
        const whole = bytes.toString();
        const cutter = new LineCutter(max);
        let out = '';
        let from = 0;
        for (const place of [...places.map((one) => one % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
          out += cutter.push(bytes.subarray(from, place));
          from = Math.max(from, place);
        }
        assert.equal(out + cutter.end(), whole);
      },
    ),
  );
});

test('JSON documents are told apart by lines, wherever they are cut', async () => {
  const documents = [{ a: '€' }, { b: [1, 2] }, 'text', 5];
  const bytes = Buffer.from(documents.map((one) => `${JSON.stringify(one)}\r\n`).join('\r\n'));
  for (let size = 1; size < bytes.length; size++) {
    const places = Array.from({ length: Math.floor(bytes.length / size) }, (_, index) => index * size);
    assert.deepEqual(await all(jsonLines(cutAt(bytes, places))), documents);
  }
  await assert.rejects(all(jsonLines(cutAt(Buffer.from('no json\n'), []))), SyntaxError);
  assert.deepEqual(await all(jsonLines(cutAt(Buffer.from('{"a":1}\n{"half'), []))), [{ a: 1 }]);
});

test('both streams, long lines and a last line without its newline come through a real engine', { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const script = 'echo out; echo err >&2; head -c 40000 /dev/zero | tr "\\0" x; echo; printf "€ end"';
    const ref = await started(runtime, workOf(plainSpec({ command: ['sh', '-c', script] })));
    await runtime.wait(ref, never());
    const chunks = await read(runtime, ref);
    const text = (stream: string): string => chunks.map((chunk) => (chunk.stream === stream ? chunk.text : '')).join('');
    assert.equal(text('stdout'), `out\n${'x'.repeat(40_000)}\n€ end`);
    assert.equal(text('stderr'), 'err\n');
  });
});

test('following a container that is removed ends', { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const ref = await started(runtime, workOf(plainSpec({ command: ['sh', '-c', 'echo up; sleep 1000'] })));
    let text = '';
    for await (const chunk of runtime.logs(ref, { follow: true, signal: never() })) {
      text += chunk.text;
      await runtime.remove(ref);
    }
    assert.equal(text, 'up\n');
  });
});
