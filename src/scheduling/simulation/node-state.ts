/**
 * What is left of a node. States never change, and during a run equal ones are one object: nodes that are alike share what was worked out for them, so
 * that a score is worked out once for each state and kind of task.
 */
import type { Kind, Shape } from './model.ts';
import { parts } from './model.ts';

/** A node at one moment. */
export interface NodeState {
  readonly shape: Shape;
  /** By axis. */
  readonly left: readonly number[];
  /** Thousandths left of each device, the fullest device first: which is which does not matter. */
  readonly devices: readonly number[];
  /** How many devices nobody uses. */
  readonly idle: number;
  readonly tasks: number;
}

/** A state that some nodes of a run are in, with what is known of it. */
export class SharedState implements NodeState {
  readonly shape: Shape;
  readonly left: readonly number[];
  readonly devices: readonly number[];
  readonly idle: number;
  readonly tasks: number;
  readonly key: string;
  /** How many nodes are in it. */
  nodes = 0;
  /** By kind of task, NaN where it was not asked for yet; or only of the kind asked for last. */
  readonly #scores: Float64Array;
  #lastKind = -1;

  constructor(state: NodeState, key: string, kept: number) {
    this.shape = state.shape;
    this.left = state.left;
    this.devices = state.devices;
    this.idle = state.idle;
    this.tasks = state.tasks;
    this.key = key;
    this.#scores = new Float64Array(kept).fill(Number.NaN);
  }

  /** The score of a kind; NaN where it is not known. */
  score(kind: number): number {
    if (this.#scores.length > 1) return this.#scores[kind]!;
    return this.#lastKind === kind ? this.#scores[0]! : Number.NaN;
  }

  learn(kind: number, score: number): void {
    this.#lastKind = kind;
    this.#scores[this.#scores.length > 1 ? kind : 0] = score;
  }
}

/** A node nobody uses. */
export function emptyNode(shape: Shape, deviceAxis: number): NodeState {
  const idle = deviceAxis === -1 ? 0 : Math.floor(shape.amounts[deviceAxis]! / parts);
  return { shape, left: shape.amounts, devices: Array.from({ length: idle }, () => parts), idle, tasks: 0 };
}

/** Whether a node has room for a task: enough of everything, and devices it can use. */
export function hasRoom(state: NodeState, kind: Kind): boolean {
  const { shape, left, devices } = state;
  if (state.tasks >= shape.slotsMax) return false;
  for (let axis = 0; axis < left.length; axis++) if (left[axis]! < kind.amounts[axis]!) return false;
  if (kind.whole > state.idle) return false;
  if (kind.share > 0 && !(devices.length > 0 && devices.at(-1)! >= kind.share)) return false;
  return kind.models === undefined || (shape.model !== undefined && kind.models.includes(shape.model));
}

/** The device that a share takes by best fit: the fullest one that still has room. */
function bestDevice({ devices }: NodeState, kind: Kind): number {
  return devices.findIndex((left) => left >= kind.share);
}

/** The node with one more such task. @param device which device a share is taken of */
export function withTask(state: NodeState, kind: Kind, device = bestDevice(state, kind)): NodeState {
  const left = state.left.map((amount, axis) => amount - kind.amounts[axis]!);
  const { shape, devices } = state;
  const tasks = state.tasks + 1;
  if (kind.whole > 0) {
    const used = devices.slice(0, devices.length - kind.whole);
    return { shape, left, devices: [...Array.from({ length: kind.whole }, () => 0), ...used], idle: state.idle - kind.whole, tasks };
  }
  if (kind.share === 0) return { shape, left, devices, idle: state.idle, tasks };
  const after = devices.toSpliced(device, 1);
  const rest = devices[device]! - kind.share;
  const place = after.findIndex((other) => other >= rest);
  after.splice(place === -1 ? after.length : place, 0, rest);
  return { shape, left, devices: after, idle: state.idle - (devices[device] === parts ? 1 : 0), tasks };
}

/** Scores that are kept at most: past it, only those of the kind asked for last. */
const scoresMax = 10_000_000;

/** The states that the nodes of a run are in. */
export class SharedStates {
  readonly #states = new Map<string, SharedState>();
  readonly #kept: number;

  constructor(kinds: number, nodes: number) {
    this.#kept = kinds * nodes > scoresMax ? 1 : kinds;
  }

  /** The one object for this state, for a node that gets into it. */
  enter(state: NodeState): SharedState {
    const key = `${state.shape.index}:${state.tasks}:${state.left.join()}:${state.devices.join()}`;
    let shared = this.#states.get(key);
    if (!shared) {
      shared = new SharedState(state, key, this.#kept);
      this.#states.set(key, shared);
    }
    shared.nodes++;
    return shared;
  }

  /** A node gets out of it. */
  leave(state: SharedState): void {
    if (--state.nodes === 0) this.#states.delete(state.key);
  }
}
