/** What nodes have for a task that no node can take as it is: what is free, what is about to be, and what others hold. */
import type { Ask, NodeView } from '../../core/placement.ts';
import { minus, plus, type Resources } from '../../core/resources.ts';
import type { PortBinding } from '../../core/task.ts';
import { amountOf } from '../node-table.ts';
import { PortTable } from '../ports.ts';
import { sumSlack } from '../placing/run.ts';

/** A task that holds a place on a node: one that may have to go, or that is going. */
export interface Victim {
  readonly id: string;
  readonly slot: string;
  /** `job/task`: tasks of one kind are each other's mates. */
  readonly kind: string;
  /** Its job's. */
  readonly priority: number;
  /** Whether tasks of its own priority may take its place. */
  readonly preemptible: boolean;
  readonly resources: Resources;
  readonly ports: readonly PortBinding[];
  /** It is wanted no more and has not ended yet: its place is room to come. */
  readonly leaving: boolean;
  /** Ms since the epoch. */
  readonly createdAt: number;
}

/** Twice the slack of the filters: what is ruled out by sums must be ruled out by them; they have the last word. */
export const slack = 2 * sumSlack;

/** Who may go: everybody up to a priority, or of that priority only those who are preemptible. */
export interface Level {
  readonly priority: number;
  readonly onlyPreemptible: boolean;
}

/** Whether a task goes with a level. */
function isWithin({ priority, preemptible }: Victim, level: Level): boolean {
  return priority < level.priority || (priority === level.priority && (preemptible || !level.onlyPreemptible));
}

/** One node. Its tasks stand in the order in which they go: lowest priority first, of one priority those that are preemptible first. */
export class Room {
  /** As it will be when all who are leaving are gone. */
  readonly view: NodeView;
  /** How many those are. */
  readonly leaving: number;
  readonly staying: readonly Victim[];
  /** Kinds of the tasks to which room here is promised. */
  readonly #claims: readonly string[];

  constructor(now: NodeView, victims: readonly Victim[], claims: readonly string[]) {
    const leaving = victims.filter((victim) => victim.leaving);
    this.view = withoutTasks(now, leaving);
    this.leaving = leaving.length;
    this.staying = victims.filter((victim) => !victim.leaving).sort(byTurn);
    this.#claims = claims;
  }

  /** How many of `staying`, from the first, are within a level. */
  endOf(level: Level): number {
    const end = this.staying.findIndex((victim) => !isWithin(victim, level));
    return end < 0 ? this.staying.length : end;
  }

  /** The index after the last task, before `end`, that shares the priority of the task before `count`. */
  sameEnd(count: number, end: number): number {
    const { priority } = this.staying[count - 1]!;
    let at = count;
    while (at < end && this.staying[at]!.priority === priority) at++;
    return at;
  }

  /** Whether there is room for the task once those who are leaving are gone, and these as well: what a run can change, as in ../filter.ts. */
  fits(ask: Ask, kind: string, without: readonly Victim[]): boolean {
    if (ask.maxPerNode !== undefined && this.mates(kind) - countOf(kind, without) >= ask.maxPerNode) return false;
    const view = withoutTasks(this.view, without);
    if (!hasRoom(view, ask.resources)) return false;
    return ask.ports.length === 0 || 'bindings' in new PortTable(view).bind(ask.ports, '');
  }

  /** Tasks of a kind that will be here, those included to which room is promised. */
  mates(kind: string): number {
    return countOf(kind, this.staying) + this.#claims.filter((claim) => claim === kind).length;
  }
}

function countOf(kind: string, victims: readonly Victim[]): number {
  return victims.reduce((sum, victim) => sum + Number(victim.kind === kind), 0);
}

function byTurn(a: Victim, b: Victim): number {
  return a.priority - b.priority || Number(b.preemptible) - Number(a.preemptible);
}

/** By the filters' own arithmetic, so that both say the same. */
function hasRoom({ capacity, reserved, tasks, slotsMax }: NodeView, { cpu, memoryBytes, diskBytes, custom }: Resources): boolean {
  const fits = (amount: number, taken: number, has: number): boolean => amount === 0 || taken + amount <= has;
  const slackened = (has: number): number => has * (1 + sumSlack);
  return (
    fits(cpu, reserved.cpu, slackened(capacity.cpu)) &&
    fits(memoryBytes, reserved.memoryBytes, capacity.memoryBytes) &&
    fits(diskBytes, reserved.diskBytes, capacity.diskBytes) &&
    fits(1, tasks, slotsMax) &&
    Object.entries(custom).every(([name, amount]) => fits(amount, amountOf(reserved, name), slackened(amountOf(capacity, name))))
  );
}

/** A node as it would be without some of its tasks. */
export function withoutTasks(view: NodeView, victims: readonly Victim[]): NodeView {
  if (victims.length === 0) return view;
  const gone = new Set<string>();
  for (const { ports, slot } of victims) for (const port of ports) gone.add(portKey(port, slot));
  return {
    ...view,
    reserved: minus(view.reserved, sumOf(victims)),
    tasks: view.tasks - victims.length,
    portsTaken: gone.size === 0 ? view.portsTaken : view.portsTaken.filter((port) => !gone.has(portKey(port, port.by))),
  };
}

function sumOf(victims: readonly Victim[]): Resources {
  let [cpu, memoryBytes, diskBytes] = [0, 0, 0];
  const custom: Record<string, number> = {};
  for (const { resources } of victims) {
    cpu += resources.cpu;
    memoryBytes += resources.memoryBytes;
    diskBytes += resources.diskBytes;
    for (const name of Object.keys(resources.custom))
      custom[name] = (Object.hasOwn(custom, name) ? custom[name]! : 0) + resources.custom[name]!;
  }
  return { cpu, memoryBytes, diskBytes, custom };
}

function portKey({ ip, host, protocol }: Pick<PortBinding, 'ip' | 'host' | 'protocol'>, by: string): string {
  return `${ip} ${host} ${protocol} ${by}`;
}

/** A node with a task on it that is yet to be placed there. Ports of the range are not chosen yet: only fixed ones are held. */
export function withClaim(view: NodeView, ask: Ask, slot: string): NodeView {
  const fixed = ask.ports.flatMap(({ ip, host, protocol }) =>
    host === undefined ? [] : [{ ip: ip ?? view.portsIp, host, protocol, by: `${slot}, to come` }],
  );
  return {
    ...view,
    reserved: plus(view.reserved, ask.resources),
    tasks: view.tasks + 1,
    portsTaken: [...view.portsTaken, ...fixed],
  };
}
