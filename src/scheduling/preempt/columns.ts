/** Sums over all nodes, in columns: where room could come from at all is found without a look at every task. */
import type { NodeView } from '../../core/placement.ts';
import type { Resources } from '../../core/resources.ts';
import { slack, type Level, type Victim } from './room.ts';

/** What is summed of every task and node: cpu, memory, disk, slots. Custom resources are looked at by name. */
const width = 4;

/** What a task needs, column by column. A slot is one task. */
export function needsOf({ cpu, memoryBytes, diskBytes }: Resources): readonly number[] {
  return [cpu, memoryBytes, diskBytes, 1];
}

/** A task's place in the order in which tasks go; of a level the place of the last that goes with it. */
function placeOf(priority: number, stays: boolean): number {
  return 2 * priority + Number(stays);
}

/** Sums over the tasks of one node: over those who are leaving, then with one more of the others at a time, in the order in which they go. */
export class Sums {
  /** Free once all who are leaving have gone, then with the first of the others gone, and so on: four numbers each. */
  readonly free: Float64Array;
  /** The most that one of those has. */
  readonly largest: Float64Array;
  readonly #places: readonly number[];

  constructor({ capacity, reserved, slotsMax, tasks: count }: NodeView, tasks: readonly Victim[]) {
    const staying = tasks.filter((task) => !task.leaving);
    staying.sort((a, b) => placeOf(a.priority, !a.preemptible) - placeOf(b.priority, !b.preemptible));
    this.#places = staying.map(({ priority, preemptible }) => placeOf(priority, !preemptible));
    const free = new Float64Array(width * (staying.length + 1));
    const largest = new Float64Array(free.length);
    free[0] = capacity.cpu * (1 + slack) - reserved.cpu;
    free[1] = capacity.memoryBytes * (1 + slack) - reserved.memoryBytes;
    free[2] = capacity.diskBytes * (1 + slack) - reserved.diskBytes;
    free[3] = slotsMax - count;
    const add = (at: number, from: number, amount: number): void => {
      free[at] = free[from]! + amount;
      if (at !== from) largest[at] = Math.max(largest[from]!, amount);
    };
    const addAll = (to: number, from: number, { cpu, memoryBytes, diskBytes }: Resources): void => {
      add(to, from, cpu);
      add(to + 1, from + 1, memoryBytes);
      add(to + 2, from + 2, diskBytes);
      add(to + 3, from + 3, 1);
    };
    for (const task of tasks) if (task.leaving) addAll(0, 0, task.resources);
    for (const [index, { resources }] of staying.entries()) addAll((index + 1) * width, index * width, resources);
    this.free = free;
    this.largest = largest;
  }

  /** Where the numbers of a level stand. */
  at(level: Level | undefined): number {
    if (!level) return 0;
    const last = placeOf(level.priority, !level.onlyPreemptible);
    let [low, high] = [0, this.#places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#places[middle]! <= last) low = middle + 1;
      else high = middle;
    }
    return low * width;
  }
}

/** What each node has free once all who are leaving have gone, and all within a level with them. */
export class Columns {
  readonly #level: Level | undefined;
  readonly #sums: (row: number) => Sums;
  /** Which rows are summed up: those that somebody asked about. */
  readonly #drawn: Uint8Array;
  readonly #free: Float64Array;
  /** Free as long as nobody within the level goes. */
  readonly #now: Float64Array;
  /** The most that one within the level has. */
  readonly #largest: Float64Array;

  /** @param level undefined: only who is leaving goes */
  constructor(size: number, level: Level | undefined, sums: (row: number) => Sums) {
    this.#level = level;
    this.#sums = sums;
    this.#drawn = new Uint8Array(size);
    this.#free = new Float64Array(width * size);
    this.#now = new Float64Array(width * size);
    this.#largest = new Float64Array(width * size);
  }

  /** A node has changed. */
  forget(index: number): void {
    this.#drawn[index] = 0;
  }

  #draw(index: number): void {
    const sums = this.#sums(index);
    const at = sums.at(this.#level);
    this.#drawn[index] = 1;
    for (let column = 0; column < width; column++) {
      this.#free[index * width + column] = sums.free[at + column]!;
      this.#now[index * width + column] = sums.free[column]!;
      this.#largest[index * width + column] = sums.largest[at + column]!;
    }
  }

  /** Whether sums leave enough on a node. */
  suffice(index: number, needs: readonly number[]): boolean {
    if (this.#drawn[index] === 0) this.#draw(index);
    const from = index * width;
    for (let at = 0; at < width; at++) if (needs[at]! > 0 && needs[at]! > this.#free[from + at]!) return false;
    return true;
  }

  /** Whether sums leave enough on any of some nodes. */
  sufficeOnAny(nodes: readonly number[], needs: readonly number[]): boolean {
    for (const index of nodes) if (this.suffice(index, needs)) return true;
    return false;
  }

  /** No fewer than so many must go from a node where sums suffice. */
  atLeast(index: number, needs: readonly number[]): number {
    let least = 1;
    for (let at = 0; at < width; at++) {
      const short = needs[at]! - this.#now[index * width + at]!;
      if (needs[at]! > 0 && short > 0) least = Math.max(least, Math.ceil(short / this.#largest[index * width + at]! - slack));
    }
    return least;
  }
}
