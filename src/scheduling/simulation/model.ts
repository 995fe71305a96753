/**
 * What a simulation is made of: nodes and tasks as their owner writes them, and the same counted in whole numbers, so that sums are exact
 * however many tasks come and go: cpu and custom resources in thousandths, memory and disk in bytes.
 */
import type { Resources } from '../../core/resources.ts';

/** The custom resource that comes in devices. A task that asks for less than one gets a share of one device; else it gets whole ones. */
export const deviceResource = 'gpu';

/** Thousandths of one device, of a core, and of a custom resource's unit. */
export const parts = 1_000;

/** A node as its owner describes it. */
export interface SimulatedNode {
  readonly name: string;
  /** Of `gpu` a whole number: each is a device. */
  readonly capacity: Resources;
  /** The kind of its devices. */
  readonly model?: string;
}

/** A task as its owner describes it. */
export interface SimulatedTask {
  readonly name: string;
  /** Of `gpu` a share of one device (below 1), or whole ones. */
  readonly ask: Resources;
  /** The kinds of devices it can use; any, where absent. */
  readonly models?: readonly string[];
}

/** The resources of a simulation in a fixed order; amounts of nodes and tasks stand in this order. */
export interface Axes {
  readonly names: readonly string[];
  /** Where the devices are among them; -1 where no node and no task has any. */
  readonly device: number;
}

/** Tasks that ask for the same. */
export interface Kind {
  readonly index: number;
  readonly amounts: readonly number[];
  /** Thousandths of one device; 0 where the task shares none. */
  readonly share: number;
  /** Whole devices. */
  readonly whole: number;
  readonly models: readonly string[] | undefined;
  /** How many tasks of the load are of this kind. */
  readonly count: number;
  readonly ask: Resources;
}

/** Nodes with the same capacity. */
export interface Shape {
  readonly index: number;
  readonly amounts: readonly number[];
  readonly model: string | undefined;
  readonly capacity: Resources;
  readonly slotsMax: number;
}

/** How much of an axis is one of what people count in: a core, a byte, a device. */
export function unitOf(axes: Axes, axis: number): number {
  const name = axes.names[axis];
  return name === 'memory' || name === 'disk' ? 1 : parts;
}

/** A load and the cluster it goes to, ready to be run any number of times. */
export interface Scene {
  readonly axes: Axes;
  readonly shapes: readonly Shape[];
  /** By name, as place() tells equal scores apart. */
  readonly nodes: readonly { readonly name: string; readonly shape: Shape }[];
  readonly kinds: readonly Kind[];
  /** In the order of the file: names and kinds. */
  readonly tasks: readonly { readonly name: string; readonly kind: Kind }[];
  /** The capacity of all nodes. */
  readonly total: readonly number[];
  /**
   * The resource by which loads are filled and fragmentation is counted: devices where there are some and some are asked for, else of cpu
   * and memory the one of which more is asked, as a share of the capacity.
   */
  readonly scarce: number;
}

/** How much of an axis an amount of resources is. */
function amountOf(resources: Resources, name: string): number {
  if (name === 'cpu') return Math.round(resources.cpu * parts);
  if (name === 'memory') return resources.memoryBytes;
  if (name === 'disk') return resources.diskBytes;
  return Math.round((Object.hasOwn(resources.custom, name) ? resources.custom[name]! : 0) * parts);
}

function axesOf(all: readonly Resources[]): Axes {
  const custom = [...new Set(all.flatMap((one) => Object.keys(one.custom)))].sort();
  const names = ['cpu', 'memory', 'disk', ...custom];
  return { names, device: names.indexOf(deviceResource) };
}

/** One of a group of equals, in the order of their first appearance. */
class Groups<T> {
  readonly all: T[] = [];
  readonly #byKey = new Map<string, T>();

  get(key: string, make: (index: number) => T): T {
    let one = this.#byKey.get(key);
    if (one === undefined) {
      one = make(this.all.length);
      this.#byKey.set(key, one);
      this.all.push(one);
    }
    return one;
  }
}

function kindOf(axes: Axes, task: SimulatedTask, index: number): Kind & { count: number } {
  const amounts = axes.names.map((name) => amountOf(task.ask, name));
  const devices = axes.device === -1 ? 0 : amounts[axes.device]!;
  const shares = devices < parts;
  return {
    index,
    amounts,
    share: shares ? devices : 0,
    whole: shares ? 0 : devices / parts,
    models: task.models,
    count: 0,
    ask: task.ask,
  };
}

function scarceOf(axes: Axes, total: readonly number[], kinds: readonly Kind[]): number {
  const asked = (axis: number): number => kinds.reduce((sum, kind) => sum + kind.count * kind.amounts[axis]!, 0);
  if (axes.device !== -1 && total[axes.device]! > 0 && asked(axes.device) > 0) return axes.device;
  const share = (axis: number): number => asked(axis) / Math.max(total[axis]!, Number.MIN_VALUE);
  return share(0) >= share(1) ? 0 : 1;
}

/**
 * Counts a cluster and a load.
 * @param slotsMax tasks a node takes
 */
export function sceneOf(nodes: readonly SimulatedNode[], tasks: readonly SimulatedTask[], slotsMax: number): Scene {
  const axes = axesOf([...nodes.map((node) => node.capacity), ...tasks.map((task) => task.ask)]);
  const shapes = new Groups<Shape>();
  const seats = nodes.map((node) => {
    const amounts = axes.names.map((name) => amountOf(node.capacity, name));
    const { capacity, model } = node;
    const shape = shapes.get(JSON.stringify([amounts, model]), (index) => ({ index, amounts, model, capacity, slotsMax }));
    return { name: node.name, shape };
  });
  const kinds = new Groups<Kind & { count: number }>();
  const wanted = tasks.map((task) => {
    const made = kindOf(axes, task, 0);
    const kind = kinds.get(JSON.stringify([made.amounts, made.models]), (index) => ({ ...made, index }));
    kind.count++;
    return { name: task.name, kind };
  });
  const total = axes.names.map((_, axis) => seats.reduce((sum, { shape }) => sum + shape.amounts[axis]!, 0));
  return {
    axes,
    shapes: shapes.all,
    nodes: seats.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name))),
    kinds: kinds.all,
    tasks: wanted,
    total,
    scarce: scarceOf(axes, total, kinds.all),
  };
}
