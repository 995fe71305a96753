import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup, aNode, amounts, anAsk, aRequest, GiB, tally, place } from './build.ts';

test('100 identical tasks spread evenly over 4 equal nodes', () => {
  const nodes = ['a', 'b', 'c', 'd'].map((name) => aNode(name));
  const plan = place(aRequest(nodes, [aGroup(100, anAsk({ cpu: 0.1, memoryBytes: GiB / 64 }))]));
  assert.deepEqual(tally(plan.placements), { 'id-a': 25, 'id-b': 25, 'id-c': 25, 'id-d': 25 });
});

test('a task goes to a node that it avoids only when no other has room', () => {
  const nodes = [aNode('bad'), aNode('small', { slotsMax: 2 })];
  for (const policy of ['epvm', 'roundrobin'] as const) {
    const plan = place(aRequest(nodes, [aGroup(5, anAsk({}, { avoid: ['id-bad'] }))], { policy }));
    assert.deepEqual(
      plan.placements.map(({ node }) => node),
      ['id-small', 'id-small', 'id-bad', 'id-bad', 'id-bad'],
      policy,
    );
    assert.deepEqual(tally(place(aRequest([aNode('bad')], [aGroup(2, anAsk({}, { avoid: ['id-bad'] }))], { policy })).placements), {
      'id-bad': 2,
    });
  }
});

test('tasks that reserve nothing spread, too: by their slots', () => {
  const nodes = ['a', 'b', 'c', 'd'].map((name) => aNode(name));
  assert.deepEqual(tally(place(aRequest(nodes, [aGroup(100)])).placements), { 'id-a': 25, 'id-b': 25, 'id-c': 25, 'id-d': 25 });
});

test('a smaller node gets fewer tasks: as many as leave it emptier by the log of how much smaller it is', () => {
  const half = aNode('small', { capacity: amounts({ cpu: 200, memoryBytes: 200 * GiB }), slotsMax: 500_000 });
  const whole = { capacity: amounts({ cpu: 400, memoryBytes: 400 * GiB }), slotsMax: 1_000_000 };
  const nodes = [aNode('a', whole), half, aNode('b', whole)];
  const group = aGroup(5_000, anAsk({ cpu: 0.1, memoryBytes: GiB / 10 }));
  // Marginal costs are equal where base^(u of a) / 2 = base^(u of small), so the distance is log 2 to that base.
  for (const epvmBase of [3, 30, 1e6]) {
    const counts = tally(place(aRequest(nodes, [group], { epvmBase })).placements);
    const usedOf = (id: string): number => ((counts[id] ?? 0) * 0.1) / (id === 'id-small' ? 200 : 400);
    const distance = Math.log(2) / Math.log(epvmBase);
    assert.ok(Math.abs(usedOf('id-a') - usedOf('id-b')) < 0.001);
    assert.ok(
      Math.abs(usedOf('id-a') - usedOf('id-small') - Math.min(distance, usedOf('id-a'))) < 0.002,
      `base ${epvmBase}: ${JSON.stringify(counts)}`,
    );
  }
});

test('with a large base a node with half the capacity gets about half the tasks', () => {
  const half = aNode('small', { capacity: amounts({ cpu: 2, memoryBytes: 2 * GiB, diskBytes: 50 * GiB }), slotsMax: 125 });
  const plan = place(aRequest([aNode('a'), half, aNode('b')], [aGroup(80, anAsk({ cpu: 0.1, memoryBytes: GiB / 64 }))], { epvmBase: 1e9 }));
  const counts = tally(plan.placements);
  assert.equal(counts['id-a'], counts['id-b']);
  assert.ok(counts['id-small']! >= 14 && counts['id-small']! <= 16, JSON.stringify(counts));
});

test('with the default base a smaller node gets fewer tasks, and all room is used before a task is turned away', () => {
  const half = aNode('small', { capacity: amounts({ cpu: 2, memoryBytes: 2 * GiB, diskBytes: 50 * GiB }) });
  const plan = place(aRequest([aNode('a'), half, aNode('b')], [aGroup(101, anAsk({ cpu: 0.1 }))]));
  assert.deepEqual(tally(plan.placements), { 'id-a': 40, 'id-b': 40, 'id-small': 20 });
  assert.deepEqual(
    plan.unplaced.map(({ task }) => task),
    ['shop-101'],
  );
  const early = tally(plan.placements.slice(0, 50));
  assert.ok((early['id-small'] ?? 0) < early['id-a']!, JSON.stringify(early));
});

