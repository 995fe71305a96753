/** One run: the nodes as they fill up while a batch is placed. The columns it was given are not changed. */
import { meets, type Constraint } from '../../core/constraint.ts';
import type { NodeColumns } from '../../core/placement.ts';
import type { PortBinding } from '../../core/task.ts';
import type { Settings, Where } from './batch.ts';
import { noNode, open } from '../conditions.ts';
import { PortTable } from '../ports.ts';

/** How much a task needs of one resource. */
export interface Need {
  /** Place of the resource's column. */
  readonly column: number;
  /** `cpu`, `memory`, `disk`, `slots`, or a custom resource's own name. */
  readonly name: string;
  readonly amount: number;
}

/** What the tasks of a group want, prepared once. */
export interface Wanted {
  readonly where: Where;
  /** In a fixed order, so that sums over them are the same each time: cpu, memory, disk, custom ones by name, slots. */
  readonly needs: readonly Need[];
  /** Those of which something is needed. */
  readonly some: readonly Need[];
}

/** What a sum of reservations may exceed the capacity by, as a share of it: 0.1 + 0.2 must fit where 0.3 does. */
export const sumSlack = 1e-9;

/** The nodes during a run, and the group that is being placed. */
export class Run {
  readonly columns: NodeColumns;
  readonly settings: Settings;
  readonly reserved: readonly Float64Array[];
  readonly used: readonly Float64Array[];
  /** What capacity is multiplied by, so that sums of fractions fit. */
  readonly #slack: readonly number[];
  /** Made when first asked for: most groups look at neither. */
  #mates: Int32Array | undefined;
  #groupTasks: Int32Array | undefined;
  /** What the two above say: rows with tasks of the kind, as often as there are, and how many of those were there before the group. */
  readonly #withMates: number[] = [];
  #matesBefore = 0;
  readonly #order: readonly number[];
  readonly #truths = new Map<Constraint, Uint8Array>();
  readonly #ports = new Map<number, PortTable>();
  readonly #powers: (Float64Array | undefined)[] = [];
  readonly #asked = new Set<number>();
  #openRows: Int32Array | undefined;
  readonly #watchers: ((row: number) => void)[] = [];

  /** @param owned the columns are this run's alone and may be written */
  constructor(columns: NodeColumns, settings: Settings, owned = false) {
    const own = (column: Float64Array): Float64Array => (owned ? column : column.slice());
    this.columns = columns;
    this.settings = settings;
    this.reserved = columns.reserved.map(own);
    this.used = columns.used.map(own);
    this.#slack = columns.resources.map((name) => (isWhole(name) ? 1 : 1 + sumSlack));
    this.#order = orderOf(columns.resources);
  }

  /** Rows with a node in them. */
  *nodes(): Generator<number> {
    const { rows, conditions } = this.columns;
    for (let row = 0; row < rows; row++) if (conditions[row] !== noNode) yield row;
  }

