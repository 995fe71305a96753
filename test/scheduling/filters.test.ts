import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ask, FilterName, NodeView } from '../../src/core/placement.ts';
import { reasons, refusal, refusalText } from '../../src/scheduling/filter.ts';
import { aNode, amounts, anAsk, begin, GiB } from './build.ts';

/** The filter a node fails and its words, or undefined when it passes. */
function verdict(node: NodeView, ask: Ask, mates = 0): [FilterName, string] | undefined {
  const { run, wanted } = begin([node], ask, {}, { [node.id]: mates });
  const found = refusal(run, wanted, 0);
  return found && [found.filter.name, refusalText(found, run, wanted, 0)];
}

function together(nodes: readonly NodeView[], ask: Ask): readonly (readonly [FilterName, number, string])[] {
  const { run, wanted } = begin(nodes, ask, { reasonsMax: 20 });
  return reasons(run, wanted).map(({ filter, nodes: count, detail }) => [filter, count, detail] as const);
}

test('only a ready node passes, and each other state says what it means', () => {
  assert.equal(verdict(aNode('a'), anAsk()), undefined);
  const words = {
    joining: 'the node is still joining',
    suspect: 'the node is suspect: not heard of for a moment',
    down: 'the node is down: not heard of',
    away: 'the node is away: it said that it will be back',
    draining: 'the node is draining: its tasks are being moved',
    drained: 'the node is drained',
  } as const;
  for (const [state, detail] of Object.entries(words)) {
    assert.deepEqual(verdict(aNode('a', { state: state as keyof typeof words }), anAsk()), ['state', detail]);
  }
});

test('a node whose engine is away takes nothing; one that is down, too, is down', () => {
  assert.deepEqual(verdict(aNode('a', { engineAway: true }), anAsk()), ['state', "the node's engine does not answer"]);
  assert.deepEqual(verdict(aNode('a', { engineAway: true, state: 'down' }), anAsk()), ['state', 'the node is down: not heard of']);
  const both = together([aNode('a', { engineAway: true }), aNode('b', { engineAway: true })], anAsk());
  assert.deepEqual(both, [['state', 2, "the nodes' engines do not answer"]]);
});

test('a state that this version does not know is not ready', () => {
  assert.deepEqual(verdict(aNode('a', { state: 'frozen' as 'down' }), anAsk()), ['state', 'the node is in a state that is not known']);
});

test('a node set aside by an operator is not used', () => {
  assert.deepEqual(verdict(aNode('a', { eligible: false }), anAsk()), ['eligible', 'the node is set to take no new tasks']);
});

test('a bound task goes to its node only, by name', () => {
  const ask = anAsk({}, { onNode: 'a' });
  assert.equal(verdict(aNode('a'), ask), undefined);
  assert.deepEqual(verdict(aNode('b'), ask), ['node', 'the task is bound to node a']);
  assert.deepEqual(verdict(aNode('x', { id: 'a' }), ask), ['node', 'the task is bound to node a']);
});

test('data centers: any when none is named, else one of them', () => {
  assert.equal(verdict(aNode('a', { dc: 'far' }), anAsk()), undefined);
  assert.equal(verdict(aNode('a', { dc: 'dc2' }), anAsk({}, { datacenters: ['dc1', 'dc2'] })), undefined);
  assert.deepEqual(verdict(aNode('a', { dc: 'far' }), anAsk({}, { datacenters: ['dc1', 'dc2'] })), [
    'datacenter',
    'not in data center dc1 or dc2 (the node is in far)',
  ]);
});

