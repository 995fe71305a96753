/** Nodes, asks and requests for tests: small, with everything said that a test does not care about. */
import { limitsDefault } from '../../src/core/limits.ts';
import type { Ask, NodeView, ScoreRequest, TaskGroup } from '../../src/core/placement.ts';
import type { Resources } from '../../src/core/resources.ts';
import { Seat } from '../../src/scheduling/seat.ts';

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

export function aRequest(nodes: readonly NodeView[], groups: readonly TaskGroup[], some: Partial<ScoreRequest> = {}): ScoreRequest {
  return { nodes, groups, policy: 'epvm', epvmBase: limitsDefault.epvmBase, cursor: -1, reasonsMax: 8, ...some };
}

export function seatOf(node: NodeView): Seat {
  return new Seat(node, 0);
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
