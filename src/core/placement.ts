/** What the scheduler is asked and what it answers. */
import type { Constraint, NodeAttributes } from './constraint.ts';
import type { NodeState } from './node.ts';
import type { PortSpec, Protocol } from './job.ts';
import type { Resources } from './resources.ts';
import type { PortBinding } from './task.ts';
import type { NodeFeature } from './volumes.ts';

/** The scoring policies this version has. */
export const policyNames = ['epvm', 'roundrobin', 'spread', 'binpack'] as const;

/** One of them. */
export type PolicyName = (typeof policyNames)[number];

/** Whether a text is a policy's name. */
export function isPolicyName(text: string): text is PolicyName {
  return (policyNames as readonly string[]).includes(text);
}

/** A node as the scheduler sees it: a snapshot, nothing in it changes. */
export interface NodeView extends NodeAttributes {
  readonly id: string;
  readonly state: NodeState;
  readonly eligible: boolean;
  /** Its engine does not answer. */
  readonly engineAway?: boolean;
  readonly capacity: Resources;
  /** Sum over the tasks placed there. */
  readonly reserved: Resources;
  /** Measured, and what was placed since; zero where nothing was measured yet. */
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
  /** All must hold. */
  readonly constraints?: readonly Constraint[];
  /** Nodes for which one of these holds are better. */
  readonly affinity?: readonly Constraint[];
  /** An attribute over whose values the job's tasks are to be spread. */
  readonly spread?: string;
  /** How many tasks of this task's kind a node takes at most. */
  readonly maxPerNode?: number;
  /** The only node allowed, since the data of the task's slot is there; id and name, for it may be gone. */
  readonly dataOn?: { readonly node: string; readonly nodeName: string; readonly slot: string };
  /** Directories of the node that it must allow. */
  readonly mounts?: readonly string[];
  /** What the node must know. */
  readonly features?: readonly NodeFeature[];
}

/** Tasks that ask for the same, in the order in which they are to be placed. */
export interface TaskGroup {
  readonly ask: Ask;
  /** Names the tasks' kind (same job, same name): groups of one kind count as each other's mates. */
  readonly kind?: string;
  /** How many tasks of this kind nodes have already, by the node's id; for `maxPerNode` and spreading. */
  readonly mates?: Readonly<Record<string, number>>;
  readonly tasks: readonly { readonly id: string; readonly slot: string }[];
}

/** An attribute's values as a column: `ids[row]` is the place of the node's value in `values`, where 0 stands for none. */
export interface AttributeColumn {
  readonly ids: Int32Array;
  readonly values: readonly (string | undefined)[];
}

/** What the ports of a node are chosen by. */
export type NodePorts = Pick<NodeView, 'portsIp' | 'portRange' | 'portsNext' | 'portsTaken'>;

/** The nodes as columns, a row a node. Rows of nodes that left stay empty until the next one joins. */
export interface NodeColumns {
  readonly rows: number;
  readonly ids: readonly string[];
  readonly names: readonly string[];
  /** What a node is open to, as a place in `conditions` (scheduling/conditions.ts). */
  readonly conditions: Uint8Array;
  /** Order by name, then id: by which equal scores are told apart. */
  readonly ranks: Int32Array;
  /** Names of the columns below: cpu, memory, disk, slots, then custom ones. */
  readonly resources: readonly string[];
  readonly capacity: readonly Float64Array[];
  readonly reserved: readonly Float64Array[];
  readonly used: readonly Float64Array[];
  readonly attributes: Readonly<Record<string, AttributeColumn>>;
  /** By row. */
  readonly ports: readonly (NodePorts | undefined)[];
}

/** Where the columns come from: what a batch needs of the nodes is made when it is asked for. */
export interface NodeSource {
  /** The columns now, with these attributes and custom resources among them. What changes later may show in them. */
  columns(attributes: Iterable<string>, resources: Iterable<string>): NodeColumns;
  /** The row of a node by its id or name; -1 when there is none. */
  rowOf(id: string): number;
  rowNamed(name: string): number;
}

/** One batch for the scorer: what there is, and what is to be placed. */
export interface ScoreRequest {
  readonly table: NodeSource;
  /** Highest priority first. */
  readonly groups: readonly TaskGroup[];
  readonly policy: PolicyName;
  readonly epvmBase: number;
  /** What a node costs more for which no affinity of the task holds. */
  readonly affinityWeight: number;
  /** What each task of the same kind costs in a domain that the job spreads over. */
  readonly spreadWeight: number;
  /** Where round robin goes on: the node after the one of this row. */
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
export type FilterName =
  | 'state'
  | 'eligible'
  | 'node'
  | 'datacenter'
  | 'constraint'
  | 'feature'
  | 'mount'
  | 'volume'
  | 'perNode'
  | 'cpu'
  | 'memory'
  | 'disk'
  | 'custom'
  | 'slots'
  | 'ports';

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
  /** Row of the node picked last: where round robin stopped. */
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
  /** What each resource, and what else counts, adds to the score. */
  readonly terms?: Readonly<Record<string, number>>;
}
