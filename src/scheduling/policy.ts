/**
 * Policies: of the nodes that a task may go to, which one is best.
 *
 * To add one:
 * 1. its name in `PolicyName` (core/placement.ts), and in the values of `cube up --scheduler`;
 * 2. `policies/<name>.ts`: a `Policy` with its source (a paper, a system) in the docstring;
 * 3. a row in `policies` below. place(), explain() and the pool need no change;
 * 4. tests: place-properties and explain in test/scheduling/ take every policy of the table by themselves (never over capacity, the plan
 *    of the oracle, same request same plan); what the policy promises gets a file of its own there.
 */
import type { PolicyName, ScoreRequest } from '../core/placement.ts';
import { epvm } from './policies/epvm.ts';
import { roundrobin } from './policies/roundrobin.ts';
import type { Seat, Wanted } from './seat.ts';

/** What a policy may know besides the node: fixed while a group is placed. */
export interface Turn {
  readonly epvmBase: number;
  /** Index of the node picked last before this group. */
  readonly cursor: number;
  /** How many nodes there are, feasible or not. */
  readonly nodeCount: number;
}

/** Parts of a score by name, in a fixed order. */
export type Terms = readonly (readonly [name: string, amount: number])[];

/**
 * A way to choose. The score of a node may depend on that node (with what this run put there) and on the turn, and on nothing else:
 * place() keeps the scores of a group in a heap and asks again only for the node that got a task.
 */
export interface Policy {
  /** What putting one more such task on the node costs: the lowest wins. The sum of the terms, in their order. */
  readonly score: (seat: Seat, wanted: Wanted, turn: Turn) => number;
  /** The same in parts, for people. */
  readonly terms: (seat: Seat, wanted: Wanted, turn: Turn) => Terms;
}

/** All policies. */
export const policies: Readonly<Record<PolicyName, Policy>> = { epvm, roundrobin };

/** The score to compare by. One that is not a number loses to all others: what cannot be scored must never win. */
export function scoreOf(policy: Policy, seat: Seat, wanted: Wanted, turn: Turn): number {
  const score = policy.score(seat, wanted, turn);
  return Number.isNaN(score) ? Number.POSITIVE_INFINITY : score;
}

/** Each seat's rank by node name, then id, by which equal scores are told apart: the plan does not depend on the order of the nodes. */
export function ranks(seats: readonly Seat[]): readonly number[] {
  const order = seats.map((seat) => seat.index).sort((a, b) => compareNames(seats[a]!, seats[b]!) || a - b);
  const rank: number[] = [];
  for (const [at, index] of order.entries()) rank[index] = at;
  return rank;
}

function compareNames({ node: a }: Seat, { node: b }: Seat): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  if (a.id !== b.id) return a.id < b.id ? -1 : 1;
  return 0;
}

/** Whether a node is one that a task should not go to while any other can take it. */
export function isAvoided(seat: Seat, { ask }: Wanted): boolean {
  return ask.avoid?.includes(seat.node.id) ?? false;
}

/** The turn of a group: what the request says, and where the group before it stopped. */
export function turnOf(request: Pick<ScoreRequest, 'epvmBase' | 'nodes'>, cursor: number): Turn {
  return { epvmBase: request.epvmBase, cursor, nodeCount: request.nodes.length };
}
