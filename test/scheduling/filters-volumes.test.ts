/** The filters about volumes and files: what nodes know, what they allow, where data is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ask, NodeView } from '../../src/core/placement.ts';
import { recheck } from '../../src/scheduling/recheck.ts';
import { aGroup, aNode, anAsk, aRequest, explain, place, whyNot } from './build.ts';

const able: Partial<NodeView> = { features: ['volumes', 'files'], mounts: ['/srv'] };

/** What recheck says of one node. */
function verdict(node: NodeView, ask: Partial<Ask>): readonly [string, string] | undefined {
  const refused = recheck(node, anAsk({}, ask), []);
  return refused && [refused.filter, refused.detail];
}

function question(nodes: readonly NodeView[], some: Partial<Ask>) {
  const { groups: _groups, ...rest } = aRequest(nodes, []);
  return { ...rest, ask: anAsk({}, some) };
}

test('a node whose Cube or runtime knows no volumes does not take a task that has some, and the reason tells which it is', () => {
  assert.equal(verdict(aNode('a', able), { features: ['volumes', 'files'] }), undefined);
  assert.deepEqual(verdict(aNode('a'), { features: ['volumes'] }), ['feature', 'its version of Cube knows no volumes']);
  assert.deepEqual(verdict(aNode('a', { features: [] }), { features: ['volumes'] }), [
    'feature',
    'its runtime knows no volumes; Docker does',
  ]);
  assert.deepEqual(verdict(aNode('a', { features: ['volumes'] }), { features: ['volumes', 'files'] }), [
    'feature',
    'its runtime knows no secrets and configs; Docker does',
  ]);
  assert.equal(verdict(aNode('a'), {}), undefined, 'who asks for nothing of this goes anywhere');
});

test('a directory of the host must be one that the node allows, or lie in one', () => {
  for (const path of ['/srv', '/srv/x', '/srv/x/y']) assert.equal(verdict(aNode('a', able), { mounts: [path] }), undefined, path);
  for (const path of ['/srvx', '/', '/etc', '/sr']) {
    assert.deepEqual(
      verdict(aNode('a', able), { mounts: [path] }),
      ['mount', `does not allow ${path} (cube up --allow-mount ${path})`],
      path,
    );
  }
  assert.deepEqual(verdict(aNode('a', able), { mounts: ['/srv/x', '/etc'] })?.[1], 'does not allow /etc (cube up --allow-mount /etc)');
  assert.equal(verdict(aNode('a', { mounts: ['/'] }), { mounts: ['/etc'] }), undefined, 'whoever allows the root allows all');
  for (const mounts of [undefined, []]) assert.equal(verdict(aNode('a', { mounts }), { mounts: ['/srv'] })?.[0], 'mount');
});

test('a slot whose data is on a node goes there or nowhere', () => {
  const dataOn = { node: 'id-b', nodeName: 'b', slot: 'shop/db.1' };
  const nodes = ['a', 'b', 'c'].map((name) => aNode(name, { ...able, tasks: name === 'b' ? 100 : 0 }));
  const ask = anAsk({}, { dataOn });
  for (const policy of ['epvm', 'roundrobin', 'spread', 'binpack'] as const) {
    const plan = place(aRequest(nodes, [aGroup(2, ask)], { policy }));
    assert.deepEqual(
      plan.placements.map(({ node }) => node),
      ['id-b', 'id-b'],
      policy,
    );
  }
  const down = nodes.map((node) => (node.name === 'b' ? { ...node, state: 'down' as const } : node));
  const [unplaced] = place(aRequest(down, [aGroup(1, ask)])).unplaced;
  assert.deepEqual(unplaced?.reasons, [
    { filter: 'volume', nodes: 2, detail: 'its volume data is on node b' },
    { filter: 'state', nodes: 1, detail: unplaced?.reasons[1]?.detail },
  ]);
  assert.deepEqual(
    explain(question(nodes, { dataOn })).map(({ node, feasible, filter }) => [node, feasible, filter]),
    [
      ['b', true, undefined],
      ['a', false, 'volume'],
      ['c', false, 'volume'],
    ],
  );
});

test('when the node that had the data was removed, the reason says how to go on without it', () => {
  const dataOn = { node: 'id-gone', nodeName: 'gone', slot: 'shop/db.1' };
  assert.deepEqual(whyNot(question([aNode('a', able)], { dataOn })), [
    {
      filter: 'volume',
      nodes: 1,
      detail: 'its volume data is on node gone, which was removed; `cube volume release shop/db.1` lets it begin anew elsewhere',
    },
  ]);
});

test('what several nodes lack is said of them together, the most frequent first', () => {
  const nodes = [aNode('a'), aNode('b'), aNode('c', { features: [] }), aNode('d', { features: ['volumes'] })];
  assert.deepEqual(whyNot(question(nodes, { features: ['volumes'], mounts: ['/srv/x'] })), [
    { filter: 'feature', nodes: 2, detail: 'their version of Cube knows no volumes' },
    { filter: 'feature', nodes: 1, detail: 'its runtime knows no volumes; Docker does' },
    { filter: 'mount', nodes: 1, detail: 'does not allow /srv/x (cube up --allow-mount /srv/x)' },
  ]);
});

test('tasks of one batch that ask for the same but have their data on different nodes go to different nodes', () => {
  const nodes = ['a', 'b'].map((name) => aNode(name, able));
  const groups = ['a', 'b', 'a'].map((name, at) =>
    aGroup(1, anAsk({}, { dataOn: { node: `id-${name}`, nodeName: name, slot: `shop/db.${at + 1}` } }), `shop${at}`),
  );
  assert.deepEqual(
    place(aRequest(nodes, groups)).placements.map(({ node }) => node),
    ['id-a', 'id-b', 'id-a'],
  );
});
