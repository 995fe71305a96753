import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup, aNode, amounts, anAsk, aRequest, place } from './build.ts';

const policy = 'roundrobin' as const;
const three = [aNode('c'), aNode('a'), aNode('b')];

function nodesOf(plan: ReturnType<typeof place>): string[] {
  return plan.placements.map(({ node }) => node.slice('id-'.length));
}

test('tasks go around the nodes in the order given, from the one after the cursor', () => {
  const plan = place(aRequest(three, [aGroup(5)], { policy, cursor: 0 }));
  assert.deepEqual(nodesOf(plan), ['a', 'b', 'c', 'a', 'b']);
  assert.equal(plan.cursor, 2);
});

test('the next batch goes on where the last one stopped', () => {
  const first = place(aRequest(three, [aGroup(2)], { policy }));
  const second = place(aRequest(three, [aGroup(2, anAsk(), 'next')], { policy, cursor: first.cursor }));
  assert.deepEqual(
    [nodesOf(first), nodesOf(second)],
    [
      ['c', 'a'],
      ['b', 'c'],
    ],
  );
});

test('the next group of a batch goes on where the last one stopped', () => {
  const plan = place(aRequest(three, [aGroup(2), aGroup(2, anAsk({ cpu: 0.1 }), 'other')], { policy }));
  assert.deepEqual(nodesOf(plan), ['c', 'a', 'b', 'c']);
});

test('nodes that cannot take the task are stepped over, and load does not matter', () => {
  const nodes = [
    aNode('a', { state: 'down' }),
    aNode('b', { used: amounts({ cpu: 4 }), tasks: 200 }),
    aNode('c', { reserved: amounts({ cpu: 4 }) }),
    aNode('d'),
  ];
  const plan = place(aRequest(nodes, [aGroup(4, anAsk({ cpu: 0.5 }))], { policy }));
  assert.deepEqual(nodesOf(plan), ['b', 'd', 'b', 'd']);
});

test('a node that fills up drops out of the circle, and nothing else moves', () => {
  const nodes = [aNode('a'), aNode('b', { slotsMax: 1 }), aNode('c')];
  const plan = place(aRequest(nodes, [aGroup(6)], { policy }));
  assert.deepEqual(nodesOf(plan), ['a', 'b', 'c', 'a', 'c', 'a']);
});

test('a cursor of a larger cluster still works', () => {
  assert.deepEqual(nodesOf(place(aRequest(three, [aGroup(1)], { policy, cursor: 7 }))), ['b']);
});

test('a batch that places nothing leaves the cursor where it was', () => {
  const plan = place(aRequest([aNode('a', { state: 'down' })], [aGroup(1)], { policy, cursor: 4 }));
  assert.equal(plan.cursor, 4);
  assert.equal(plan.unplaced.length, 1);
});

test('the score counts the steps from where the group began', () => {
  const plan = place(aRequest(three, [aGroup(4)], { policy }));
  assert.deepEqual(
    plan.placements.map(({ score }) => score),
    [1, 2, 3, 4],
  );
});
