/**
 * Round robin: each task goes to the next node that can take it, in the order of the table's rows, in a circle. Looks at no load at all.
 * The score is the number of steps from where the group began, so the nodes of a second lap come after all of the first.
 */
import type { Policy } from '../policy.ts';

/** The policy `roundrobin`. */
export const roundrobin: Policy = {
  scoring: (run, _, cursor) => {
    const { rows } = run.columns;
    const steps = (row: number): number => {
      // A cursor of another day may lie past the end, since nodes come and go.
      const behind = (((row - cursor - 1) % rows) + rows) % rows;
      return behind + 1 + run.groupTasks[row]! * rows;
    };
    return { score: steps, terms: (row) => [['steps', steps(row)]] };
  },
};
