/** A node during one run: what the snapshot says, and what the run has placed there since. The snapshot itself never changes. */
import type { Ask, NodeView } from '../core/placement.ts';
import type { Resources } from '../core/resources.ts';
import type { PortBinding } from '../core/task.ts';
import { PortTable } from './ports.ts';

/** What a node has of one resource, in the resource's own unit. */
export interface Stock {
  readonly capacity: number;
  /** Sum of what is asked for by the tasks there, those of this run included. */
  reserved: number;
  /** Measured. */
  readonly used: number;
}

/** The kinds of resources. A slot is room for one task, whatever it reserves. */
export type Kind = 'cpu' | 'memory' | 'disk' | 'custom' | 'slots';

/** How much a task needs of one resource. */
export interface Need {
  readonly kind: Kind;
  /** What people call it: the kind, or a custom resource's own name. */
  readonly name: string;
  readonly amount: number;
}

/** An ask, prepared once for all tasks and nodes of a group. */
export interface Wanted {
  readonly ask: Ask;
  /** In a fixed order, so that sums of them are the same each time. */
  readonly needs: readonly Need[];
}

/** Prepares an ask. */
export function want(ask: Ask): Wanted {
  const { cpu, memoryBytes, diskBytes, custom } = ask.resources;
  const names = Object.keys(custom).sort();
  return {
    ask,
    needs: [
      { kind: 'cpu', name: 'cpu', amount: cpu },
      { kind: 'memory', name: 'memory', amount: memoryBytes },
      { kind: 'disk', name: 'disk', amount: diskBytes },
      ...names.map((name) => ({ kind: 'custom' as const, name, amount: custom[name]! })),
      { kind: 'slots', name: 'slots', amount: 1 },
    ],
  };
}

/** What a sum of reservations may exceed the capacity by, as a share of it: 0.1 + 0.2 must fit where 0.3 does. */
const sumSlack = 1e-9;

/** Whether a node's stock has room for a need. Who asks for nothing fits everywhere; an amount that is not a number fits nowhere. */
export function fits(need: Need, stock: Stock): boolean {
  if (need.amount === 0) return true;
  // Cores and custom amounts may be fractions; bytes and slots are whole, and their sums exact.
  const slack = need.kind === 'cpu' || need.kind === 'custom' ? sumSlack : 0;
  return stock.reserved + need.amount <= stock.capacity * (1 + slack);
}

/** Own keys only: a custom resource may be called `constructor`. */
function customOf(resources: Resources, name: string): number {
  return Object.hasOwn(resources.custom, name) ? resources.custom[name]! : 0;
}

/** One node, and what this run has put there. */
export class Seat {
  readonly node: NodeView;
  /** The node's place in the request. */
  readonly index: number;
  /** Tasks of the current group that went here. */
  groupTasks = 0;
  readonly #stocks: Readonly<Record<Exclude<Kind, 'custom'>, Stock>>;
  readonly #custom = new Map<string, Stock>();
  #ports: PortTable | undefined;

  constructor(node: NodeView, index: number) {
    const { capacity, reserved, used } = node;
    this.node = node;
    this.index = index;
    this.#stocks = {
      cpu: { capacity: capacity.cpu, reserved: reserved.cpu, used: used.cpu },
      memory: { capacity: capacity.memoryBytes, reserved: reserved.memoryBytes, used: used.memoryBytes },
      disk: { capacity: capacity.diskBytes, reserved: reserved.diskBytes, used: used.diskBytes },
      slots: { capacity: node.slotsMax, reserved: node.tasks, used: 0 },
    };
  }

  /** What there is of the resource that is needed; zeros for a custom one that the node does not offer. */
  stock(need: Need): Stock {
    if (need.kind !== 'custom') return this.#stocks[need.kind];
    let stock = this.#custom.get(need.name);
    if (!stock) {
      const { capacity, reserved, used } = this.node;
      stock = { capacity: customOf(capacity, need.name), reserved: customOf(reserved, need.name), used: customOf(used, need.name) };
      this.#custom.set(need.name, stock);
    }
    return stock;
  }

  /** Host ports in use here. Made when first asked for: most tasks want none. */
  get ports(): PortTable {
    this.#ports ??= new PortTable(this.node);
    return this.#ports;
  }

  /** Counts a task as placed here. */
  take(wanted: Wanted, bindings: readonly PortBinding[], slot: string): void {
    for (const need of wanted.needs) this.stock(need).reserved += need.amount;
    if (bindings.length > 0) this.ports.take(bindings, wanted.ask.ports, slot);
    this.groupTasks++;
  }
}
