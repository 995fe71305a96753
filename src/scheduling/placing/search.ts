/** The best node for one task of a kind of its own: by blocks where a batch has many such tasks, else by a look at every node. */
import { blockOf, type Block } from './blocks.ts';
import { Domains } from './domains.ts';
import { canTakeNow } from '../filter.ts';
import { comesBefore } from './heap.ts';
import type { Picker } from '../place.ts';
import { comparable, type Scoring } from '../policy.ts';
import type { Run, Wanted } from './run.ts';

/** From so many groups on it pays to put the nodes in order. */
const blocksFrom = 32;

/** What was found best so far. */
interface Best {
  row: number;
  score: number;
}

/** Searches of one run; they share their blocks. */
export class Search {
  readonly #run: Run;
  readonly #isWorthBlocks: boolean;
  /** By place of the batch's wheres: nodes that are open to different tasks are ordered apart. */
  readonly #blocks = new Map<number, Block>();

  constructor(run: Run, counts: Int32Array) {
    this.#run = run;
    this.#isWorthBlocks = counts.length >= blocksFrom;
  }

  /** A picker for one group. @param feasible rows that pass what does not change @param place of what it asks in the batch's wheres */
  for(wanted: Wanted, scoring: Scoring, feasible: Int32Array, place: number): Picker {
    const run = this.#run;
    const domains = new Domains(run, wanted);
    const avoided = new Set(wanted.where.avoid);
    const block = scoring.floor && this.#isWorthBlocks && avoided.size === 0 ? this.#blockOf(place, feasible) : undefined;
    const look = (rows: Int32Array, best: Best, isAvoided: boolean): void => {
      const { ranks } = run.columns;
      for (let at = 0; at < rows.length; at++) {
        const row = rows[at]!;
        if (!canTakeNow(run, wanted, row) || (avoided.size > 0 && avoided.has(row) !== isAvoided)) continue;
        const own = comparable(scoring.score(row) + domains.affinity(row));
        const score = own + domains.cost(domains.of(row));
        if (best.row >= 0 && !comesBefore(score, ranks[row]!, best.score, ranks[best.row]!)) continue;
        best.row = row;
        best.score = score;
      }
    };
    return {
      pick: () => {
        const best: Best = { row: -1, score: Number.POSITIVE_INFINITY };
        if (block && scoring.floor) lookBelow(run, block, scoring.floor, best, (rows) => look(rows, best, false));
        else look(feasible, best, false);
        if (best.row < 0 && avoided.size > 0) look(feasible, best, true);
        return best;
      },
      taken: (row) => domains.take(row),
    };
  }

  #blockOf(place: number, feasible: Int32Array): Block {
    let block = this.#blocks.get(place);
    if (block === undefined) this.#blocks.set(place, (block = blockOf(this.#run, feasible)));
    return block;
  }
}

/** The most promising part of a block first, then all that may hold something better. What affinity and domains add is never less than 0. */
function lookBelow(
  run: Run,
  { rows, below }: Block,
  floor: (summary: Block) => number,
  best: Best,
  look: (rows: Int32Array) => void,
): void {
  if (below.length === 0) return look(rows);
  const floors = below.map((block) => comparable(floor(block)));
  let first = 0;
  for (let at = 1; at < floors.length; at++) if (floors[at]! < floors[first]!) first = at;
  const { ranks } = run.columns;
  const mayBeBetter = (at: number): boolean => best.row < 0 || comesBefore(floors[at]!, below[at]!.rank, best.score, ranks[best.row]!);
  if (mayBeBetter(first)) lookBelow(run, below[first]!, floor, best, look);
  for (let at = 0; at < floors.length; at++) if (at !== first && mayBeBetter(at)) lookBelow(run, below[at]!, floor, best, look);
}
