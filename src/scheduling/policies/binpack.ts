/**
 * Bin packing: the fullest node that still has room, so that others stay free for large tasks, or can be switched off. The score is that
 * of Google's BestFit v3 as Nomad uses it: the sum of `10 ^ (share that stays free)` over the resources, here those that the task asks
 * for; with a power a node that is full in one resource beats one that is half full in two. Slots count as well: of nodes that are equal
 * otherwise the one with more tasks wins. Looks at what is reserved, not at what is measured.
 */
import type { Policy } from '../policy.ts';
import type { Need, Run } from '../placing/run.ts';

/** What powers of close numbers may be out of order by. */
const roundingSlack = 1e-12;

function term(run: Run, { column, amount }: Need, row: number): number {
  const capacity = run.columns.capacity[column]![row]!;
  if (amount === 0 || !(capacity > 0)) return 0;
  return 10 ** (1 - (run.reserved[column]![row]! + amount) / capacity);
}

/** The policy `binpack`. */
export const binpack: Policy = {
  scoring: (run, { needs, some }) => ({
    score: (row) => {
      let sum = 0;
      for (let at = 0; at < some.length; at++) sum += term(run, some[at]!, row);
      return sum;
    },
    terms: (row) => needs.map((need) => [need.name, term(run, need, row)] as const),
    floor: (summary) => {
      let sum = 0;
      for (const { column, amount } of some) {
        const least = summary.leastCapacity(column);
        if (least > 0) sum += 10 ** (1 - summary.mostReserved(column) - amount / least);
      }
      return sum * (1 - roundingSlack);
    },
  }),
};
