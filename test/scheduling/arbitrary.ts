/** Random requests for property tests: tight enough that nodes fill up, ports run out and sums of fractions matter. */
import fc from 'fast-check';
import type { Constraint } from '../../src/core/constraint.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import type { Ask, NodeView, PolicyName } from '../../src/core/placement.ts';
import type { Resources } from '../../src/core/resources.ts';
import { aGroup, amounts, aNode, anAsk, aRequest, type Case } from './build.ts';

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

const conditions: readonly Constraint[] = [
  { text: 'label.disk == ssd', attribute: 'label.disk', operator: '==', values: ['ssd'] },
  { text: 'label.disk != ssd', attribute: 'label.disk', operator: '!=', values: ['ssd'] },
  { text: 'label.rank > 1', attribute: 'label.rank', operator: '>', values: ['1'] },
  { text: 'name in [n0, n1, n2]', attribute: 'name', operator: 'in', values: ['n0', 'n1', 'n2'] },
];

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
  constraints: mostly<readonly Constraint[] | undefined>(
    4,
    undefined,
    [],
    [conditions[0]!],
    [conditions[1]!, conditions[2]!],
    [conditions[3]!],
  ),
  affinity: mostly<readonly Constraint[] | undefined>(3, undefined, [conditions[0]!], [conditions[2]!, conditions[3]!]),
  spread: mostly<string | undefined>(3, undefined, 'datacenter', 'label.disk', 'name'),
  maxPerNode: mostly<number | undefined>(4, undefined, 1, 2),
  dataOn: mostly<Ask['dataOn']>(
    12,
    undefined,
    { node: 'id1', nodeName: 'n5', slot: 'job0/web.1' },
    { node: 'gone', nodeName: 'gone', slot: 'job0/web.1' },
  ),
  mounts: mostly<readonly string[] | undefined>(12, undefined, ['/srv/a'], ['/srv/a/b', '/data']),
  features: mostly<Ask['features']>(8, undefined, ['volumes'], ['volumes', 'files']),
});

const anyKind = mostly<string | undefined>(2, undefined, 'a/b', 'c/d');

const mates = mostly<Readonly<Record<string, number>> | undefined>(3, undefined, {}, { id0: 1 }, { id1: 2, id3: 1, gone: 4 });

/** Names are not in the order of the list, so that ties by name show. */
function node(index: number): fc.Arbitrary<NodeView> {
  return record<NodeView>({
    id: fc.constant(`id${index}`),
    name: fc.constant(`n${(index * 5) % 7}`),
    dc: fc.constantFrom('a', 'a', 'b'),
    labels: fc.constantFrom<Readonly<Record<string, string>>[]>({}, { disk: 'ssd' }, { disk: 'hdd', rank: '1' }, { rank: '2' }),
    os: fc.constant('linux'),
    arch: fc.constant('x64'),
    cpuModel: fc.constant(undefined),
    runtimeVersion: fc.constant('20.10.24'),
    mounts: fc.constantFrom<NodeView['mounts'][]>(undefined, [], ['/srv'], ['/srv/a', '/data']),
    features: mostly<NodeView['features']>(4, ['volumes', 'files'], undefined, [], ['volumes']),
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

/** Requests of up to 7 nodes and some groups of up to 24 identical tasks. */
export function anyRequest(policy: PolicyName): fc.Arbitrary<Case> {
  return record({
    nodes: fc.nat({ max: 7 }).chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => node(index)))),
    asks: fc.array(fc.tuple(ask, fc.oneof(fc.nat({ max: 8 }), fc.integer({ min: 16, max: 24 })), mates, anyKind), { maxLength: 4 }),
    epvmBase: fc.constantFrom(limitsDefault.epvmBase, 2, 5000),
    cursor: fc.integer({ min: -1, max: 9 }),
    affinityWeight: fc.constantFrom(0, 0.5, 1),
    spreadWeight: fc.constantFrom(0, 0.1, 1),
  }).map(({ nodes, asks, ...settings }) => ({
    nodes,
    groups: asks.map(([groupAsk, count, groupMates, groupKind], group) => ({
      ask: groupAsk,
      ...(groupKind === undefined ? {} : { kind: groupKind }),
      ...(groupMates === undefined ? {} : { mates: groupMates }),
      tasks: Array.from({ length: count }, (_, at) => ({ id: `t${group}-${at}`, slot: `job${group}/web.${at + 1}` })),
    })),
    policy,
    ...settings,
    reasonsMax: 20,
  }));
}

/** Requests of many different tasks and more nodes than one block has: loads of all kinds, sizes of a few. */
export function largeRequest(policy: PolicyName): fc.Arbitrary<Case> {
  const cores = fc.constantFrom(1, 2, 4, 8);
  const share = fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10);
  const oneNode = fc.tuple(cores, share, share, fc.constantFrom('a', 'b')).map(
    ([cpu, reserved, used, dc]) =>
      (index: number) =>
        aNode(`n${(index * 37) % 211}`, {
          id: `id${index}`,
          dc,
          capacity: amounts({ cpu, memoryBytes: cpu * 1000 }),
          reserved: amounts({ cpu: cpu * reserved * 0.7, memoryBytes: Math.round(cpu * 600 * reserved) }),
          used: amounts({ cpu: cpu * used }),
          labels: index % 3 === 0 ? { disk: 'ssd' } : {},
        }),
  );
  const oneAsk = fc
    .tuple(fc.constantFrom(0, 0.1, 0.25, 0.7), fc.constantFrom(0, 1, 64, 500), fc.nat({ max: 9 }))
    .map(([cpu, memoryBytes, kind]) =>
      anAsk(
        { cpu, memoryBytes },
        {
          ...(kind === 0 ? { constraints: [conditions[0]!] } : {}),
          ...(kind === 1 ? { spread: 'datacenter' } : {}),
          ...(kind === 2 ? { affinity: [conditions[0]!] } : {}),
        },
      ),
    );
  return fc
    .tuple(fc.array(oneNode, { minLength: 65, maxLength: 140 }), fc.array(oneAsk, { minLength: 40, maxLength: 60 }))
    .map(([nodes, asks]) =>
      aRequest(
        nodes.map((make, index) => make(index)),
        asks.map((each, at) => aGroup(1 + (at % 2), each, `job${at}`)),
        { policy, reasonsMax: 20 },
      ),
    );
}
