/**
 * The oracle: the plan as a patient person would make it. Every task looks at every node anew, with nothing remembered but a list of
 * nodes that is rewritten after each placement. What a node can take is decided here a second time, in the plainest way there is.
 */
import type { Ask, NodeView, Placement, Plan, PolicyName } from '../../src/core/placement.ts';
import type { Resources } from '../../src/core/resources.ts';
import type { PortBinding } from '../../src/core/task.ts';
import { attributeOf, meets } from '../../src/core/constraint.ts';
import { PortTable } from '../../src/scheduling/ports.ts';
import type { Case } from './build.ts';

function own(record: Readonly<Record<string, number>>, name: string): number {
  return Object.hasOwn(record, name) ? record[name]! : 0;
}

function together(a: Resources, b: Resources): Resources {
  const names = [...new Set([...Object.keys(a.custom), ...Object.keys(b.custom)])];
  return {
    cpu: a.cpu + b.cpu,
    memoryBytes: a.memoryBytes + b.memoryBytes,
    diskBytes: a.diskBytes + b.diskBytes,
    custom: Object.fromEntries(names.map((name) => [name, own(a.custom, name) + own(b.custom, name)])),
  };
}

function overlap(a: string, b: string): boolean {
  return a === b || [a, b].some((ip) => ip === '0.0.0.0' || ip === '::');
}

type Taken = Pick<PortBinding, 'ip' | 'host' | 'protocol'>;

function portFree(port: Taken, taken: readonly Taken[]): boolean {
  return !taken.some((other) => other.host === port.host && other.protocol === port.protocol && overlap(other.ip, port.ip));
}

/** Whether the ports can be had at all: every choice is tried, in every order. */
function portsFit(node: NodeView, ask: Ask): boolean {
  const tryFrom = (at: number, taken: readonly Taken[]): boolean => {
    const spec = ask.ports[at];
    if (!spec) return true;
    const { from, to } = node.portRange;
    const hosts = spec.host === undefined ? Array.from({ length: Math.max(0, to - from + 1) }, (_, step) => from + step) : [spec.host];
    return hosts.some((host) => {
      const port = { ip: spec.ip ?? node.portsIp, host, protocol: spec.protocol };
      return portFree(port, taken) && tryFrom(at + 1, [...taken, port]);
    });
  };
  return tryFrom(0, node.portsTaken);
}

/** Whether a node can take a task. @param mates tasks of its kind there */
export function canTake(node: NodeView, ask: Ask, mates = 0): boolean {
  const room = (asked: number, reserved: number, capacity: number): boolean => asked === 0 || reserved + asked <= capacity * (1 + 1e-9);
  const { resources: asked } = ask;
  return (
    node.state === 'ready' &&
    !node.engineAway &&
    node.eligible &&
    (ask.onNode === undefined || node.name === ask.onNode) &&
    (ask.datacenters.length === 0 || ask.datacenters.includes(node.dc)) &&
    room(asked.cpu, node.reserved.cpu, node.capacity.cpu) &&
    room(asked.memoryBytes, node.reserved.memoryBytes, node.capacity.memoryBytes) &&
    room(asked.diskBytes, node.reserved.diskBytes, node.capacity.diskBytes) &&
    Object.entries(asked.custom).every(([name, amount]) =>
      room(amount, own(node.reserved.custom, name), own(node.capacity.custom, name)),
    ) &&
    node.tasks < node.slotsMax &&
    (ask.constraints ?? []).every((constraint) => meets(constraint, attributeOf(node, constraint.attribute))) &&
    (ask.maxPerNode === undefined || mates < ask.maxPerNode) &&
    (ask.dataOn === undefined || node.id === ask.dataOn.node) &&
    (ask.features ?? []).every((feature) => node.features?.includes(feature)) &&
    (ask.mounts ?? []).every((path) => (node.mounts ?? []).some((mount) => `${path}/`.startsWith(mount === '/' ? '/' : `${mount}/`))) &&
    portsFit(node, ask)
  );
}

/** The node with a task on it. */
export function withTask(node: NodeView, ask: Ask, ports: readonly PortBinding[], slot: string): NodeView {
  const chosen = ports.findLast((_, at) => ask.ports[at]?.host === undefined);
  return {
    ...node,
    reserved: together(node.reserved, ask.resources),
    used: together(node.used, ask.resources),
    tasks: node.tasks + 1,
    portsTaken: [...node.portsTaken, ...ports.map(({ ip, host, protocol }) => ({ ip, host, protocol, by: slot }))],
    ...(chosen ? { portsNext: chosen.host + 1 } : {}),
  };
}

function isAvoided(node: NodeView, ask: Ask): boolean {
  return (ask.avoid ?? []).some((id) => id === node.id);
}

/** Tasks of the kind that is being placed, by node id. */
type Mates = Readonly<Record<string, number>>;

interface Stock {
  readonly asked: number;
  readonly capacity: number;
  readonly reserved: number;
  readonly used: number;
}

