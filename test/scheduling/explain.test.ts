import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PolicyName } from '../../src/core/placement.ts';
import { policies } from '../../src/scheduling/policy.ts';
import { anyRequest } from './arbitrary.ts';
import { aNode, amounts, anAsk, aRequest, deepFreeze, GiB, place, explain, whyNot } from './build.ts';

for (const policy of Object.keys(policies) as PolicyName[]) {
  test(`explain() with ${policy} names every node once, and the first is where place() puts the task`, () => {
    fc.assert(
      fc.property(anyRequest(policy), (request) => {
        for (const { ask } of request.groups) {
          const lines = explain(deepFreeze({ ...request, ask }));
          assert.deepEqual(lines.map(({ node }) => node).sort(), request.nodes.map(({ name }) => name).sort());
          const plan = place({ ...request, groups: [{ ask, tasks: [{ id: 'one', slot: 'a/b.1' }] }] });
          const [placement] = plan.placements;
          const picked = request.nodes.find(({ id }) => id === placement?.node)?.name;
          assert.equal(lines.find(({ feasible }) => feasible)?.node, picked);
          assert.equal(lines[0]?.feasible ? lines[0].score : undefined, placement?.score);
          const why = whyNot({ ...request, ask });
          if (request.nodes.length > 0)
            assert.equal(
              why.reduce((sum, { nodes }) => sum + nodes, 0),
              lines.filter(({ feasible }) => !feasible).length,
            );
          if (plan.unplaced[0]) assert.deepEqual(why, plan.unplaced[0].reasons);
        }
      }),
      { numRuns: 500 },
    );
  });
}

test('a line has either a score with its terms, or a filter with its words', () => {
  const nodes = [
    aNode('z'),
    aNode('far', { dc: 'dc9' }),
    aNode('busy', { reserved: amounts({ cpu: 3 }), tasks: 20 }),
    aNode('down', { state: 'down' }),
    aNode('full', { reserved: amounts({ memoryBytes: 3.5 * GiB }) }),
  ];
  const request = aRequest(nodes, []);
  const lines = explain({ ...request, ask: anAsk({ cpu: 1, memoryBytes: GiB }, { datacenters: ['dc1'] }) });
  assert.deepEqual(
    lines.map(({ node, feasible, filter, detail }) => ({ node, feasible, filter, detail })),
    [
      { node: 'z', feasible: true, filter: undefined, detail: undefined },
      { node: 'busy', feasible: true, filter: undefined, detail: undefined },
      { node: 'down', feasible: false, filter: 'state', detail: 'the node is down: not heard of' },
      { node: 'far', feasible: false, filter: 'datacenter', detail: 'not in data center dc1 (the node is in dc9)' },
      { node: 'full', feasible: false, filter: 'memory', detail: 'not enough memory (needs 1 GiB, 512 MiB free of 4 GiB)' },
    ],
  );
  for (const { feasible, score, terms } of lines) {
    assert.equal(typeof score, feasible ? 'number' : 'undefined');
    assert.deepEqual(Object.keys(terms ?? {}), feasible ? ['cpu', 'memory', 'disk', 'slots'] : []);
    assert.equal(
      Object.values(terms ?? {}).reduce((sum, term) => sum + term, 0),
      score ?? 0,
    );
  }
});

test('a node that is avoided comes after the others that can take the task, and says so', () => {
  const nodes = [aNode('bad'), aNode('busy', { reserved: amounts({ cpu: 3 }), tasks: 20 }), aNode('down', { state: 'down' })];
  const lines = explain({ ...aRequest(nodes, []), ask: anAsk({ cpu: 1 }, { avoid: ['id-bad', 'id-down', 'id-gone'] }) });
  assert.deepEqual(
    lines.map(({ node, feasible, detail }) => ({ node, feasible, detail })),
    [
      { node: 'busy', feasible: true, detail: undefined },
      { node: 'bad', feasible: true, detail: 'avoided: this slot failed here' },
      { node: 'down', feasible: false, detail: 'the node is down: not heard of' },
    ],
  );
  assert.ok(lines[1]!.score! < lines[0]!.score!, 'by its score alone it would have won');
});

test('a custom resource has a term of its own', () => {
  const node = aNode('a', { capacity: amounts({ cpu: 1, custom: { gpu: 2, fpga: 1 } }) });
  const [line] = explain({ ...aRequest([node], []), ask: anAsk({ custom: { gpu: 1 } }) });
  assert.ok(line!.terms!['gpu']! > 0);
  assert.deepEqual(Object.keys(line!.terms!), ['cpu', 'memory', 'disk', 'gpu', 'slots']);
});

test('round robin explains its steps', () => {
  const lines = explain({ ...aRequest([aNode('a'), aNode('b'), aNode('c')], [], { policy: 'roundrobin', cursor: 1 }), ask: anAsk() });
  assert.deepEqual(lines, [
    { node: 'c', feasible: true, score: 1, terms: { steps: 1 } },
    { node: 'a', feasible: true, score: 2, terms: { steps: 2 } },
    { node: 'b', feasible: true, score: 3, terms: { steps: 3 } },
  ]);
});

test('a cluster without nodes has no lines, and one reason', () => {
  assert.deepEqual(explain({ ...aRequest([], []), ask: anAsk() }), []);
  assert.deepEqual(whyNot({ ...aRequest([], []), ask: anAsk() }), [{ filter: 'state', nodes: 0, detail: 'no node has joined' }]);
});
