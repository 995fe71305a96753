/** What a node's load costs, and what one task more or less changes about it. */
import type { NodeView, PolicyName } from '../../core/placement.ts';
import { minus, plus, type Resources } from '../../core/resources.ts';

/**
 * What a node's share of one resource costs, by policy; their sum over all is what moves are to lower. For E-PVM it is the paper's own
 * cost, whose marginal the policy picks by. The square grows faster the fuller a node is: its sum is least when all are equally full,
 * and with a minus, when few are full and the others empty. Round robin looks at no load: nothing is worth moving.
 */
const costs: Readonly<Record<PolicyName, (use: number, base: number) => number>> = {
  epvm: (use, base) => base ** use,
  spread: (use) => use ** 2,
  binpack: (use) => -(use ** 2),
  roundrobin: () => 0,
};

/** Own keys only: a custom resource may be called `constructor`. */
function own(record: Readonly<Record<string, number>>, name: string): number {
  return Object.hasOwn(record, name) ? record[name]! : 0;
}

/** What a task takes, by the names that people call it. A slot is one task. */
function amountsOf({ cpu, memoryBytes, diskBytes, custom }: Resources): (readonly [resource: string, amount: number])[] {
  return [['cpu', cpu], ['memory', memoryBytes], ['disk', diskBytes], ['slots', 1], ...Object.entries(custom)];
}

/** The share of a resource that is reserved or in use on a node, whichever is larger; 0 of what it does not have. */
export function utilisation({ capacity, reserved, used, tasks, slotsMax }: NodeView, resource: string): number {
  const share = (taken: number, inUse: number, has: number): number => (has > 0 ? Math.max(taken, inUse) / has : 0);
  if (resource === 'cpu') return share(reserved.cpu, used.cpu, capacity.cpu);
  if (resource === 'memory') return share(reserved.memoryBytes, used.memoryBytes, capacity.memoryBytes);
  if (resource === 'disk') return share(reserved.diskBytes, used.diskBytes, capacity.diskBytes);
  if (resource === 'slots') return share(tasks, 0, slotsMax);
  return share(own(reserved.custom, resource), own(used.custom, resource), own(capacity.custom, resource));
}

function capacityOf({ capacity, slotsMax }: NodeView, resource: string): number {
  if (resource === 'cpu') return capacity.cpu;
  if (resource === 'memory') return capacity.memoryBytes;
  if (resource === 'disk') return capacity.diskBytes;
  return resource === 'slots' ? slotsMax : own(capacity.custom, resource);
}

/** What a task adds to a node's cost, or what it adds as long as it is there (`sign` -1). */
export function marginal(node: NodeView, resources: Resources, sign: 1 | -1, policy: PolicyName, base: number): number {
  let sum = 0;
  for (const [resource, amount] of amountsOf(resources)) sum += part(node, resource, amount, sign, policy, base);
  return sum;
}

function part(node: NodeView, resource: string, amount: number, sign: 1 | -1, policy: PolicyName, base: number): number {
  const has = capacityOf(node, resource);
  if (amount === 0 || !(has > 0)) return 0;
  const now = utilisation(node, resource);
  const cost = costs[policy];
  return sign * (cost(now + (sign * amount) / has, base) - cost(now, base));
}

/** The resource by which a move gains most. */
export function mostGained(from: NodeView, to: NodeView, resources: Resources, policy: PolicyName, base: number): string {
  const gains = amountsOf(resources).map(([resource, amount]) => ({
    resource,
    gain: part(from, resource, amount, -1, policy, base) - part(to, resource, amount, 1, policy, base),
  }));
  return gains.reduce((best, other) => (other.gain > best.gain ? other : best)).resource;
}

/** A node with a task more or less. What the task uses is not known apart from the others: it is taken for what it reserves. */
export function shifted(node: NodeView, resources: Resources, sign: 1 | -1): NodeView {
  const change = sign === 1 ? plus : minus;
  const used = change(node.used, resources);
  return {
    ...node,
    reserved: change(node.reserved, resources),
    used: { ...used, cpu: Math.max(0, used.cpu), memoryBytes: Math.max(0, used.memoryBytes), diskBytes: Math.max(0, used.diskBytes) },
    tasks: node.tasks + sign,
  };
}
