/** What the scheduler is asked and what it answers. */
import type { NodeState } from './node.ts';
import type { PortSpec, Protocol } from './job.ts';
import type { Resources } from './resources.ts';
import type { PortBinding } from './task.ts';

/** The scoring policies this version has. */
export type PolicyName = 'epvm' | 'roundrobin';

/** A node as the scheduler sees it: a snapshot, nothing in it changes. */
export interface NodeView {
  readonly id: string;
  readonly name: string;
  readonly dc: string;
  readonly state: NodeState;
  readonly eligible: boolean;
  /** Its engine does not answer. */
  readonly engineAway?: boolean;
  readonly capacity: Resources;
  /** Sum over the tasks placed there. */
  readonly reserved: Resources;
  /** Measured; zero where nothing was measured yet. */
  readonly used: Resources;
  readonly tasks: number;
  readonly slotsMax: number;
  readonly portsIp: string;
  readonly portRange: { readonly from: number; readonly to: number };
  /** The free port to try first: one after the last handed out there, so that a port just freed rests. Absent: derived from the task's id. */
  readonly portsNext?: number;
  /** Host ports in use there, and by which slot. */
  readonly portsTaken: readonly { readonly ip: string; readonly host: number; readonly protocol: Protocol; readonly by: string }[];
}

/** What a task asks for. Tasks with equal asks are one group. */
export interface Ask {
  readonly resources: Resources;
  readonly datacenters: readonly string[];
  readonly ports: readonly PortSpec[];
  /** Name of the only node allowed. */
  readonly onNode?: string;
  /** Ids of nodes where it failed lately: they are used only when no other node can take it. */
  readonly avoid?: readonly string[];
}

/** Tasks that ask for the same, in the order in which they are to be placed. */
export interface TaskGroup {
  readonly ask: Ask;
  readonly tasks: readonly { readonly id: string; readonly slot: string }[];
}

/** One batch for the scorer: what there is, and what is to be placed. */
export interface ScoreRequest {
  readonly nodes: readonly NodeView[];
  /** Highest priority first. */
  readonly groups: readonly TaskGroup[];
  readonly policy: PolicyName;
  readonly epvmBase: number;
  /** Where round robin goes on: the node after the one of this index. */
  readonly cursor: number;
  readonly reasonsMax: number;
}

/** A task placed on a node, both by id. */
export interface Placement {
  /** Id of the task. */
  readonly task: string;
  /** Id of the node. */
  readonly node: string;
  /** Lower is better. */
  readonly score: number;
  readonly ports: readonly PortBinding[];
}

/** Why nodes were filtered out: how many for this reason, most first. */
export interface FilterReason {
  readonly filter: FilterName;
  readonly nodes: number;
  readonly detail: string;
}

/** The filters that can rule a node out. */
export type FilterName = 'state' | 'eligible' | 'node' | 'datacenter' | 'cpu' | 'memory' | 'disk' | 'custom' | 'slots' | 'ports';

/** A task no node takes now, and why, most frequent reason first. */
export interface Unplaced {
  readonly task: string;
  readonly slot: string;
  readonly reasons: readonly FilterReason[];
}

/** The scheduler's answer to one batch. */
export interface Plan {
  readonly placements: readonly Placement[];
  readonly unplaced: readonly Unplaced[];
  /** Index of the node picked last: where round robin stopped. */
  readonly cursor: number;
}

/** One node's line of `cube explain`. */
export interface Explained {
  /** Name of the node. */
  readonly node: string;
  readonly feasible: boolean;
  readonly filter?: FilterName;
  /** Why not; of a node that is feasible: why others come first whatever their score. */
  readonly detail?: string;
  readonly score?: number;
  /** What each resource adds to the score. */
  readonly terms?: Readonly<Record<string, number>>;
}
