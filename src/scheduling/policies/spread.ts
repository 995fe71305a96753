/**
 * Spread: the node with the fewest tasks of the same kind, and among those the one with the fewest tasks at all, as Docker Swarm does it
 * (SwarmKit's scheduler, `nodeLess`). Looks at no load but counts.
 */
import type { Policy } from '../policy.ts';

/** The policy `spread`. */
export const spread: Policy = {
  scoring: (run, { needs }) => {
    const { column } = needs.find(({ name }) => name === 'slots')!;
    const [tasks, slots] = [run.reserved[column]!, run.columns.capacity[column]!];
    // Less than 1 for every node that can take one more, so that it only tells nodes with as many of the kind apart.
    const full = (row: number): number => tasks[row]! / slots[row]!;
    return {
      score: (row) => run.mates[row]! + full(row),
      terms: (row) => [
        ['kind', run.mates[row]!],
        ['slots', full(row)],
      ],
      floor: (summary) => summary.leastReserved(column),
    };
  },
};
