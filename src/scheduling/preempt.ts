/**
 * Preemption: room for a task that no node can take, by the end of tasks that matter less.
 *
 * Who may go: tasks of lower priority, and tasks of equal priority of a batch that is `preemptible`, unless the task is preemptible
 * itself. Only where it helps: without them the task passes every filter of that node. Where those who are leaving anyway make
 * enough room, nobody else goes.
 *
 * The least, in this order:
 * 1. a node that the task need not avoid: stopping tasks for a place where it has just failed would be for nothing;
 * 2. the highest priority among the victims as low as possible: what priorities are for (kube-scheduler has it first as well, after
 *    disruption budgets: `pickOneNodeForPreemption` in its `framework/preemption`; Nomad's `preemption.go` takes the lowest
 *    priorities first, too);
 * 3. the fewest victims: each is a disturbance for somebody (kube-scheduler: the fewest, after the smallest sum of priorities);
 * 4. the least reserved, as a share of the largest node: Nomad minimises the distance between what is asked and what is freed;
 * 5. the newest tasks: the least work is lost (kube-scheduler: the latest start);
 * 6. the first node by name.
 */
import type { Limits } from '../core/limits.ts';
import type { Ask, NodeView } from '../core/placement.ts';
import { noResources, type Resources } from '../core/resources.ts';
import { encode } from './placing/batch.ts';
import { openRows } from './filter.ts';
import { amountOf, type NodeTable } from './node-table.ts';
import { byName, compare, isAvoided, isBetter, largestOf, type Bounded, type Choice, type Cost, type Found } from './preempt/choice.ts';
import { Columns, needsOf, Sums } from './preempt/columns.ts';
import { Room, slack, withClaim, withoutTasks, type Level, type Victim } from './preempt/room.ts';
import { leastVictims, type Budget } from './preempt/search.ts';
import { recheck } from './recheck.ts';
import { Run } from './placing/run.ts';

/** A task that found no place. */
export interface Applicant {
  readonly slot: string;
  /** `job/task`. */
  readonly kind: string;
  readonly ask: Ask;
  readonly priority: number;
  readonly preemptible: boolean;
  /** Id of the node where room is being made for it already: it stays with that one if it will fit there. */
  readonly roomOn?: string;
}

/** Where there will be room. */
export interface Preemption {
  /** Id of the node. */
  readonly node: string;
  /** To be stopped; none where those who are leaving make enough room. */
  readonly victims: readonly Victim[];
  /** How many tasks are leaving there already. */
  readonly leaving: number;
}

/** What filters do not look at. */
const anySettings = { policy: 'epvm', epvmBase: 2, affinityWeight: 0, spreadWeight: 0, cursor: -1, reasonsMax: 1 } as const;

type PreemptLimits = Pick<Limits, 'preemptNodesMax' | 'preemptSetsMax'>;

/** The nodes during one pass over tasks without a place: what is decided for one of them is no room for the next. */
export class Rooms {
  readonly #table: NodeTable;
  /** By row of the table, as they are now; promised room counts as reserved. */
  readonly #nodes: (NodeView | undefined)[];
  /** Who holds a place on each node. */
  readonly #tasks: (readonly Victim[])[];
  /** Kinds of the tasks to which room is promised. */
  readonly #claims: (readonly string[])[];
  /** Made when first looked at, which few are. */
  readonly #rooms: (Room | undefined)[];
  readonly #sums: (Sums | undefined)[];
  readonly #columns = new Map<string, Columns>();
  readonly #priorities: readonly number[];
  readonly #largest: Resources;
  /** Rows that pass the filters about which no task's end can change anything, by what is asked of them: many tasks ask the same. */
  readonly #open = new Map<string, readonly number[]>();
  readonly #limits: PreemptLimits;

