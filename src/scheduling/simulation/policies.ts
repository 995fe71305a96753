/**
 * The policies a simulation can compare: Cube's own, and those of the literature that need to know the load beforehand or are there to be
 * compared with.
 */
import type { PolicyName } from '../../core/placement.ts';
import { leftAfterRefill, mixOf, unusable } from './fragmentation.ts';
import { kernelScorer } from './kernel.ts';
import { parts } from './model.ts';
import type { Kind, Scene } from './model.ts';
import { withTask } from './node-state.ts';
import type { NodeState } from './node-state.ts';

/** What a task on a node costs: the lowest wins, of equals the node that is first by name. Asked only where there is room. */
export type Scorer = (state: NodeState, kind: Kind) => number;

/** A way to choose a node. */
export interface SimulationPolicy {
  /** A line for people. */
  readonly about: string;
  /** `least` by score; `any` with room, and any device of it; `next` with room after the one picked last. */
  readonly choose: 'least' | 'any' | 'next';
  /** Made once for a scene. */
  readonly scorer: (scene: Scene, settings: PolicySettings) => Scorer;
}

/** What Cube's own policies are set to. */
export interface PolicySettings {
  readonly epvmBase: number;
}

const noScore = (): Scorer => () => 0;

/** A policy of `cube up --scheduler`, by the code that places real tasks. */
function kernel(name: PolicyName, about: string): SimulationPolicy {
  return { about, choose: 'least', scorer: (scene, settings) => kernelScorer(name, scene.axes.names, scene.shapes, settings) };
}

/** Descends along something counted of a node: a task goes where that grows least. */
function descent(count: (state: NodeState) => number, round: (growth: number) => number = (growth) => growth): Scorer {
  const known = new WeakMap<NodeState, number>();
  return (state, kind) => {
    let before = known.get(state);
    if (before === undefined) {
      before = count(state);
      known.set(state, before);
    }
    return round(count(withTask(state, kind)) - before);
  };
}

/**
 * The best fit of the ATC'23 comparison: the node with the least left of cpu and of the scarce resource, each as a share of what the
 * largest node has.
 */
function bestFit({ shapes, scarce }: Scene): Scorer {
  const axes = [...new Set([0, scarce])];
  const largest = axes.map((axis) => shapes.reduce((most, shape) => Math.max(most, shape.amounts[axis]!), 0) || 1);
  return (state, kind) => {
    let left = 0;
    for (const [at, axis] of axes.entries()) left += (state.left[axis]! - kind.amounts[axis]!) / largest[at]!;
    return left / axes.length;
  };
}

/**
 * Fragmentation gradient descent, as the simulator published with the ATC'23 paper has it: a task goes where `unusable` grows least.
 * Tasks that ask for no device count all that is idle as unusable. Scores are whole percents of a sigmoid of the growth in devices, so that
 * small differences are ties, and the first node by name wins those.
 */
function fgd(scene: Scene): Scorer {
  const mix = mixOf(scene);
  const { scarce, others } = mix;
  // Where there are no devices, an eighth of a node stands for one.
  const unit = mix.devices ? parts : scene.total[scarce]! / scene.nodes.length / 8;
  return descent(
    (state) => (1 - others) * unusable(state, mix) + others * state.left[scarce]!,
    (growth) => -Math.floor(100 / (1 + Math.exp(growth / unit))),
  );
}

/**
 * Refill: of the nodes with room, the one on which the task wastes least of what is left. The waste of a node is counted by filling it up,
 * in thought, with copies of each kind of task of the load: what stays idle, averaged by how common the kinds are (`leftAfterRefill`).
 * Where not one copy has room, that counts twice.
 *
 * It comes from fragmentation gradient descent (`fgd`, ATC'23), and differs in this: there an idle device is unusable only once not a
 * single task fits any more, so eight idle GPUs beside four cores count as usable as long as one task fits. Filling up sees at once that
 * the cores will run out before the GPUs do. So tasks with many cores a GPU go to nodes that have cores to spare, and nodes whose cores
 * are scarce are kept for tasks with few. Counting the nodes that take nothing twice adds the older measure to the newer one, both with the
 * same weight: one sees the shortage coming, the other is strict about its end. There is no number in it to tune.
 *
 * On the openb traces by the paper's protocol it allocates 95.9 % of the GPUs (default) and 95.5 % (cpu250), where the paper's authors
 * publish 95.39 and 93.41 for fgd. It needs to know the load beforehand, so it is no policy of `cube up`.
 */
function refill(scene: Scene): Scorer {
  const mix = mixOf(scene);
  return descent((state) => leftAfterRefill(state, mix));
}

/** All of them, in the order in which `--policy all` shows them. */
export const simulationPolicies = {
  random: { about: 'any node with room', choose: 'any', scorer: noScore },
  roundrobin: { about: 'the next node with room, in a circle', choose: 'next', scorer: noScore },
  spread: kernel('spread', 'the emptiest node'),
  binpack: kernel('binpack', 'the fullest node'),
  bestfit: { about: 'the node with least left of cpu and GPU', choose: 'least', scorer: bestFit },
  epvm: kernel('epvm', 'the least opportunity cost: the default of `cube up`'),
  fgd: { about: "fragmentation gradient descent (ATC'23); knows the load", choose: 'least', scorer: fgd },
  refill: { about: 'least left over when filled up with the load; knows the load', choose: 'least', scorer: refill },
} satisfies Record<string, SimulationPolicy>;

/** Names of the policies. */
export type SimulationPolicyName = keyof typeof simulationPolicies;
