import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { counted, editDistance, listed, nearest } from '../../src/core/text.ts';

test('edits are counted, a swap of neighbours as one', () => {
  const cases: [string, string, number][] = [
    ['', '', 0],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['cuont', 'count', 1],
    ['ab', 'ba', 1],
    ['ca', 'abc', 3],
  ];
  for (const [a, b, edits] of cases) assert.equal(editDistance(a, b), edits, `${a} ${b}`);
});

test('a distance is the same from both sides, and 0 only for the same text', () => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      assert.equal(editDistance(a, b), editDistance(b, a));
      assert.equal(editDistance(a, b) === 0, a === b);
      assert.ok(editDistance(a, b) <= Math.max(a.length, b.length));
    }),
  );
});

test('the nearest name is found, and none where none is near', () => {
  const names = ['image', 'count', 'command', 'env'];
  assert.equal(nearest('cuont', names), 'count');
  assert.equal(nearest('IMAGE', names), 'image');
  assert.equal(nearest('comand', names), 'command');
  assert.equal(nearest('zebra', names), undefined);
  assert.equal(nearest('', names), undefined);
  assert.equal(nearest('count', []), undefined);
});

test('words are listed and counted as people do', () => {
  assert.deepEqual([listed([]), listed(['a']), listed(['a', 'b']), listed(['a', 'b', 'c'], 'or')], ['', 'a', 'a and b', 'a, b or c']);
  assert.deepEqual(
    [counted(0, 'node'), counted(1, 'node'), counted(2, 'node'), counted(2, 'reply', 'replies')],
    ['0 nodes', '1 node', '2 nodes', '2 replies'],
  );
});
