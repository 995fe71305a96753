/**
 * The node table: what the scheduler knows of all nodes, as typed columns. The manager owns one and keeps it up to date row by row, so
 * that a batch costs a copy of some arrays, and not a walk over records.
 */
import { attributeOf } from '../core/constraint.ts';
import type { AttributeColumn, NodeColumns, NodeSource, NodeView } from '../core/placement.ts';
import type { Resources } from '../core/resources.ts';
import { conditionOf, noNode } from './conditions.ts';

/** Resources that every node has, by the place of their column. Slots are room for one task each, whatever it reserves. */
export const baseResources = ['cpu', 'memory', 'disk', 'slots'] as const;

/** Own keys only: a custom resource may be called `constructor`. */
export function amountOf(resources: Resources, name: string): number {
  if (name === 'cpu') return resources.cpu;
  if (name === 'memory') return resources.memoryBytes;
  if (name === 'disk') return resources.diskBytes;
  return Object.hasOwn(resources.custom, name) ? resources.custom[name]! : 0;
}

/** An attribute's column while it can still change. */
class Values implements AttributeColumn {
  ids: Int32Array;
  readonly values: (string | undefined)[] = [undefined];
  readonly #places = new Map<string | undefined, number>([[undefined, 0]]);

  constructor(size: number) {
    this.ids = new Int32Array(size);
  }

  set(row: number, value: string | undefined): void {
    let place = this.#places.get(value);
    if (place === undefined) this.#places.set(value, (place = this.values.push(value) - 1));
    this.ids[row] = place;
  }
}

/** Columns of numbers that grow together. */
class Amounts {
  readonly capacity: Float64Array[] = [];
  readonly reserved: Float64Array[] = [];
  readonly used: Float64Array[] = [];

  add(size: number): void {
    for (const side of [this.capacity, this.reserved, this.used]) side.push(new Float64Array(size));
  }

  grow(size: number): void {
    for (const side of [this.capacity, this.reserved, this.used]) {
      for (const [at, column] of side.entries()) {
        side[at] = new Float64Array(size);
        side[at].set(column);
      }
    }
  }
}

/** All nodes. */
export class NodeTable implements NodeSource {
  #size = 16;
  #rows = 0;
  readonly #rowById = new Map<string, number>();
  readonly #rowByName = new Map<string, number>();
  readonly #empty: number[] = [];
  readonly #views: (NodeView | undefined)[] = [];
  /** Columns that were handed out are left as they are when nodes join or leave. */
  #ids: string[] = [];
  #names: string[] = [];
  #isShared = false;
  #conditions = new Uint8Array(this.#size);
  #ranks = new Int32Array(this.#size);
  #areRanksStale = false;
  readonly #resources: string[] = [];
  readonly #amounts = new Amounts();
  readonly #attributes = new Map<string, Values>();

  constructor() {
    for (const name of baseResources) this.#addResource(name);
  }

  /** A table of these nodes, in rows of that order. */
  static of(nodes: readonly NodeView[]): NodeTable {
    const table = new NodeTable();
    for (const node of nodes) table.put(node);
    return table;
  }

  /** Number of nodes. */
  get count(): number {
    return this.#rowById.size;
  }

  rowOf(id: string): number {
    return this.#rowById.get(id) ?? -1;
  }

  rowNamed(name: string): number {
    return this.#rowByName.get(name) ?? -1;
  }

  /** The node in a row, as it was put. */
  viewAt(row: number): NodeView | undefined {
    return this.#views[row];
  }

