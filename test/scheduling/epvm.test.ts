import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CubeError } from '../../src/core/errors.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import type { Ask, NodeView } from '../../src/core/placement.ts';
import type { Resources } from '../../src/core/resources.ts';
import type { Terms } from '../../src/scheduling/policy.ts';
import { aGroup, aNode, amounts, anAsk, aRequest, GiB, scoringOf, place } from './build.ts';

const capacity = amounts({ cpu: 4, memoryBytes: 4 * GiB, diskBytes: 100 * GiB, custom: { gpu: 8 } });

function score(node: NodeView, ask: Ask, epvmBase = limitsDefault.epvmBase): number {
  return scoringOf('epvm', [node], ask, { epvmBase }).score(0);
}

function termsOf(node: NodeView, ask: Ask): Terms {
  return scoringOf('epvm', [node], ask).terms(0);
}

/** For each resource, an amount to ask for, one that is a good part of a node, and the same as a capacity. */
const each: readonly (readonly [string, Partial<Resources>, Partial<Resources>, Partial<Resources>])[] = [
  ['cpu', { cpu: 0.5 }, { cpu: 2 }, { cpu: 8 }],
  ['memory', { memoryBytes: GiB / 2 }, { memoryBytes: 2 * GiB }, { memoryBytes: 8 * GiB }],
  ['disk', { diskBytes: GiB }, { diskBytes: 50 * GiB }, { diskBytes: 200 * GiB }],
  ['custom', { custom: { gpu: 1 } }, { custom: { gpu: 4 } }, { custom: { gpu: 16 } }],
];

for (const [name, asked, much, larger] of each) {
  test(`${name} moves the score: reserved, measured, asked for and offered`, () => {
    const ask = anAsk(asked);
    const idle = score(aNode('a', { capacity }), ask);
    assert.ok(score(aNode('a', { capacity, reserved: amounts(much) }), ask) > idle, 'reserved');
    assert.ok(score(aNode('a', { capacity, used: amounts(much) }), ask) > idle, 'measured');
    assert.ok(idle > score(aNode('a', { capacity }), anAsk()), 'asked for');
    assert.ok(score(aNode('a', { capacity }), anAsk(much)) > idle, 'asked for more');
    assert.ok(score(aNode('a', { capacity: { ...capacity, ...larger } }), ask) < idle, 'offered');
  });

  test(`${name} alone decides between two nodes that are otherwise the same`, () => {
    const full = aNode('a', { capacity, reserved: amounts(much) });
    const [placement] = place(aRequest([full, aNode('b', { capacity })], [aGroup(1, anAsk(asked))])).placements;
    assert.equal(placement!.node, 'id-b');
  });
}

test('slots move the score: tasks there, and how many the node takes', () => {
  const idle = score(aNode('a'), anAsk());
  assert.ok(idle > 0);
  assert.ok(score(aNode('a', { tasks: 100 }), anAsk()) > idle);
  assert.ok(score(aNode('a', { slotsMax: 500 }), anAsk()) < idle);
});

test('utilisation is the larger of reserved and measured', () => {
  const ask = anAsk({ cpu: 1 });
  const reserved = score(aNode('a', { reserved: amounts({ cpu: 2 }) }), ask);
  assert.equal(score(aNode('a', { reserved: amounts({ cpu: 2 }), used: amounts({ cpu: 1.5 }) }), ask), reserved);
  assert.equal(score(aNode('a', { reserved: amounts({ cpu: 0.5 }), used: amounts({ cpu: 2 }) }), ask), reserved);
  assert.ok(score(aNode('a', { reserved: amounts({ cpu: 2 }), used: amounts({ cpu: 3 }) }), ask) > reserved);
});

test('the score is the growth of the sum of powers, as in the paper', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(share, { minLength: 8, maxLength: 8 }),
      fc.constantFrom(1.5396, 2, 5000),
      fc.nat({ max: 249 }),
      (shares, base, tasks) => {
        const [c, m, d, g, askC, askM, askD, askG] = shares as [number, number, number, number, number, number, number, number];
        const node = aNode('a', {
          capacity,
          tasks,
          reserved: amounts({ cpu: c * 4, memoryBytes: m * 4 * GiB, diskBytes: d * 100 * GiB, custom: { gpu: g * 8 } }),
        });
        const ask = anAsk({ cpu: askC * 4, memoryBytes: askM * 4 * GiB, diskBytes: askD * 100 * GiB, custom: { gpu: askG * 8 } });
        const pairs: [number, number][] = [
          [c, askC],
          [m, askM],
          [d, askD],
          [g, askG],
          [tasks / 250, 1 / 250],
        ];
        const expected = pairs.reduce((sum, [used, asked]) => sum + base ** (used + asked) - base ** used, 0);
        assert.ok(Math.abs(score(node, ask, base) - expected) <= 1e-9 * base * base);
      },
    ),
    { numRuns: 500 },
  );
});

test('the terms add up to the score, one for each resource asked for', () => {
  const node = aNode('a', { capacity, reserved: amounts({ cpu: 1, custom: { gpu: 3 } }), tasks: 7 });
  const ask = anAsk({ cpu: 0.3, memoryBytes: GiB / 3, custom: { gpu: 1 } });
  const terms = termsOf(node, ask);
  assert.deepEqual(
    terms.map(([name]) => name),
    ['cpu', 'memory', 'disk', 'gpu', 'slots'],
  );
  assert.equal(
    terms.reduce((sum, [, amount]) => sum + amount, 0),
    score(node, ask),
  );
  assert.equal(Object.fromEntries(terms)['disk'], 0);
});

test('a resource of which a node has nothing adds nothing', () => {
  const node = aNode('a', { capacity: amounts({ cpu: 4 }), used: amounts({ memoryBytes: 5 }) });
  const terms = Object.fromEntries(termsOf(node, anAsk({ cpu: 1 })));
  assert.deepEqual([terms['memory'], terms['disk']], [0, 0]);
  const strange = Object.fromEntries(termsOf(node, anAsk({ memoryBytes: 1 })));
  assert.equal(strange['memory'], 0);
});

test('a byte on a large node still counts', () => {
  const large = aNode('a', { capacity: amounts({ cpu: 4, memoryBytes: 2 ** 50 }), reserved: amounts({ memoryBytes: 2 ** 49 }) });
  const terms = Object.fromEntries(termsOf(large, anAsk({ memoryBytes: 1 })));
  assert.ok(terms['memory']! > 0);
});

test('a node that is measured far above what it has scores badly, and never well', () => {
  const crazy = aNode('a', { used: amounts({ cpu: Number.MAX_VALUE }) });
  assert.equal(score(crazy, anAsk({ cpu: 1 })), Number.POSITIVE_INFINITY);
  const [placement] = place(aRequest([crazy, aNode('b', { reserved: amounts({ cpu: 3 }) })], [aGroup(1, anAsk({ cpu: 1 }))])).placements;
  assert.equal(placement!.node, 'id-b');
});

test('a base that says nothing about load is refused with what to do', () => {
  for (const epvmBase of [1, 0.5, 0, -2, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(
      () => place(aRequest([aNode('a')], [aGroup(1)], { epvmBase })),
      (error) =>
        error instanceof CubeError && error.code === 'usage' && error.message.includes(String(epvmBase)) && error.hint.includes('--limit'),
    );
  }
});
