/**
 * Blocks: nodes in an order in which like ones are neighbours, cut into pieces whose scores can be bounded. Who looks for the best node
 * of a task skips the pieces that cannot hold it: exact, as if every node had been looked at (branch and bound; Land, Doig, 1960).
 */
import type { Summary } from './policy.ts';
import type { Run } from './run.ts';

/** Rows in a block: many enough that bounds are few, and few enough that a block is soon read. */
const blockRows = 64;

/** One block, and what bounds the scores of its rows. */
export class Block implements Summary {
  readonly rows: Int32Array;
  /** The lowest rank among the rows. */
  readonly rank: number;
  readonly #run: Run;
  readonly #mostCapacity: Float64Array;
  readonly #leastCapacity: Float64Array;
  readonly #leastUtilised: Float64Array;
  readonly #leastReserved: Float64Array;
  readonly #mostReserved: Float64Array;
  #isStale = true;

  constructor(run: Run, rows: Int32Array) {
    const width = run.columns.resources.length;
    this.#run = run;
    this.rows = rows;
    this.rank = rows.reduce((least, row) => Math.min(least, run.columns.ranks[row]!), Number.POSITIVE_INFINITY);
    const bound = (start: number, better: (a: number, b: number) => number): Float64Array =>
      Float64Array.from({ length: width }, (_, column) =>
        rows.reduce((found, row) => better(found, run.columns.capacity[column]![row]!), start),
      );
    this.#mostCapacity = bound(0, Math.max);
    this.#leastCapacity = bound(Number.POSITIVE_INFINITY, Math.min);
    this.#leastUtilised = new Float64Array(width);
    this.#leastReserved = new Float64Array(width);
    this.#mostReserved = new Float64Array(width);
  }

  /** A row's amounts changed. */
  touch(): void {
    this.#isStale = true;
  }

  mostCapacity(column: number): number {
    return this.#mostCapacity[column]!;
  }

  leastCapacity(column: number): number {
    return this.#leastCapacity[column]!;
  }

  leastUtilised(column: number): number {
    if (this.#isStale) this.#refresh();
    return this.#leastUtilised[column]!;
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
    const { columns, reserved, used } = this.#run;
    for (let column = 0; column < columns.resources.length; column++) {
      const [all, taken, busy] = [columns.capacity[column]!, reserved[column]!, used[column]!];
      let [leastUtilised, leastReserved, mostReserved] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (const row of this.rows) {
        const capacity = all[row]!;
        const share = capacity > 0 ? taken[row]! / capacity : 0;
        const busyShare = capacity > 0 ? busy[row]! / capacity : 0;
        if (share < leastReserved) leastReserved = share;
        if (share > mostReserved) mostReserved = share;
        // What is not a number bounds nothing: such a row loses to all others.
        const utilised = busyShare <= share ? share : busyShare;
        if (utilised < leastUtilised) leastUtilised = utilised;
      }
      this.#leastUtilised[column] = leastUtilised;
      this.#leastReserved[column] = leastReserved;
      this.#mostReserved[column] = mostReserved;
    }
  }
}

/** The rows of a run in blocks; a block learns of what the run places on its rows. */
export function blocksOf(run: Run, rows: Int32Array): readonly Block[] {
  const order = rows.slice().sort(byLikeness(run));
  const blocks: Block[] = [];
  const blockOf = new Map<number, Block>();
  for (let from = 0; from < order.length; from += blockRows) {
    const block = new Block(run, order.slice(from, from + blockRows));
    blocks.push(block);
    for (const row of block.rows) blockOf.set(row, block);
  }
  run.watch((row) => blockOf.get(row)?.touch());
  return blocks;
}

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