test('a node that is not ready never wins, however empty it is', () => {
  const busy = aNode('busy', { reserved: amounts({ cpu: 3, memoryBytes: 3 * GiB }), used: amounts({ cpu: 4 }), tasks: 200 });
  for (const state of ['joining', 'suspect', 'down', 'away', 'draining', 'drained'] as const) {
    for (const policy of ['epvm', 'roundrobin'] as const) {
      const plan = place(aRequest([aNode('empty', { state }), busy], [aGroup(3, anAsk({ cpu: 0.1 }))], { policy }));
      assert.deepEqual(tally(plan.placements), { 'id-busy': 3 }, `${state} with ${policy}`);
    }
  }
});

test('a node whose measurement is not a number loses to every node that can be scored', () => {
  const strange = aNode('a', { used: amounts({ cpu: Number.NaN }) });
  const full = aNode('z', { reserved: amounts({ cpu: 3 }), used: amounts({ cpu: 4 }), tasks: 249 });
  assert.deepEqual(tally(place(aRequest([strange, full], [aGroup(1, anAsk({ cpu: 1 }))])).placements), { 'id-z': 1 });
});

test('equal nodes are told apart by name, not by where they stand in the list', () => {
  const plan = place(aRequest([aNode('c'), aNode('a'), aNode('b')], [aGroup(3)]));
  assert.deepEqual(
    plan.placements.map(({ node }) => node),
    ['id-a', 'id-b', 'id-c'],
  );
});

test('what is measured moves tasks away even where nothing is reserved', () => {
  const plan = place(aRequest([aNode('a', { used: amounts({ cpu: 3.9 }) }), aNode('b')], [aGroup(4, anAsk({ cpu: 0.5 }))]));
  assert.deepEqual(tally(plan.placements), { 'id-b': 4 });
});

test('the first group takes the room, and the next is told what is left', () => {
  const nodes = [aNode('a'), aNode('b')];
  const plan = place(aRequest(nodes, [aGroup(2, anAsk({ cpu: 3 }), 'first'), aGroup(1, anAsk({ cpu: 2 }), 'second')]));
  assert.deepEqual(tally(plan.placements), { 'id-a': 1, 'id-b': 1 });
  assert.deepEqual(plan.unplaced, [
    {
      task: 'second-1',
      slot: 'second/web.1',
      reasons: [{ filter: 'cpu', nodes: 2, detail: 'not enough cpu (needs 2 cores, largest free 1)' }],
    },
  ]);
});

test('a cluster without nodes says so', () => {
  for (const policy of ['epvm', 'roundrobin'] as const) {
    const plan = place(aRequest([], [aGroup(2)], { policy, cursor: 3 }));
    assert.deepEqual(plan.placements, []);
    assert.deepEqual(
      plan.unplaced.map(({ reasons }) => reasons),
      [[{ filter: 'state', nodes: 0, detail: 'no node has joined' }], [{ filter: 'state', nodes: 0, detail: 'no node has joined' }]],
    );
    assert.equal(plan.cursor, 3);
  }
});

test('a fixed host port puts one task on each node, and the rest is told who has it', () => {
  const ask = anAsk({}, { ports: [{ host: 8080, container: 80, protocol: 'tcp' }] });
  const plan = place(aRequest([aNode('a'), aNode('b')], [aGroup(3, ask)]));
  assert.deepEqual(
    plan.placements.map(({ node, ports }) => [node, ports]),
    [
      ['id-a', [{ ip: '127.0.0.1', host: 8080, container: 80, protocol: 'tcp' }]],
      ['id-b', [{ ip: '127.0.0.1', host: 8080, container: 80, protocol: 'tcp' }]],
    ],
  );
  assert.deepEqual(plan.unplaced[0]!.reasons, [
    { filter: 'ports', nodes: 2, detail: 'port 8080/tcp is used by shop/web.1 and shop/web.2' },
  ]);
});

test('no more reasons are named than were asked for, and the most frequent ones stay', () => {
  const nodes = [
    aNode('a', { state: 'down' }),
    aNode('b', { eligible: false }),
    aNode('c', { eligible: false }),
    aNode('d', { dc: 'far' }),
  ];
  const plan = place(aRequest(nodes, [aGroup(1, anAsk({}, { datacenters: ['dc1'] }))], { reasonsMax: 2 }));
  assert.deepEqual(
    plan.unplaced[0]!.reasons.map(({ filter, nodes: count }) => [filter, count]),
    [
      ['eligible', 2],
      ['state', 1],
    ],
  );
});
