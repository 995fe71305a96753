/** Filters about room: reserved + asked <= capacity, for each resource and for slots. What is measured does not count here. */
import { formatBytes } from '../../core/resources.ts';
import type { Filter } from '../filter.ts';
import { most } from '../placing/most.ts';
import { baseResources } from '../node-table.ts';
import type { Need, Run, Wanted } from '../placing/run.ts';

/** What is left of a resource on a node; 0 where more is reserved than there is. */
function freeOf(run: Run, need: Need, row: number): number {
  return Math.max(0, run.columns.capacity[need.column]![row]! - run.reserved[need.column]![row]!);
}

function plainNumber(amount: number): string {
  return String(Number(amount.toFixed(3)));
}

/** Amounts for people; in full where rounding would make need and free look alike, since then nobody would see what is missing. */
function amountTexts(name: string, amounts: readonly number[]): readonly string[] {
  const isBytes = name === 'memory' || name === 'disk';
  const texts = amounts.map(isBytes ? formatBytes : plainNumber);
  if (texts[0] !== texts[1]) return texts;
  return amounts.map((amount) => (isBytes ? `${amount} B` : String(amount)));
}

function isCustom({ name }: Need): boolean {
  return !(baseResources as readonly string[]).includes(name);
}

function needOf({ needs }: Wanted, name: string): Need {
  return needs.find((need) => need.name === name)!;
}

function roomDetail(name: string, rows: readonly number[], run: Run, wanted: Wanted): string {
  const need = needOf(wanted, name);
  const unit = name === 'cpu' && need.amount !== 1 ? ' cores' : name === 'cpu' ? ' core' : '';
  const free = most(rows, (row) => freeOf(run, need, row));
  if (rows.length > 1) {
    const [needs, largest] = amountTexts(name, [need.amount, free]);
    return `not enough ${name} (needs ${needs}${unit}, largest free ${largest})`;
  }
  const [needs, left, all] = amountTexts(name, [need.amount, free, run.columns.capacity[need.column]![rows[0]!]!]);
  return `not enough ${name} (needs ${needs}${unit}, ${left} free of ${all})`;
}

function customDetail(name: string, rows: readonly number[], run: Run, wanted: Wanted): string {
  const need = needOf(wanted, name);
  const offered = rows.some((row) => run.columns.capacity[need.column]![row]! > 0);
  return offered ? roomDetail(name, rows, run, wanted) : `no ${name} there (needs ${plainNumber(need.amount)})`;
}

function slotsDetail(rows: readonly number[], run: Run, wanted: Wanted): string {
  if (rows.length > 1) return 'no slot is free (the nodes have all the tasks they take)';
  const { column } = needOf(wanted, 'slots');
  const [tasks, max] = [run.reserved[column]![rows[0]!], run.columns.capacity[column]![rows[0]!]];
  return `no slot is free (the node has ${tasks} tasks and takes ${max})`;
}

/** The first of some needs for which a node has no room. */
function short(run: Run, needs: readonly Need[], row: number): string | undefined {
  return needs.find((need) => !run.fits(need, row))?.name;
}

function room(name: 'cpu' | 'memory' | 'disk' | 'slots', detail: Filter['detail']): Filter {
  return { name, fails: (run, wanted, row) => short(run, [needOf(wanted, name)], row), detail };
}

/** One filter a resource, in the order in which they are asked. */
export const resourceFilters: readonly Filter[] = [
  room('cpu', roomDetail),
  room('memory', roomDetail),
  room('disk', roomDetail),
  { name: 'custom', fails: (run, wanted, row) => short(run, wanted.needs.filter(isCustom), row), detail: customDetail },
  room('slots', (_, rows, run, wanted) => slotsDetail(rows, run, wanted)),
];
