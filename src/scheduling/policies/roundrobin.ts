/**
 * Round robin: each task goes to the next node that can take it, in the order of the request, in a circle. Looks at no load at all.
 * The score is the number of steps from where the group began, so the nodes of a second lap come after all of the first.
 */
import type { Policy, Turn } from '../policy.ts';
import type { Seat } from '../seat.ts';

function steps(seat: Seat, { cursor, nodeCount }: Turn): number {
  // A cursor of another day may lie past the end, since nodes come and go.
  const behind = (((seat.index - cursor - 1) % nodeCount) + nodeCount) % nodeCount;
  return behind + 1 + seat.groupTasks * nodeCount;
}

/** The policy `roundrobin`. */
export const roundrobin: Policy = {
  score: (seat, _, turn) => steps(seat, turn),
  terms: (seat, _, turn) => [['steps', steps(seat, turn)]],
};
