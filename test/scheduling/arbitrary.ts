/** Random requests for property tests: tight enough that nodes fill up, ports run out and sums of fractions matter. */
import fc from 'fast-check';
import { limitsDefault } from '../../src/core/limits.ts';
import type { Ask, NodeView, PolicyName, ScoreRequest } from '../../src/core/placement.ts';
import type { Resources } from '../../src/core/resources.ts';

const customNames = ['gpu', 'constructor'];

/** Plain objects with all keys, as a structured clone gives them. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

/** Mostly the first, one time in `weight + 1` one of the others. */
function mostly<T>(weight: number, usual: T, ...others: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

function resources(cpu: readonly number[], units: readonly number[], custom: readonly number[]): fc.Arbitrary<Resources> {
  return record({
    cpu: fc.constantFrom(...cpu),
    memoryBytes: fc.constantFrom(...units).map((count) => count * 1000),
    diskBytes: fc.constantFrom(...units),
    custom: fc.dictionary(fc.constantFrom(...customNames), fc.constantFrom(...custom), { maxKeys: 2, noNullPrototype: true }),
  });
}

const protocol = fc.constantFrom('tcp' as const, 'udp' as const);
const ip = fc.constantFrom('0.0.0.0', '::', '127.0.0.1', '10.0.0.1');

const port = fc.record(
  { ip, host: fc.constantFrom(80, 81, 101, 102), container: fc.constantFrom(80, 443), protocol },
  { requiredKeys: ['container', 'protocol'], noNullPrototype: true },
);

const ask: fc.Arbitrary<Ask> = record<Ask>({
  resources: fc.oneof(resources([0, 0.1, 0.2, 0.5, 1], [0, 1, 2, 4], [0]), {
    weight: 1,
    arbitrary: resources([0, 0.1], [0], [0, 0.1, 0.2, 1]),
  }),
  datacenters: mostly<readonly string[]>(3, [], ['a'], ['b'], ['a', 'b']),
  ports: fc.oneof(fc.constant([]), fc.array(port, { minLength: 1, maxLength: 3 })),
  onNode: mostly<string | undefined>(12, undefined, 'n0', 'n1', 'elsewhere'),
  avoid: mostly<readonly string[] | undefined>(
    3,
    undefined,
    [],
    ['id0'],
    ['id1', 'id2', 'gone'],
    ['id0', 'id1', 'id2', 'id3', 'id4', 'id5', 'id6'],
  ),
});

/** Names are not in the order of the list, so that ties by name show. */
function node(index: number): fc.Arbitrary<NodeView> {
  return record<NodeView>({
    id: fc.constant(`id${index}`),
    name: fc.constant(`n${(index * 5) % 7}`),
    dc: fc.constantFrom('a', 'a', 'b'),
    state: mostly<NodeView['state']>(8, 'ready', 'down', 'suspect'),
    eligible: mostly(8, true, false),
    engineAway: mostly(8, false, true),
    capacity: resources([0.3, 0.6, 1, 2, 4], [2, 5, 8, 12], [0, 0.3, 1, 2]),
    reserved: resources([0, 0, 0.1, 0.3], [0, 1, 2], [0, 0.1]),
    used: resources([0, 0, 0.2, 1, 5], [0, 1, 6], [0]),
    tasks: fc.nat({ max: 2 }),
    slotsMax: fc.constantFrom(1, 4, 250),
    portsIp: fc.constantFrom('127.0.0.1', '0.0.0.0', '10.0.0.1'),
    portRange: fc.constantFrom({ from: 100, to: 103 }, { from: 100, to: 109 }, { from: 100, to: 99 }),
    portsNext: fc.constantFrom(undefined, 100, 103, 110),
    portsTaken: fc.array(record({ ip, host: fc.constantFrom(80, 100, 101, 103), protocol, by: fc.constantFrom('x/y.1', 'x/y.2') }), {
      maxLength: 3,
    }),
  });
}

/** Requests of up to 7 nodes and some groups of up to 8 identical tasks. */
export function anyRequest(policy: PolicyName): fc.Arbitrary<ScoreRequest> {
  return record({
    nodes: fc.nat({ max: 7 }).chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => node(index)))),
    asks: fc.array(fc.tuple(ask, fc.integer({ min: 0, max: 8 })), { maxLength: 4 }),
    epvmBase: fc.constantFrom(limitsDefault.epvmBase, 2, 5000),
    cursor: fc.integer({ min: -1, max: 9 }),
  }).map(({ nodes, asks, epvmBase, cursor }) => ({
    nodes,
    groups: asks.map(([groupAsk, count], group) => ({
      ask: groupAsk,
      tasks: Array.from({ length: count }, (_, at) => ({ id: `t${group}-${at}`, slot: `job${group}/web.${at + 1}` })),
    })),
    policy,
    epvmBase,
    cursor,
    reasonsMax: 20,
  }));
}
