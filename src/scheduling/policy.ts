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
import type { PolicyName } from '../core/placement.ts';
import { binpack } from './policies/binpack.ts';
import { epvm } from './policies/epvm.ts';
import { roundrobin } from './policies/roundrobin.ts';
import { spread } from './policies/spread.ts';
import type { Run, Wanted } from './placing/run.ts';

/** What bounds the scores of some rows that are looked at together. Columns are places as in the run's columns. */
export interface Summary {
  /** `e ^ (u * logBase)` of the least utilisation u (the larger of reserved and used, over capacity; 0 where one has none) among them. */
  leastPower(column: number, logBase: number): number;
  /** The largest share that is reserved. */
  mostReserved(column: number): number;
  leastReserved(column: number): number;
  mostCapacity(column: number): number;
  leastCapacity(column: number): number;
}

/** Parts of a score by name, in a fixed order. */
export type Terms = readonly (readonly [name: string, amount: number])[];

/** A policy that was told of a group and of where round robin stands. */
export interface Scoring {
  /** What putting one more such task on a node costs now: the lowest wins. The sum of the terms, in their order. */
  readonly score: (row: number) => number;
  /** Adds the scores of many rows to sums, to the same bit. Absent: one by one does as well. */
  readonly addScores?: (rows: Int32Array, sums: Float64Array) => void;
  /** The same in parts, for people. */
  readonly terms: (row: number) => Terms;
  /** No row of the summary scores less, so that whoever has something better need not look at them. Absent: nothing is known. */
  readonly floor?: (summary: Summary) => number;
}

/**
 * A way to choose. The score of a node may depend on that node (with what this run put there), the group, and where round robin stood
 * when the group began, and on nothing else: place() keeps the scores of a group in a heap and asks again only for the node that got a task.
 */
export interface Policy {
  readonly scoring: (run: Run, wanted: Wanted, cursor: number) => Scoring;
}

/** All policies. */
export const policies: Readonly<Record<PolicyName, Policy>> = { epvm, roundrobin, spread, binpack };

/** The score to compare by. One that is not a number loses to all others: what cannot be scored must never win. */
export function comparable(score: number): number {
  return Number.isNaN(score) ? Number.POSITIVE_INFINITY : score;
}
