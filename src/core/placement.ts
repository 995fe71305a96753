/** What the scheduler is asked and what it answers. */
import type { NodeState } from './node.ts';
import type { PortSpec, Protocol } from './job.ts';
import type { Resources } from './resources.ts';
import type { PortBinding } from './task.ts';

export type PolicyName = 'epvm' | 'roundrobin';

/** A node as the scheduler sees it: a snapshot, nothing in it changes. */
export interface NodeView {
  readonly id: string;
  readonly name: string;
  readonly dc: string;
  readonly state: NodeState;
  readonly eligible: boolean;
  readonly capacity: Resources;
  /** Sum over the tasks placed there. */
  readonly reserved: Resources;
  /** Measured; zero where nothing was measured yet. */
  readonly used: Resources;
  readonly tasks: number;
  readonly slotsMax: number;
  readonly portsIp: string;
  readonly portRange: { readonly from: number; readonly to: number };
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
}

/** Tasks that ask for the same, in the order in which they are to be placed. */
export interface TaskGroup {
  readonly ask: Ask;
  readonly tasks: readonly { readonly id: string; readonly slot: string }[];
}

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

export interface Placement {
  readonly task: string;
  readonly node: string;
  /** Lower is better for `epvm`. */
  readonly score: number;
  readonly ports: readonly PortBinding[];
}

/** Why nodes were filtered out: how many for this reason, most first. */
export interface FilterReason {
  readonly filter: FilterName;
  readonly nodes: number;
  readonly detail: string;
}

export type FilterName = 'state' | 'eligible' | 'node' | 'datacenter' | 'cpu' | 'memory' | 'disk' | 'custom' | 'slots' | 'ports';

export interface Unplaced {
  readonly task: string;
  readonly slot: string;
  readonly reasons: readonly FilterReason[];
}

export interface Plan {
  readonly placements: readonly Placement[];
  readonly unplaced: readonly Unplaced[];
  /** Where round robin stopped. */
  readonly cursor: number;
}

/** One node's line of `cube explain`. */
export interface Explained {
  readonly node: string;
  readonly feasible: boolean;
  readonly filter?: FilterName;
  readonly detail?: string;
  readonly score?: number;
  /** What each resource adds to the score. */
  readonly terms?: Readonly<Record<string, number>>;
}