/** What is asked and there, resource by resource, in the order in which terms are added up. */
function stocks(node: NodeView, { resources }: Ask): Stock[] {
  const stock = (name: 'cpu' | 'memoryBytes' | 'diskBytes'): Stock => ({
    asked: resources[name],
    capacity: node.capacity[name],
    reserved: node.reserved[name],
    used: node.used[name],
  });
  const custom = Object.keys(resources.custom).toSorted();
  return [
    stock('cpu'),
    stock('memoryBytes'),
    stock('diskBytes'),
    ...custom.map((name) => ({
      asked: resources.custom[name]!,
      capacity: own(node.capacity.custom, name),
      reserved: own(node.reserved.custom, name),
      used: own(node.used.custom, name),
    })),
    { asked: 1, capacity: node.slotsMax, reserved: node.tasks, used: 0 },
  ].filter(({ asked, capacity }) => asked !== 0 && capacity > 0);
}

/** What the policies promise, as their papers and docstrings have it. */
const costs: Readonly<Record<Exclude<PolicyName, 'roundrobin'>, (node: NodeView, ask: Ask, there: number, base: number) => number>> = {
  epvm: (node, ask, _, base) =>
    stocks(node, ask).reduce((sum, { asked, capacity, reserved, used }) => {
      const logBase = Math.log(base);
      return sum + Math.exp((Math.max(reserved, used) / capacity) * logBase) * Math.expm1((asked / capacity) * logBase);
    }, 0),
  binpack: (node, ask) =>
    stocks(node, ask).reduce((sum, { asked, capacity, reserved }) => sum + 10 ** (1 - (reserved + asked) / capacity), 0),
  spread: (node, _, there) => there + node.tasks / node.slotsMax,
};

/** A node's cost with what affinity and spreading add. @param byPolicy by its policy alone */
function costOf(one: Case, nodes: readonly NodeView[], node: NodeView, ask: Ask, mates: Mates, byPolicy: number): number {
  const affinity = ask.affinity ?? [];
  const isLiked = affinity.length === 0 || affinity.some((each) => meets(each, attributeOf(node, each.attribute)));
  const cost = byPolicy + (isLiked ? 0 : one.affinityWeight);
  const { spread } = ask;
  if (spread === undefined) return cost;
  const domain = attributeOf(node, spread);
  const inDomain = nodes.filter((other) => attributeOf(other, spread) === domain).reduce((sum, { id }) => sum + (mates[id] ?? 0), 0);
  return cost + inDomain * one.spreadWeight;
}

function cheapest(one: Case, nodes: readonly NodeView[], ask: Ask, mates: Mates): { index: number; score: number } | undefined {
  let best: { index: number; score: number } | undefined;
  const takes = (node: NodeView): boolean => canTake(node, ask, mates[node.id]);
  const others = nodes.some((node) => takes(node) && !isAvoided(node, ask));
  for (const [index, node] of nodes.entries()) {
    if (!takes(node) || (others && isAvoided(node, ask))) continue;
    const byPolicy = costs[one.policy as 'epvm'](node, ask, mates[node.id] ?? 0, one.epvmBase);
    const score = costOf(one, nodes, node, ask, mates, byPolicy);
    if (!best || score < best.score || (score === best.score && node.name < nodes[best.index]!.name)) best = { index, score };
  }
  return best;
}

/** Round robin as a walk: how far it has come, and how often each node was visited since the group began. */
function roundRobin(
  one: Case,
  nodes: readonly NodeView[],
  ask: Ask,
  mates: Mates,
  visits: Mates,
): { index: number; score: number } | undefined {
  let best: { index: number; score: number } | undefined;
  for (const avoided of [false, true]) {
    for (let steps = 1; steps <= nodes.length; steps++) {
      const index = (((one.cursor + steps) % nodes.length) + nodes.length) % nodes.length;
      const node = nodes[index]!;
      if (!canTake(node, ask, mates[node.id]) || isAvoided(node, ask) !== avoided) continue;
      const score = costOf(one, nodes, node, ask, mates, steps + (visits[node.id] ?? 0) * nodes.length);
      if (!best || score < best.score || (score === best.score && node.name < nodes[best.index]!.name)) best = { index, score };
    }
    if (best) return best;
  }
  return undefined;
}

/** The plan, without the reasons of what is not placed. */
export function oracle(one: Case): Omit<Plan, 'unplaced'> & { readonly unplaced: readonly string[] } {
  const nodes = [...one.nodes];
  const placements: Placement[] = [];
  const unplaced: string[] = [];
  let { cursor } = one;
  const placedOf = new Map<string | undefined, string[]>();
  for (const { ask, kind, tasks, mates: before = {} } of one.groups) {
    const mates: Record<string, number> = { ...before };
    const siblings = kind === undefined ? [] : (placedOf.get(kind) ?? []);
    for (const id of siblings) mates[id] = (mates[id] ?? 0) + 1;
    placedOf.set(kind, siblings);
    const visits: Record<string, number> = {};
    const from = cursor;
    for (const { id, slot } of tasks) {
      const picked =
        one.policy === 'roundrobin' ? roundRobin({ ...one, cursor: from }, nodes, ask, mates, visits) : cheapest(one, nodes, ask, mates);
      if (!picked) {
        unplaced.push(id);
        continue;
      }
      const node = nodes[picked.index]!;
      const bound = new PortTable(node).bind(ask.ports, id);
      const ports = 'bindings' in bound ? bound.bindings : [];
      placements.push({ task: id, node: node.id, score: picked.score, ports });
      nodes[picked.index] = withTask(node, ask, ports, slot);
      mates[node.id] = (mates[node.id] ?? 0) + 1;
      visits[node.id] = (visits[node.id] ?? 0) + 1;
      siblings.push(node.id);
      cursor = picked.index;
    }
  }
  return { placements, unplaced, cursor };
}