test('each resource says what is needed and what is free', () => {
  const node = aNode('a', {
    capacity: amounts({ cpu: 4, memoryBytes: 4 * GiB, diskBytes: 10 * GiB, custom: { gpu: 2 } }),
    reserved: amounts({ cpu: 3.5, memoryBytes: 2.8 * GiB, diskBytes: 10 * GiB, custom: { gpu: 2 } }),
  });
  assert.deepEqual(verdict(node, anAsk({ cpu: 2 })), ['cpu', 'not enough cpu (needs 2 cores, 0.5 free of 4)']);
  assert.deepEqual(verdict(node, anAsk({ cpu: 1 })), ['cpu', 'not enough cpu (needs 1 core, 0.5 free of 4)']);
  assert.deepEqual(verdict(node, anAsk({ memoryBytes: 2 * GiB })), ['memory', 'not enough memory (needs 2 GiB, 1.2 GiB free of 4 GiB)']);
  assert.deepEqual(verdict(node, anAsk({ diskBytes: GiB })), ['disk', 'not enough disk (needs 1 GiB, 0 B free of 10 GiB)']);
  assert.deepEqual(verdict(node, anAsk({ custom: { gpu: 1 } })), ['custom', 'not enough gpu (needs 1, 0 free of 2)']);
});

test('a full node says how many tasks it takes', () => {
  assert.deepEqual(verdict(aNode('a', { tasks: 3, slotsMax: 3 }), anAsk()), [
    'slots',
    'no slot is free (the node has 3 tasks and takes 3)',
  ]);
  assert.equal(verdict(aNode('a', { tasks: 2, slotsMax: 3 }), anAsk()), undefined);
});

test('what fits exactly fits, and one byte more does not', () => {
  const node = aNode('a', { reserved: amounts({ memoryBytes: 3 * GiB }) });
  assert.equal(verdict(node, anAsk({ memoryBytes: GiB })), undefined);
  assert.deepEqual(verdict(node, anAsk({ memoryBytes: GiB + 1 })), [
    'memory',
    'not enough memory (needs 1073741825 B, 1073741824 B free of 4294967296 B)',
  ]);
});

test('sums of fractions fit where the fraction they stand for would', () => {
  const node = aNode('a', {
    capacity: amounts({ cpu: 0.3, custom: { gpu: 0.3 } }),
    reserved: amounts({ cpu: 0.1, custom: { gpu: 0.1 } }),
  });
  assert.ok(0.1 + 0.2 > 0.3);
  assert.equal(verdict(node, anAsk({ cpu: 0.2, custom: { gpu: 0.2 } })), undefined);
  assert.equal(verdict(node, anAsk({ cpu: 0.2001 }))?.[0], 'cpu');
});

test('amounts that look alike when rounded are told in full', () => {
  const node = aNode('a', { capacity: amounts({ cpu: 2 }), reserved: amounts({ cpu: 1.0001 }) });
  assert.deepEqual(verdict(node, anAsk({ cpu: 1 })), ['cpu', 'not enough cpu (needs 1 core, 0.9999 free of 2)']);
});

test('a task that asks for nothing goes where more is reserved than there is', () => {
  const node = aNode('a', { capacity: amounts(), reserved: amounts({ cpu: 9, memoryBytes: 9, custom: { gpu: 1 } }) });
  assert.equal(verdict(node, anAsk({ custom: { gpu: 0 } })), undefined);
  assert.deepEqual(verdict(node, anAsk({ cpu: 0.1 })), ['cpu', 'not enough cpu (needs 0.1 cores, 0 free of 0)']);
});

test('what was measured does not keep a task out', () => {
  assert.equal(verdict(aNode('a', { used: amounts({ cpu: 99, memoryBytes: 99 * GiB }) }), anAsk({ cpu: 1, memoryBytes: GiB })), undefined);
});

test('an amount that is not a number fits nowhere', () => {
  assert.equal(verdict(aNode('a'), anAsk({ cpu: Number.NaN }))?.[0], 'cpu');
  assert.equal(verdict(aNode('a', { capacity: amounts({ cpu: Number.NaN }) }), anAsk({ cpu: 1 }))?.[0], 'cpu');
  assert.equal(verdict(aNode('a', { reserved: amounts({ cpu: Number.NaN }) }), anAsk({ cpu: 1 }))?.[0], 'cpu');
});

