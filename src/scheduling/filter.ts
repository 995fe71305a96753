/**
 * Filters: which nodes a task may go to at all, and why not to the others.
 *
 * To add one: write it in `filters/` (a name added to `FilterName` in core/placement.ts, `fails`, `detail`), give it a row in
 * `filters` below, where the order is that in which a node is asked, and tests for both functions in test/scheduling/filters.test.ts.
 * place(), explain() and recheck() need no change.
 */
import type { FilterName, FilterReason } from '../core/placement.ts';
import { portsFilter } from './filters/ports.ts';
import { resourceFilters } from './filters/resources.ts';
import { datacenterFilter, eligibleFilter, nodeFilter, stateFilter } from './filters/where.ts';
import type { Seat, Wanted } from './seat.ts';

/** One reason for which a node may be out of the question. */
export interface Filter {
  readonly name: FilterName;
  /** Undefined when the node passes; else what it fails on, in a word: nodes that fail on the same are told of together. */
  readonly fails: (seat: Seat, wanted: Wanted) => string | undefined;
  /** In words, for one node or several which all fail on `subject`; says what is needed and what is there. */
  readonly detail: (subject: string, seats: readonly Seat[], wanted: Wanted) => string;
}

const filters: readonly Filter[] = [stateFilter, eligibleFilter, nodeFilter, datacenterFilter, ...resourceFilters, portsFilter];

/** The first filter a node fails, and on what. */
export interface Refusal {
  readonly filter: Filter;
  readonly subject: string;
}

/** Why a node cannot take the task, or undefined when it can. */
export function refusal(seat: Seat, wanted: Wanted): Refusal | undefined {
  for (const filter of filters) {
    const subject = filter.fails(seat, wanted);
    if (subject !== undefined) return { filter, subject };
  }
  return undefined;
}

/** A refusal of one node in words. */
export function refusalText({ filter, subject }: Refusal, seat: Seat, wanted: Wanted): string {
  return filter.detail(subject, [seat], wanted);
}

const nobody: FilterReason = { filter: 'state', nodes: 0, detail: 'no node has joined' };

/**
 * Why the nodes cannot take the task, most frequent reason first, those of equal frequency in the filters' order; nodes that can are left out.
 * @param reasonsMax how many reasons are named at most
 */
export function reasons(seats: readonly Seat[], wanted: Wanted, reasonsMax: number): readonly FilterReason[] {
  if (seats.length === 0) return [nobody];
  const groups = new Map<string, { readonly refusal: Refusal; readonly seats: Seat[] }>();
  for (const seat of seats) {
    const found = refusal(seat, wanted);
    if (!found) continue;
    const key = `${found.filter.name} ${found.subject}`;
    const group = groups.get(key);
    if (group) group.seats.push(seat);
    else groups.set(key, { refusal: found, seats: [seat] });
  }
  return [...groups.values()]
    .sort(
      (a, b) =>
        b.seats.length - a.seats.length ||
        filters.indexOf(a.refusal.filter) - filters.indexOf(b.refusal.filter) ||
        (a.refusal.subject < b.refusal.subject ? -1 : 1),
    )
    .slice(0, reasonsMax)
    .map((group) => ({
      filter: group.refusal.filter.name,
      nodes: group.seats.length,
      detail: group.refusal.filter.detail(group.refusal.subject, group.seats, wanted),
    }));
}
