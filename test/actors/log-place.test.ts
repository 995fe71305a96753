/** Going on in another copy of the same output: each line once, none left out. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { LogPlace } from '../../actors/worker/log-place.ts';
import type { LogChunk } from '../../src/ports/runtime.ts';

const anyChunks: fc.Arbitrary<LogChunk[]> = fc
  .array(
    fc.record({
      stream: fc.constantFrom('stdout' as const, 'stderr' as const),
      gap: fc.constantFrom(0, 0, 1),
      text: fc.string({ minLength: 1 }),
    }),
  )
  .map((list) => {
    let at = 1_000;
    return list.map(({ gap, stream, text }) => ({ stream, text, at: (at += gap) }));
  });

function textOf(chunks: readonly LogChunk[], stream: LogChunk['stream']): string {
  return chunks
    .filter((chunk) => chunk.stream === stream)
    .map(({ text }) => text)
    .join('');
}

test('wherever a reader stops, the rest of another copy is what it lacks', () => {
  fc.assert(
    fc.property(anyChunks, fc.nat(), (chunks, cut) => {
      const place = new LogPlace();
      const read = chunks.slice(0, cut % (chunks.length + 1));
      for (const chunk of read) place.pass(chunk);
      const rest = place.resume();
      const more = chunks.flatMap((chunk) => rest(chunk) ?? []);
      for (const stream of ['stdout', 'stderr'] as const) {
        assert.equal(textOf(read, stream) + textOf(more, stream), textOf(chunks, stream));
      }
    }),
    { seed: 7 },
  );
});

test('a copy that is cut into other pieces is taken up in the middle of one', () => {
  const place = new LogPlace();
  place.pass({ stream: 'stdout', text: 'one\n', at: 5 });
  const rest = place.resume();
  assert.deepEqual(rest({ stream: 'stdout', text: 'one\ntwo\n', at: 5 }), { stream: 'stdout', text: 'two\n', at: 5 });
  assert.deepEqual(rest({ stream: 'stdout', text: 'three\n', at: 5 }), { stream: 'stdout', text: 'three\n', at: 5 });
});

test('who has read nothing gets everything', () => {
  const place = new LogPlace();
  assert.equal(place.at, undefined);
  const chunk = { stream: 'stderr' as const, text: 'x', at: 0 };
  assert.equal(place.resume()(chunk), chunk);
});
