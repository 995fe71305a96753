/**
 * Blocks: nodes in an order in which like ones are neighbours, cut into pieces of pieces whose scores can be bounded. Who looks for the
 * best node of a task skips the pieces that cannot hold it: exact, as if every node had been looked at (branch and bound; Land, Doig, 1960).
 */
import type { Summary } from '../policy.ts';
import type { Run } from './run.ts';

/** Rows in a block, and blocks in one above: many enough that bounds are few, and few enough that a block is soon read. */
const fanOut = 16;

/** Some rows, or some blocks of them, and what bounds the scores of all rows below. */
export class Block implements Summary {
  /** Rows; none where there are blocks below. */
  readonly rows: Int32Array;
  readonly below: readonly Block[];
  /** The lowest rank among the rows. */
  readonly rank: number;
  readonly #run: Run;
  readonly #mostCapacity: Float64Array;
  readonly #leastCapacity: Float64Array;
  readonly #leastUtilised: Float64Array;
  readonly #leastReserved: Float64Array;
  readonly #mostReserved: Float64Array;
  /** Powers of the least utilisation; negative where it has not been asked for. */
  readonly #leastPower: Float64Array;
  #above: Block | undefined;
  #isStale = true;

  constructor(run: Run, rows: Int32Array, below: readonly Block[]) {
    const width = run.columns.resources.length;
    this.#run = run;
    this.rows = rows;
    this.below = below;
    for (const block of below) block.#above = this;
    this.rank = below.length > 0 ? least(below, ({ rank }) => rank) : least([...rows], (row) => run.columns.ranks[row]!);
    const columns = (): Float64Array => new Float64Array(width);
    [this.#mostCapacity, this.#leastCapacity, this.#leastUtilised] = [columns(), columns(), columns()];
    [this.#leastReserved, this.#mostReserved, this.#leastPower] = [columns(), columns(), columns()];
    for (let column = 0; column < width; column++) {
      const all = run.columns.capacity[column]!;
      this.#mostCapacity[column] =
        below.length > 0 ? -least(below, (block) => -block.mostCapacity(column)) : -least([...rows], (row) => -all[row]!);
      this.#leastCapacity[column] =
        below.length > 0 ? least(below, (block) => block.leastCapacity(column)) : least([...rows], (row) => all[row]!);
    }
  }

  /** A row's amounts changed. */
  touch(): void {
    this.#isStale = true;
    this.#above?.touch();
  }

  mostCapacity(column: number): number {
    return this.#mostCapacity[column]!;
  }

  leastCapacity(column: number): number {
    return this.#leastCapacity[column]!;
  }

  leastPower(column: number, logBase: number): number {
    if (this.#isStale) this.#refresh();
    const known = this.#leastPower[column]!;
    return known >= 0 ? known : (this.#leastPower[column] = Math.exp(this.#leastUtilised[column]! * logBase));
  }

  leastReserved(column: number): number {
    if (this.#isStale) this.#refresh();
    return this.#leastReserved[column]!;
  }

  mostReserved(column: number): number {
    if (this.#isStale) this.#refresh();
    return this.#mostReserved[column]!;
  }

  #refresh(): void {
    this.#isStale = false;
    this.#leastPower.fill(-1);
    this.#leastUtilised.fill(Number.POSITIVE_INFINITY);
    this.#leastReserved.fill(Number.POSITIVE_INFINITY);
    this.#mostReserved.fill(Number.NEGATIVE_INFINITY);
    for (const block of this.below) {
      if (block.#isStale) block.#refresh();
      for (let column = 0; column < this.#leastPower.length; column++) {
        this.#bound(column, block.#leastUtilised[column]!, block.#leastReserved[column]!, block.#mostReserved[column]!);
      }
    }
    const { columns, reserved, used } = this.#run;
    for (let at = 0; at < this.rows.length; at++) {
      const row = this.rows[at]!;
      for (let column = 0; column < this.#leastPower.length; column++) {
        const capacity = columns.capacity[column]![row]!;
        const share = capacity > 0 ? reserved[column]![row]! / capacity : 0;
        const busy = capacity > 0 ? used[column]![row]! / capacity : 0;
        // What is not a number bounds nothing: such a row loses to all others.
        this.#bound(column, busy <= share ? share : busy, share, share);
      }
    }
  }

  #bound(column: number, utilised: number, leastReserved: number, mostReserved: number): void {
    if (utilised < this.#leastUtilised[column]!) this.#leastUtilised[column] = utilised;
    if (leastReserved < this.#leastReserved[column]!) this.#leastReserved[column] = leastReserved;
    if (mostReserved > this.#mostReserved[column]!) this.#mostReserved[column] = mostReserved;
  }
}

function least<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((found, item) => Math.min(found, of(item)), Number.POSITIVE_INFINITY);
}

/** The block of all these rows of a run; blocks learn of what the run places on their rows. */
export function blockOf(run: Run, rows: Int32Array): Block {
  const order = rows.slice().sort(byLikeness(run));
  const byRow = new Map<number, Block>();
  let level: Block[] = [];
  for (let from = 0; from < order.length; from += fanOut) {
    const block = new Block(run, order.slice(from, from + fanOut), []);
    level.push(block);
    for (const row of block.rows) byRow.set(row, block);
  }
  while (level.length > 1) {
    const above: Block[] = [];
    for (let from = 0; from < level.length; from += fanOut) above.push(new Block(run, noRows, level.slice(from, from + fanOut)));
    level = above;
  }
  run.watch((row) => byRow.get(row)?.touch());
  return level[0] ?? new Block(run, noRows, []);
}

const noRows = new Int32Array(0);

/** Nodes of one size together, the emptier ones of them first; equal ones by rank. */
function byLikeness({ columns, reserved, used }: Run): (a: number, b: number) => number {
  const { capacity, ranks, rows } = columns;
  const load = new Float64Array(rows);
  for (const [column, all] of capacity.entries()) {
    for (let row = 0; row < rows; row++) {
      if (all[row]! > 0) load[row]! += Math.max(reserved[column]![row]!, used[column]![row]!) / all[row]!;
    }
  }
  return (a, b) => {
    for (let column = 0; column < capacity.length; column++) {
      const by = capacity[column]![a]! - capacity[column]![b]!;
      if (by !== 0) return by;
    }
    return load[a]! - load[b]! || ranks[a]! - ranks[b]!;
  };
}