  /** Rows of nodes that take tasks at all: the condition `open`, which is what its filters let through. Looked for once. */
  openRows(): Int32Array {
    if (this.#openRows !== undefined) return this.#openRows;
    const { rows, conditions } = this.columns;
    const found = new Int32Array(rows);
    let count = 0;
    for (let row = 0; row < rows; row++) if (conditions[row] === open) found[count++] = row;
    return (this.#openRows = found.subarray(0, count));
  }

  /** Prepares what a group wants. @param amounts by column */
  want(where: Where, amounts: Float64Array): Wanted {
    const { resources } = this.columns;
    const needs: Need[] = [];
    const some: Need[] = [];
    for (const column of this.#order) {
      const need = { column, name: resources[column]!, amount: amounts[column]! };
      // Of a custom resource that is not asked for nothing is told.
      if (need.amount === 0 && column >= customFrom) continue;
      needs.push(need);
      if (need.amount !== 0) some.push(need);
    }
    return { where, needs, some };
  }

  /** Begins with the next group. @param mates row, count, row, count @param placed rows where this run has put tasks of its kind */
  begin(mates: Int32Array | undefined, placed: readonly number[] = []): void {
    for (const row of this.#withMates) {
      if (this.#mates) this.#mates[row] = 0;
      if (this.#groupTasks) this.#groupTasks[row] = 0;
    }
    this.#withMates.length = 0;
    for (let at = 0; mates !== undefined && at < mates.length; at += 2) {
      for (let count = mates[at + 1]!; count > 0; count--) this.#addMate(mates[at]!);
    }
    for (const row of placed) this.#addMate(row);
    this.#matesBefore = this.#withMates.length;
  }

  /** Tasks of the group's kind, by row. */
  get mates(): Int32Array {
    if (this.#mates === undefined) {
      this.#mates = new Int32Array(this.columns.rows);
      for (const row of this.#withMates) this.#mates[row]!++;
    }
    return this.#mates;
  }

  /** Tasks of this group that went there, by row. */
  get groupTasks(): Int32Array {
    if (this.#groupTasks === undefined) {
      this.#groupTasks = new Int32Array(this.columns.rows);
      for (let at = this.#matesBefore; at < this.#withMates.length; at++) this.#groupTasks[this.#withMates[at]!]!++;
    }
    return this.#groupTasks;
  }

  #addMate(row: number): void {
    if (this.#mates) this.#mates[row]!++;
    this.#withMates.push(row);
  }

  /** For a look at one node that may have changed: how many mates it has now, and its ports anew. */
  look(row: number, mates: number): void {
    this.mates[row] = mates;
    this.#ports.delete(row);
  }

  /** Whether there is room for what is asked; an amount that is not a number fits nowhere. */
  fits(need: Need, row: number): boolean {
    const { column, amount } = need;
    return amount === 0 || this.reserved[column]![row]! + amount <= this.columns.capacity[column]![row]! * this.#slack[column]!;
  }

  /** The same for all that is needed. */
  hasRoom({ some }: Wanted, row: number): boolean {
    for (let at = 0; at < some.length; at++) {
      const { column, amount } = some[at]!;
      if (!(this.reserved[column]![row]! + amount <= this.columns.capacity[column]![row]! * this.#slack[column]!)) return false;
    }
    return true;
  }

  /** Those of some rows that have room, a resource at a time, which is soonest done for many rows. */
  roomyOf({ some }: Wanted, feasible: Int32Array): Int32Array {
    const rows = new Int32Array(feasible.length);
    let from = feasible;
    let count = from.length;
    for (const { column, amount } of some) {
      const [reserved, capacity, slack] = [this.reserved[column]!, this.columns.capacity[column]!, this.#slack[column]!];
      let kept = 0;
      for (let at = 0; at < count; at++) {
        const row = from[at]!;
        if (reserved[row]! + amount <= capacity[row]! * slack) rows[kept++] = row;
      }
      from = rows;
      count = kept;
    }
    return from.subarray(0, count);
  }

  /** By the place of an attribute's value: whether that value meets the constraint. */
  truths(constraint: Constraint): Uint8Array {
    let truths = this.#truths.get(constraint);
    if (truths === undefined) {
      const { values } = this.columns.attributes[constraint.attribute]!;
      truths = Uint8Array.from(values, (value) => (meets(constraint, value) ? 1 : 0));
      this.#truths.set(constraint, truths);
    }
    return truths;
  }

  /** The value of a node's attribute. */
  attribute(name: string, row: number): string | undefined {
    const column = this.columns.attributes[name]!;
    return column.values[column.ids[row]!];
  }

  /** Host ports in use on a node. Made when first asked for: most tasks want none. */
  ports(row: number): PortTable {
    let table = this.#ports.get(row);
    if (table === undefined) this.#ports.set(row, (table = new PortTable(this.columns.ports[row]!)));
    return table;
  }

  /**
   * A column for what a policy works out of a row's use of a resource: negative where that changed since it was written. Undefined for
   * the first who asks: only a second group has something of what the first worked out.
   */
  powers(column: number): Float64Array | undefined {
    const powers = this.#powers[column];
    if (powers === undefined && !this.#asked.has(column)) {
      this.#asked.add(column);
      return undefined;
    }
    return (this.#powers[column] ??= new Float64Array(this.columns.rows).fill(-1));
  }

  /** Calls back after each change of a row. */
  watch(onChange: (row: number) => void): void {
    this.#watchers.push(onChange);
  }

  /** A row's amounts were written: what was worked out of them is forgotten. */
  changed(row: number): void {
    for (const powers of this.#powers) if (powers) powers[row] = -1;
    for (const onChange of this.#watchers) onChange(row);
  }

  /** Counts a task as placed there: what it reserves it is taken to use until that is measured. */
  take(wanted: Wanted, row: number, bindings: readonly PortBinding[], slot: string): void {
    for (const { column, amount } of wanted.some) {
      this.reserved[column]![row]! += amount;
      this.used[column]![row]! += amount;
    }
    this.changed(row);
    if (bindings.length > 0) this.ports(row).take(bindings, wanted.where.ask.ports, slot);
    if (this.#groupTasks) this.#groupTasks[row]!++;
    this.#addMate(row);
  }
}

const customFrom = 4;
const slotsColumn = 3;

/** Columns in the order in which needs are told. */
function orderOf(resources: readonly string[]): readonly number[] {
  const custom = resources.map((_, column) => column).slice(customFrom);
  custom.sort((a, b) => (resources[a]! < resources[b]! ? -1 : 1));
  return [0, 1, 2, ...custom, slotsColumn];
}

/** Bytes and slots are whole, and their sums exact; cores and custom amounts may be fractions. */
function isWhole(name: string): boolean {
  return name === 'memory' || name === 'disk' || name === 'slots';
}
