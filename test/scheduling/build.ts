/** Nodes, asks and requests for tests: small, with everything said that a test does not care about. */
import { limitsDefault } from '../../src/core/limits.ts';
import type { Ask, NodeView, ScoreRequest, TaskGroup } from '../../src/core/placement.ts';
import type { Resources } from '../../src/core/resources.ts';
import type { Explained, FilterReason, Plan, PolicyName } from '../../src/core/placement.ts';
import { encode } from '../../src/scheduling/placing/batch.ts';
import * as asked from '../../src/scheduling/explain.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import * as placing from '../../src/scheduling/place.ts';
import { policies, type Scoring } from '../../src/scheduling/policy.ts';
import { Run } from '../../src/scheduling/placing/run.ts';

export const GiB = 2 ** 30;

export function amounts(some: Partial<Resources> = {}): Resources {
  return { cpu: 0, memoryBytes: 0, diskBytes: 0, custom: {}, ...some };
}

/** A ready node with 4 cores, 4 GiB of memory, 100 GiB of disk and 250 slots, and nothing on it. */
export function aNode(name: string, some: Partial<NodeView> = {}): NodeView {
  return {
    id: `id-${name}`,
    name,
    dc: 'dc1',
    labels: {},
    os: 'linux',
    arch: 'x64',
    state: 'ready',
    eligible: true,
    capacity: amounts({ cpu: 4, memoryBytes: 4 * GiB, diskBytes: 100 * GiB }),
    reserved: amounts(),
    used: amounts(),
    tasks: 0,
    slotsMax: 250,
    portsIp: '127.0.0.1',
    portRange: { from: 20_000, to: 29_999 },
    portsTaken: [],
    ...some,
  };
}

export function anAsk(resources: Partial<Resources> = {}, some: Partial<Ask> = {}): Ask {
  return { resources: amounts(resources), datacenters: [], ports: [], ...some };
}

/** A group of `count` tasks with ids `shop-1`, `shop-2` and slots `shop/web.1`, `shop/web.2`. */
export function aGroup(count: number, ask: Ask = anAsk(), job = 'shop'): TaskGroup {
  return { ask, tasks: Array.from({ length: count }, (_, at) => ({ id: `${job}-${at + 1}`, slot: `${job}/web.${at + 1}` })) };
}

/** A request whose nodes are given as they are; rows are places in the list. */
export type Case = Omit<ScoreRequest, 'table'> & { readonly nodes: readonly NodeView[] };

export function aRequest(nodes: readonly NodeView[], groups: readonly TaskGroup[], some: Partial<Case> = {}): Case {
  const { epvmBase, affinityWeight, spreadWeight } = limitsDefault;
  return { nodes, groups, policy: 'epvm', epvmBase, affinityWeight, spreadWeight, cursor: -1, reasonsMax: 8, ...some };
}

function withTable<T extends { readonly nodes: readonly NodeView[] }>({ nodes, ...rest }: T): Omit<T, 'nodes'> & { table: NodeTable } {
  return { ...rest, table: NodeTable.of(nodes) };
}

export function requestOf(one: Case): ScoreRequest {
  return withTable(one);
}

export function place(one: Case): Plan {
  return placing.place(requestOf(one));
}

type Question = Omit<Case, 'groups'> & { readonly ask: Ask; readonly mates?: Readonly<Record<string, number>> };

export function explain(question: Question): Explained[] {
  return asked.explain(withTable(question));
}

export function whyNot(question: Question): readonly FilterReason[] {
  return asked.whyNot(withTable(question));
}

/** A run over these nodes with nothing placed yet, and what the tasks that ask this want there. */
export function begin(nodes: readonly NodeView[], ask: Ask, some: Partial<Case> = {}, mates: Readonly<Record<string, number>> = {}) {
  const { columns, batch } = encode(requestOf(aRequest(nodes, [{ ask, tasks: [], mates }], some)));
  const run = new Run(columns, batch);
  run.begin(batch.mates.get(0));
  return { run, wanted: run.want(batch.wheres[0]!, batch.amounts) };
}

/** How a policy sees these nodes, in rows of that order. */
export function scoringOf(policy: PolicyName, nodes: readonly NodeView[], ask: Ask, some: Partial<Case> = {}, mates = {}): Scoring {
  const { run, wanted } = begin(nodes, ask, some, mates);
  return policies[policy].scoring(run, wanted, some.cursor ?? -1);
}

/** How many tasks each node got, by node id. */
export function tally(placements: readonly { readonly node: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { node } of placements) counts[node] = (counts[node] ?? 0) + 1;
  return counts;
}

/** Freezes a value and all in it: a write then throws, since modules are strict. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