  /** Takes a node, new or changed. */
  put(node: NodeView): void {
    let row = this.#rowById.get(node.id);
    if (row === undefined) row = this.#join(node);
    else if (this.#names[row] !== node.name) this.#rename(row, node.name);
    this.#views[row] = node;
    this.#conditions[row] = conditionOf(node);
    for (const name of Object.keys(node.capacity.custom)) this.#addResource(name);
    for (const [at, name] of this.#resources.entries()) this.#fill(at, name, row, node);
    for (const [name, column] of this.#attributes) column.set(row, attributeOf(node, name));
  }

  remove(id: string): void {
    const row = this.#rowById.get(id);
    if (row === undefined) return;
    this.#own();
    this.#rowById.delete(id);
    if (this.#rowByName.get(this.#names[row]!) === row) this.#rowByName.delete(this.#names[row]!);
    this.#views[row] = undefined;
    this.#conditions[row] = noNode;
    this.#ids[row] = '';
    this.#names[row] = '';
    this.#empty.push(row);
  }

  columns(attributes: Iterable<string>, resources: Iterable<string>): NodeColumns {
    for (const name of resources) this.#addResource(name);
    const rows = this.#rows;
    const chosen: Record<string, AttributeColumn> = {};
    for (const name of attributes) {
      const { ids, values } = this.#attribute(name);
      chosen[name] = { ids: ids.subarray(0, rows), values };
    }
    if (this.#areRanksStale) this.#rank();
    this.#isShared = true;
    const cut = (columns: readonly Float64Array[]): Float64Array[] => columns.map((column) => column.subarray(0, rows));
    return {
      rows,
      ids: this.#ids,
      names: this.#names,
      conditions: this.#conditions.subarray(0, rows),
      ranks: this.#ranks.subarray(0, rows),
      resources: [...this.#resources],
      capacity: cut(this.#amounts.capacity),
      reserved: cut(this.#amounts.reserved),
      used: cut(this.#amounts.used),
      attributes: chosen,
      ports: this.#views,
    };
  }

  #join(node: NodeView): number {
    this.#own();
    const row = this.#empty.pop() ?? this.#rows++;
    if (this.#rows > this.#size) this.#grow();
    this.#rowById.set(node.id, row);
    this.#ids[row] = node.id;
    this.#rename(row, node.name);
    return row;
  }

  #rename(row: number, name: string): void {
    this.#own();
    const former = this.#names[row];
    if (former !== undefined && this.#rowByName.get(former) === row) this.#rowByName.delete(former);
    this.#names[row] = name;
    this.#rowByName.set(name, row);
    this.#areRanksStale = true;
  }

  #own(): void {
    if (!this.#isShared) return;
    this.#ids = [...this.#ids];
    this.#names = [...this.#names];
    this.#isShared = false;
  }

  #grow(): void {
    this.#size *= 2;
    const size = this.#size;
    const larger = <T extends Uint8Array | Int32Array>(column: T, empty: T): T => {
      empty.set(column);
      return empty;
    };
    this.#conditions = larger(this.#conditions, new Uint8Array(size));
    this.#ranks = larger(this.#ranks, new Int32Array(size));
    for (const column of this.#attributes.values()) column.ids = larger(column.ids, new Int32Array(size));
    this.#amounts.grow(size);
  }

  #rank(): void {
    const [ids, names] = [this.#ids, this.#names];
    const order = Array.from({ length: this.#rows }, (_, row) => row);
    order.sort((a, b) => compare(names[a]!, names[b]!) || compare(ids[a]!, ids[b]!) || a - b);
    this.#ranks = new Int32Array(this.#size);
    for (const [rank, row] of order.entries()) this.#ranks[row] = rank;
    this.#areRanksStale = false;
  }

  #attribute(name: string): Values {
    let column = this.#attributes.get(name);
    if (column !== undefined) return column;
    column = new Values(this.#size);
    this.#attributes.set(name, column);
    for (const [row, node] of this.#views.entries()) if (node) column.set(row, attributeOf(node, name));
    return column;
  }

  #addResource(name: string): void {
    if (this.#resources.includes(name)) return;
    const at = this.#resources.push(name) - 1;
    this.#amounts.add(this.#size);
    for (const [row, node] of this.#views.entries()) if (node) this.#fill(at, name, row, node);
  }

  #fill(at: number, name: string, row: number, node: NodeView): void {
    const isSlots = name === 'slots';
    const { capacity, reserved, used } = this.#amounts;
    capacity[at]![row] = isSlots ? node.slotsMax : amountOf(node.capacity, name);
    reserved[at]![row] = isSlots ? node.tasks : amountOf(node.reserved, name);
    used[at]![row] = isSlots ? 0 : amountOf(node.used, name);
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