test('each custom resource is looked at, and one the node does not have is named', () => {
  const node = aNode('a', { capacity: amounts({ custom: { gpu: 4 } }) });
  assert.deepEqual(verdict(node, anAsk({ custom: { tpu: 1, gpu: 1 } })), ['custom', 'no tpu there (needs 1)']);
  assert.deepEqual(verdict(node, anAsk({ custom: { gpu: 5 } })), ['custom', 'not enough gpu (needs 5, 4 free of 4)']);
});

test('a custom resource may have the name of something every object has', () => {
  for (const name of ['constructor', 'toString', '__proto__']) {
    const custom = JSON.parse(`{"${name}": 1}`) as Record<string, number>;
    assert.deepEqual(verdict(aNode('a'), anAsk({ custom })), ['custom', `no ${name} there (needs 1)`]);
    assert.equal(verdict(aNode('a', { capacity: amounts({ custom }) }), anAsk({ custom })), undefined);
    assert.equal(verdict(aNode('a', { capacity: amounts({ custom }), reserved: amounts({ custom }) }), anAsk({ custom }))?.[0], 'custom');
  }
});

test('nodes that fail alike share a line that names the largest free amount, most nodes first', () => {
  const nodes = [
    aNode('a', { state: 'down' }),
    aNode('b', { reserved: amounts({ memoryBytes: 2.8 * GiB }) }),
    aNode('c', { reserved: amounts({ memoryBytes: 3.5 * GiB }) }),
    aNode('d', { state: 'draining' }),
    aNode('e', { reserved: amounts({ memoryBytes: 4 * GiB }) }),
    aNode('f', { state: 'down' }),
  ];
  assert.deepEqual(together(nodes, anAsk({ memoryBytes: 2 * GiB })), [
    ['memory', 3, 'not enough memory (needs 2 GiB, largest free 1.2 GiB)'],
    ['state', 2, 'the nodes are down: not heard of'],
    ['state', 1, 'the node is draining: its tasks are being moved'],
  ]);
});

test('lines of equal frequency keep the order of the filters, then of what they failed on', () => {
  const nodes = [
    aNode('a', { tasks: 250 }),
    aNode('b', { state: 'suspect' }),
    aNode('c', { state: 'down' }),
    aNode('d', { eligible: false }),
    aNode('e', { reserved: amounts({ cpu: 4 }) }),
  ];
  assert.deepEqual(
    together(nodes, anAsk({ cpu: 1 })).map(([filter, , detail]) => `${filter}: ${detail}`),
    [
      'state: the node is down: not heard of',
      'state: the node is suspect: not heard of for a moment',
      'eligible: the node is set to take no new tasks',
      'cpu: not enough cpu (needs 1 core, 0 free of 4)',
      'slots: no slot is free (the node has 250 tasks and takes 250)',
    ],
  );
});

test('data centers, names, slots and custom resources are told for many nodes', () => {
  const far = [aNode('a', { dc: 'x' }), aNode('b', { dc: 'y' }), aNode('c', { dc: 'x' })];
  assert.deepEqual(together(far, anAsk({}, { datacenters: ['dc1'] })), [
    ['datacenter', 3, 'not in data center dc1 (the nodes are in x and y)'],
  ]);
  assert.deepEqual(together(far, anAsk({}, { onNode: 'q' })), [['node', 3, 'the task is bound to node q']]);
  const full = far.map((node) => ({ ...node, tasks: 250 }));
  assert.deepEqual(together(full, anAsk()), [['slots', 3, 'no slot is free (the nodes have all the tasks they take)']]);
  assert.deepEqual(together(far, anAsk({ custom: { gpu: 1 } })), [['custom', 3, 'no gpu there (needs 1)']]);
  const some = [aNode('a', { capacity: amounts({ custom: { gpu: 2 } }) }), aNode('b')];
  assert.deepEqual(together(some, anAsk({ custom: { gpu: 3 } })), [['custom', 2, 'not enough gpu (needs 3, largest free 2)']]);
});

test('a node that passes is in no line', () => {
  assert.deepEqual(together([aNode('a'), aNode('b', { state: 'down' })], anAsk()), [['state', 1, 'the node is down: not heard of']]);
  assert.deepEqual(together([aNode('a')], anAsk()), []);
});
