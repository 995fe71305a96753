/** What preemption chooses between, and which of two choices is the lesser evil. */
import type { Ask, NodeView } from '../../core/placement.ts';
import type { Resources } from '../../core/resources.ts';
import type { Level, Room, Victim } from './room.ts';

/** A node, and who goes there. */
export interface Found {
  readonly room: Room;
  readonly victims: readonly Victim[];
}

/** To be avoided, highest priority, number of victims, what is lost, age: less is better, the first that differs decides. */
export type Cost = readonly number[];

/** The same, with what it costs. */
export interface Choice extends Found {
  readonly cost: Cost;
}

/** Nodes, and what a choice on any of them costs at least. */
export interface Bounded {
  readonly bound: Cost;
  /** Where sums are enough for the first time. */
  readonly level: Level;
  readonly nodes: readonly number[];
}

/** Whether the first is to be preferred. */
export function isBetter(a: Choice, b: Choice): boolean {
  return (compare(a.cost, b.cost) || byName(a.room, b.room)) < 0;
}

/** Order by name, then id. */
export function byName({ view: a }: Room, { view: b }: Room): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1;
}

/** Below 0 where the first costs less. */
export function compare(a: Cost, b: Cost): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at < 0 ? 0 : a[at]! - b[at]!;
}

/** Whether a node is one that the task should not go to while any other will do. */
export function isAvoided({ id }: NodeView, ask: Ask): boolean {
  return ask.avoid?.includes(id) ?? false;
}

/** The most that any node has of each resource. */
export function largestOf(nodes: readonly (NodeView | undefined)[]): Resources {
  const most = { cpu: 0, memoryBytes: 0, diskBytes: 0 };
  const custom: Record<string, number> = {};
  for (const node of nodes) {
    if (!node) continue;
    const { capacity } = node;
    most.cpu = Math.max(most.cpu, capacity.cpu);
    most.memoryBytes = Math.max(most.memoryBytes, capacity.memoryBytes);
    most.diskBytes = Math.max(most.diskBytes, capacity.diskBytes);
    for (const [name, amount] of Object.entries(capacity.custom)) {
      custom[name] = Math.max(Object.hasOwn(custom, name) ? custom[name]! : 0, amount);
    }
  }
  return { ...most, custom };
}
