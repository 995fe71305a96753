/**
 * Filters: which nodes a task may go to at all, and why not to the others.
 *
 * To add one: write it in `filters/` (a name added to `FilterName` in core/placement.ts, `fails`, `detail`), give it a row in
 * `fixedFilters` below when nothing that a run does can change its answer, else in `changingFilters`; where it stands is when a node is
 * asked. Tests for both functions go to test/scheduling/filters.test.ts; the oracle of test/scheduling/oracle.ts learns it, too.
 * place(), explain() and recheck() need no change.
 */
import type { FilterName, FilterReason } from '../core/placement.ts';
import { constraintFilter } from './filters/constraints.ts';
import { perNodeFilter } from './filters/per-node.ts';
import { portsFilter } from './filters/ports.ts';
import { resourceFilters } from './filters/resources.ts';
import { featureFilter, mountFilter, volumeFilter } from './filters/volumes.ts';
import { datacenterFilter, eligibleFilter, nodeFilter, stateFilter } from './filters/where.ts';
import type { Run, Wanted } from './placing/run.ts';

/** One reason for which a node may be out of the question. */
export interface Filter {
  readonly name: FilterName;
  /** Whether it could turn down a node for such a task at all; absent: any. */
  readonly concerns?: (wanted: Wanted) => boolean;
  /** Undefined when the node passes; else what it fails on, in a word: nodes that fail on the same are told of together. */
  readonly fails: (run: Run, wanted: Wanted, row: number) => string | undefined;
  /** In words, for one node or several which all fail on `subject`; says what is needed and what is there. */
  readonly detail: (subject: string, rows: readonly number[], run: Run, wanted: Wanted) => string;
}

/** What a node's condition says: the same for all tasks of a batch. */
const conditionFilters: readonly Filter[] = [stateFilter, eligibleFilter];

/** What does not change while a batch is placed. */
const fixedFilters: readonly Filter[] = [nodeFilter, datacenterFilter, constraintFilter, featureFilter, mountFilter, volumeFilter];

/** What each task that is placed can change. */
const changingFilters: readonly Filter[] = [...resourceFilters, perNodeFilter, portsFilter];

const filters = [...conditionFilters, ...fixedFilters, ...changingFilters];

/** The first filter a node fails, and on what. */
export interface Refusal {
  readonly filter: Filter;
  readonly subject: string;
}

/** Why a node cannot take the task, or undefined when it can. */
export function refusal(run: Run, wanted: Wanted, row: number): Refusal | undefined {
  for (const filter of filters) {
    const subject = filter.fails(run, wanted, row);
    if (subject !== undefined) return { filter, subject };
  }
  return undefined;
}

/** The rows that pass what does not change during a run, in their order. What is returned is not to be written. */
export function openRows(run: Run, wanted: Wanted): Int32Array {
  const asked = fixedFilters.filter(({ concerns }) => concerns?.(wanted) ?? true);
  const open = run.openRows();
  return asked.length === 0 ? open : open.filter((row) => asked.every((filter) => filter.fails(run, wanted, row) === undefined));
}

/** Whether a node that passed what does not change can take one more such task now: the same as `changingFilters`, for the inner loop. */
export function canTakeNow(run: Run, wanted: Wanted, row: number): boolean {
  if (!run.hasRoom(wanted, row)) return false;
  const { maxPerNode, ports } = wanted.where.ask;
  if (maxPerNode !== undefined && run.mates[row]! >= maxPerNode) return false;
  return ports.length === 0 || portsFilter.fails(run, wanted, row) === undefined;
}

/** Those of some rows for which that is so, in their order. */
export function takersNow(run: Run, wanted: Wanted, feasible: Int32Array): Int32Array {
  const roomy = run.roomyOf(wanted, feasible);
  const { maxPerNode, ports } = wanted.where.ask;
  return maxPerNode === undefined && ports.length === 0 ? roomy : roomy.filter((row) => canTakeNow(run, wanted, row));
}

/** A refusal of one node in words. */
export function refusalText({ filter, subject }: Refusal, run: Run, wanted: Wanted, row: number): string {
  return filter.detail(subject, [row], run, wanted);
}

const nobody: FilterReason = { filter: 'state', nodes: 0, detail: 'no node has joined' };

/**
 * Why the nodes cannot take the task, most frequent reason first, those of equal frequency in the filters' order; nodes that can are left
 * out. At most `reasonsMax` of them are named.
 */
export function reasons(run: Run, wanted: Wanted): readonly FilterReason[] {
  const groups = new Map<string, { readonly refusal: Refusal; readonly rows: number[] }>();
  let count = 0;
  for (const row of run.nodes()) {
    count++;
    const found = refusal(run, wanted, row);
    if (!found) continue;
    const key = `${found.filter.name} ${found.subject}`;
    const group = groups.get(key);
    if (group) group.rows.push(row);
    else groups.set(key, { refusal: found, rows: [row] });
  }
  if (count === 0) return [nobody];
  return [...groups.values()]
    .sort(
      (a, b) =>
        b.rows.length - a.rows.length ||
        filters.indexOf(a.refusal.filter) - filters.indexOf(b.refusal.filter) ||
        (a.refusal.subject < b.refusal.subject ? -1 : 1),
    )
    .slice(0, run.settings.reasonsMax)
    .map(({ refusal: { filter, subject }, rows }) => ({
      filter: filter.name,
      nodes: rows.length,
      detail: filter.detail(subject, rows, run, wanted),
    }));
}