  /** @param tasksOn who holds a place on the node of that id, leaving or not */
  constructor(table: NodeTable, tasksOn: (node: string) => readonly Victim[], limits: PreemptLimits) {
    const { rows } = table.columns([], []);
    this.#table = table;
    this.#nodes = Array.from({ length: rows }, (_, row) => table.viewAt(row));
    this.#tasks = this.#nodes.map((node) => (node ? tasksOn(node.id) : []));
    this.#claims = this.#nodes.map(() => []);
    this.#rooms = this.#nodes.map(() => undefined);
    this.#sums = this.#nodes.map(() => undefined);
    const priorities = new Set<number>();
    for (const tasks of this.#tasks) for (const task of tasks) if (!task.leaving) priorities.add(task.priority);
    this.#priorities = [...priorities].sort((a, b) => a - b);
    this.#largest = largestOf(this.#nodes);
    this.#limits = limits;
  }

  /** The node where the task will have room with the least loss, or undefined when no loss that may be asked for helps. Changes nothing. */
  find(applicant: Applicant): Preemption | undefined {
    const { ask, kind } = applicant;
    const found = this.#waitsFor(applicant) ?? this.#leastLoss(applicant);
    if (!found) return undefined;
    // All filters have the last word, those as well that nothing here knows of.
    const { room, victims } = found;
    const mates = room.mates(kind) - victims.filter((victim) => victim.kind === kind).length;
    if (recheck(withoutTasks(room.view, victims), ask, [], mates)) return undefined;
    return { node: room.view.id, victims, leaving: room.leaving };
  }

  /** Counts a decision: its victims are leaving, and their place is promised. */
  promise({ node: id, victims }: Preemption, { ask, slot, kind }: Applicant): void {
    const row = this.#table.rowOf(id);
    const going = new Set(victims);
    const node = withClaim(this.#nodes[row]!, ask, slot);
    const tasks = this.#tasks[row]!.map((task) => (going.has(task) ? { ...task, leaving: true } : task));
    this.#nodes[row] = node;
    this.#tasks[row] = tasks;
    this.#claims[row] = [...this.#claims[row]!, kind];
    this.#rooms[row] = undefined;
    this.#sums[row] = undefined;
    for (const columns of this.#columns.values()) columns.forget(row);
  }

  #room(at: number): Room {
    return (this.#rooms[at] ??= new Room(this.#nodes[at]!, this.#tasks[at]!, this.#claims[at]!));
  }

  #sumsOf(row: number): Sums {
    return (this.#sums[row] ??= new Sums(this.#nodes[row]!, this.#tasks[row]!));
  }

  #at(level: Level | undefined): Columns {
    const key = level ? `${level.priority} ${level.onlyPreemptible}` : '';
    let columns = this.#columns.get(key);
    if (!columns) {
      columns = new Columns(this.#nodes.length, level, (row) => this.#sumsOf(row));
      this.#columns.set(key, columns);
    }
    return columns;
  }

  /** Where the task fits once those have gone who are leaving: where it was promised, else where the fewest are waited for. */
  #waitsFor({ ask, kind, roomOn }: Applicant): Found | undefined {
    const needs = needsOf(ask.resources);
    const columns = this.#at(undefined);
    let best: { readonly room: Room; readonly order: Cost } | undefined;
    for (const at of this.#openFor(ask)) {
      if (!columns.suffice(at, needs)) continue;
      const room = this.#room(at);
      const order = room.view.id === roomOn ? [-1, 0] : [Number(isAvoided(room.view, ask)), room.leaving];
      const than = best ? compare(order, best.order) || byName(room, best.room) : -1;
      if (than < 0 && room.fits(ask, kind, [])) best = { room, order };
    }
    return best && { room: best.room, victims: [] };
  }

  #leastLoss(applicant: Applicant): Found | undefined {
    const budget: Budget = { sets: this.#limits.preemptSetsMax };
    let best: Choice | undefined;
    let looked = 0;
    for (const { bound, level, nodes } of this.#byBound(applicant)) {
      if (best && (looked >= this.#limits.preemptNodesMax || compare(best.cost, bound) < 0)) break;
      for (const at of nodes) {
        if (best && looked >= this.#limits.preemptNodesMax) break;
        const found = this.#choose(this.#room(at), level, applicant, best?.cost, budget);
        looked++;
        if (found && (!best || isBetter(found, best))) best = found;
      }
    }
    return best;
  }

  #openFor(ask: Ask): readonly number[] {
    const custom = Object.entries(ask.resources.custom);
    const { datacenters, onNode, constraints, dataOn, mounts, features } = ask;
    const key = JSON.stringify([datacenters, onNode, constraints, custom, dataOn, mounts, features]);
    let open = this.#open.get(key);
    if (!open) {
      const place: Ask = { resources: noResources, ports: [], datacenters, onNode, constraints, dataOn, mounts, features };
      const { columns, batch } = encode({ table: this.#table, groups: [{ ask: place, tasks: [] }], ...anySettings });
      const run = new Run(columns, batch);
      const offers = (capacity: Resources): boolean => custom.every(([name, amount]) => amount <= amountOf(capacity, name) * (1 + slack));
      open = [...openRows(run, run.want(batch.wheres[0]!, batch.amounts))].filter((row) => offers(this.#nodes[row]!.capacity));
      this.#open.set(key, open);
    }
    return open;
  }

  /** Who may go for a task, a little more with each level. */
  #levelsOf({ priority, preemptible }: Applicant): Level[] {
    const levels = this.#priorities.filter((other) => other < priority).map((other) => ({ priority: other, onlyPreemptible: false }));
    if (!preemptible && this.#priorities.includes(priority)) levels.push({ priority, onlyPreemptible: true });
    return levels;
  }

  /** Nodes where sums say that it may help, those with the least to lose first: they share the best that any of them can come to. */
  *#byBound(applicant: Applicant): Generator<Bounded> {
    const { ask } = applicant;
    const needs = needsOf(ask.resources);
    const levels = this.#levelsOf(applicant);
    const open = this.#openFor(ask);
    for (const avoided of (ask.avoid?.length ?? 0) > 0 ? [false, true] : [false]) {
      let left = ask.avoid === undefined ? open : open.filter((at) => isAvoided(this.#nodes[at]!, ask) === avoided);
      for (const level of levels.slice(this.#firstLevel(levels, left, needs))) {
        const columns = this.#at(level);
        const groups = new Map<number, number[]>();
        const later: number[] = [];
        for (const at of left) {
          if (!columns.suffice(at, needs)) {
            later.push(at);
            continue;
          }
          const least = columns.atLeast(at, needs);
          const group = groups.get(least);
          if (group) group.push(at);
          else groups.set(least, [at]);
        }
        for (const [least, nodes] of [...groups].sort(([a], [b]) => a - b)) {
          yield { bound: [Number(avoided), level.priority, least, 0, Number.NEGATIVE_INFINITY], level, nodes };
        }
        left = later;
      }
    }
  }

  /** The first level at which sums are enough on any of some nodes. */
  #firstLevel(levels: readonly Level[], nodes: readonly number[], needs: readonly number[]): number {
    let [low, high] = [0, levels.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#at(levels[middle]).sufficeOnAny(nodes, needs)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The least that can go on one node; undefined where nothing helps, or nothing that is better than what was found elsewhere. */
  #choose(room: Room, from: Level, applicant: Applicant, best: Cost | undefined, budget: Budget): Choice | undefined {
    const { ask, kind } = applicant;
    const end = room.endOf(this.#levelsOf(applicant).at(-1)!);
    const fitsWithout = (victims: readonly Victim[]): boolean => room.fits(ask, kind, victims);
    let level = room.endOf(from);
    while (level === 0 || !fitsWithout(room.staying.slice(0, level))) {
      if (level >= end) return undefined;
      level = room.sameEnd(level + 1, end);
    }
    const bound = [Number(isAvoided(room.view, ask)), room.staying[level - 1]!.priority];
    const than = best && compare(bound, best.slice(0, 2));
    if (than !== undefined && than > 0) return undefined;
    const victims = leastVictims({
      room,
      ask,
      victims: room.staying.slice(0, level),
      fitsWithout,
      lossOf: (victim) => this.#lossOf(victim),
      most: than === 0 ? best![2]! : Number.POSITIVE_INFINITY,
      budget,
    });
    return victims && { room, victims, cost: this.#costOf(room, ask, victims) };
  }

  #costOf(room: Room, ask: Ask, victims: readonly Victim[]): Cost {
    const highest = Math.max(...victims.map((victim) => victim.priority));
    const loss = victims.reduce((sum, victim) => sum + this.#lossOf(victim), 0);
    const age = -victims.reduce((sum, victim) => sum + victim.createdAt, 0);
    return [Number(isAvoided(room.view, ask)), highest, victims.length, loss, age];
  }

  /** What a victim's end gives up, in millionths of the largest node, all resources together. */
  #lossOf({ resources }: Victim): number {
    const share = (amount: number, most: number): number => (most > 0 ? amount / most : 0);
    const { cpu, memoryBytes, diskBytes } = this.#largest;
    let sum = share(resources.cpu, cpu) + share(resources.memoryBytes, memoryBytes) + share(resources.diskBytes, diskBytes);
    for (const name of Object.keys(resources.custom)) sum += share(amountOf(resources, name), amountOf(this.#largest, name));
    return Math.round(sum * 1e6);
  }
}
