/** One run: tasks come one after the other, each goes where the policy says, none ever leaves. What has no room is not placed. */
import { mixOf, unusable } from './fragmentation.ts';
import type { Kind, Scene } from './model.ts';
import { emptyNode, hasRoom, SharedStates, withTask } from './node-state.ts';
import type { NodeState, SharedState } from './node-state.ts';
import { simulationPolicies } from './policies.ts';
import type { PolicySettings, Scorer, SimulationPolicyName } from './policies.ts';

/** What came of a run. */
export interface RunResult {
  readonly placed: number;
  readonly unplaced: number;
  /** By resource: what the placed tasks reserve, as a share of the capacity of all nodes; only resources that some node has. */
  readonly utilisation: Readonly<Record<string, number>>;
  /** The share of the scarce resource's capacity that is idle and that the load's tasks, on average, cannot use where it lies. */
  readonly fragmentation: number;
  /** By task, in the order in which they came: the index of its node, -1 where it has none. */
  readonly nodes: Int32Array;
}

/** The nodes of a run, as they fill. */
class Cluster {
  readonly nodes: SharedState[];
  readonly #states: SharedStates;
  readonly #score: Scorer;

  constructor(scene: Scene, score: Scorer) {
    this.#states = new SharedStates(scene.kinds.length, scene.nodes.length);
    this.#score = score;
    this.nodes = scene.nodes.map(({ shape }) => this.#states.enter(emptyNode(shape, scene.axes.device)));
  }

  /** Infinite where there is no room. */
  score(index: number, kind: Kind): number {
    const state = this.nodes[index]!;
    const known = state.score(kind.index);
    if (!Number.isNaN(known)) return known;
    const score = hasRoom(state, kind) ? this.#score(state, kind) : Number.POSITIVE_INFINITY;
    // What cannot be scored must never win.
    const told = Number.isNaN(score) ? Number.POSITIVE_INFINITY : score;
    state.learn(kind.index, told);
    return told;
  }

  take(index: number, kind: Kind, device?: number): void {
    const before = this.nodes[index]!;
    this.nodes[index] = this.#states.enter(withTask(before, kind, device));
    this.#states.leave(before);
  }
}

/** @returns the index of the node with the least score, the first of equals; -1 where none has room */
function least(cluster: Cluster, kind: Kind): number {
  let best = -1;
  let lowest = Number.POSITIVE_INFINITY;
  for (let index = 0; index < cluster.nodes.length; index++) {
    const score = cluster.score(index, kind);
    if (score < lowest) [best, lowest] = [index, score];
  }
  return best;
}

function any(cluster: Cluster, kind: Kind, random: () => number): number {
  let picked = -1;
  let seen = 0;
  for (let index = 0; index < cluster.nodes.length; index++) {
    if (cluster.score(index, kind) !== Number.POSITIVE_INFINITY && random() * ++seen < 1) picked = index;
  }
  return picked;
}

function next(cluster: Cluster, kind: Kind, cursor: number): number {
  const { length } = cluster.nodes;
  for (let step = 1; step <= length; step++) {
    const index = (cursor + step) % length;
    if (cluster.score(index, kind) !== Number.POSITIVE_INFINITY) return index;
  }
  return -1;
}

function anyDevice({ devices }: NodeState, { share }: Kind, random: () => number): number | undefined {
  if (share === 0) return undefined;
  const first = devices.findIndex((left) => left >= share);
  return first + Math.floor(random() * (devices.length - first));
}

/**
 * Places tasks in the order in which they come. The same scene, tasks, policy and random numbers give the same result. Yields after each
 * task, since a run may take its time.
 */
export function* runTasks(
  scene: Scene,
  tasks: readonly Kind[],
  policy: SimulationPolicyName,
  { settings, random }: { readonly settings: PolicySettings; readonly random: () => number },
): Generator<void, RunResult> {
  const { choose, scorer } = simulationPolicies[policy];
  const cluster = new Cluster(scene, scorer(scene, settings));
  const nodes = new Int32Array(tasks.length).fill(-1);
  let cursor = -1;
  for (const [at, kind] of tasks.entries()) {
    yield;
    const index = choose === 'least' ? least(cluster, kind) : choose === 'any' ? any(cluster, kind, random) : next(cluster, kind, cursor);
    if (index === -1) continue;
    cluster.take(index, kind, choose === 'any' ? anyDevice(cluster.nodes[index]!, kind, random) : undefined);
    nodes[at] = index;
    cursor = index;
  }
  return {
    ...measure(scene, cluster.nodes),
    placed: nodes.filter((index) => index !== -1).length,
    unplaced: nodes.filter((index) => index === -1).length,
    nodes,
  };
}

function measure(scene: Scene, states: readonly NodeState[]): Pick<RunResult, 'utilisation' | 'fragmentation'> {
  const utilisation: Record<string, number> = {};
  for (const [axis, name] of scene.axes.names.entries()) {
    const total = scene.total[axis]!;
    if (total > 0) utilisation[name] = states.reduce((sum, { left }) => sum - left[axis]!, total) / total;
  }
  const mix = mixOf(scene);
  const wasted = states.reduce((sum, state) => sum + unusable(state, mix), 0);
  const total = scene.total[scene.scarce]!;
  return { utilisation, fragmentation: total > 0 ? wasted / total : 0 };
}
