import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Heap } from '../../src/scheduling/heap.ts';

test('the heap gives its items in order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (numbers) => {
      const heap = new Heap(numbers, (a, b) => a < b);
      const out: number[] = [];
      for (let top = heap.top; top !== undefined; top = heap.top) {
        out.push(top);
        heap.removeTop();
      }
      assert.deepEqual(
        out,
        numbers.toSorted((a, b) => a - b),
      );
    }),
    { numRuns: 500 },
  );
});

test('a top that changes finds its new place', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1 }), fc.array(fc.integer({ min: 1, max: 9 })), (numbers, steps) => {
      const items = numbers.map((value) => ({ value }));
      const heap = new Heap(items, (a, b) => a.value < b.value);
      for (const step of steps) {
        assert.equal(heap.top!.value, Math.min(...items.map(({ value }) => value)));
        heap.top!.value += step;
        heap.settleTop();
      }
    }),
    { numRuns: 500 },
  );
});

test('an empty heap has no top, and removing from it changes nothing', () => {
  const heap = new Heap<number>([], (a, b) => a < b);
  heap.removeTop();
  heap.settleTop();
  assert.equal(heap.top, undefined);
});
