import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { comesBefore, RowHeap } from '../../src/scheduling/placing/heap.ts';

const scores = fc.array(fc.constantFrom(0, 1, 2, 3, Number.POSITIVE_INFINITY));

/** Ranks that are not the rows themselves. */
function ranksOf(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, row) => count - 1 - row);
}

function heapOf(values: readonly number[]): RowHeap {
  return new RowHeap(
    Int32Array.from(values, (_, row) => row),
    Float64Array.from(values),
    ranksOf(values.length),
  );
}

test('the heap gives its rows by score, equal ones by rank', () => {
  fc.assert(
    fc.property(scores, (values) => {
      const heap = heapOf(values);
      const ranks = ranksOf(values.length);
      const out: number[] = [];
      for (let row = heap.top; row >= 0; row = heap.top) {
        assert.equal(heap.topScore, values[row]);
        out.push(row);
        heap.removeTop();
      }
      const rows = values.map((_, row) => row);
      assert.deepEqual(
        out,
        rows.toSorted((a, b) => (comesBefore(values[a]!, ranks[a]!, values[b]!, ranks[b]!) ? -1 : 1)),
      );
    }),
    { numRuns: 500 },
  );
});

test('a top that gets another score finds its new place', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1 }), fc.array(fc.integer({ min: 1, max: 9 })), (numbers, steps) => {
      const values = [...numbers];
      const heap = heapOf(values);
      for (const step of steps) {
        assert.equal(heap.topScore, Math.min(...values));
        values[heap.top]! += step;
        heap.settleTop(values[heap.top]!);
      }
    }),
    { numRuns: 500 },
  );
});

test('an empty heap has no top, and removing from it changes nothing', () => {
  const heap = heapOf([]);
  heap.removeTop();
  assert.deepEqual([heap.top, heap.topScore], [-1, Number.POSITIVE_INFINITY]);
});
