/** The JSON that scripts read (CLI.md): times are ISO 8601 UTC, sizes bytes, cpu cores, durations ms. */
import { deploymentJson } from './deployment-view.ts';
import type { DeploymentJson } from './deployment-view.ts';
import type { ClusterEvent } from './events.ts';
import { isoOrNull, isoTime } from './iso-time.ts';
import type { JobCounts, JobRecord, JobStatus, JobType, Protocol } from './job.ts';
import type { JobPlan } from './job-plan.ts';
import type { NodeRecord, NodeState, TaskUsage } from './node.ts';
import type { Explained, FilterReason, PolicyName } from './placement.ts';
import type { Resources } from './resources.ts';
import type { Desired, Health, TaskRecord, TaskState } from './task.ts';
import { ticksJson, type TicksJson } from './ticks.ts';

export { isoTime } from './iso-time.ts';

/** A job, as `status -o json` shows it. */
export interface JobJson extends TicksJson {
  readonly name: string;
  readonly type: JobType;
  readonly version: number;
  readonly index: number;
  readonly status: JobStatus;
  readonly reason: string | null;
  readonly datacenters: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly desired: number;
  readonly running: number;
  readonly healthy: number;
  readonly failed: number;
  readonly completed: number;
  /** Its newest roll-out; null where there was none. */
  readonly deployment: DeploymentJson | null;
  /** The parameterized job that it is a run of. */
  readonly parent: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** What a running task uses: cores (null until it was measured twice), bytes, and bytes over the network since its container started. */
export interface TaskUsageJson {
  readonly cpu: number | null;
  readonly memoryBytes: number;
  readonly networkInBytes: number | null;
  readonly networkOutBytes: number | null;
}

/** A task record, as `status -o json` shows it. */
export interface TaskJson {
  readonly id: string;
  readonly job: string;
  readonly task: string;
  readonly slot: string;
  readonly version: number;
  readonly state: TaskState;
  readonly health: Health;
  /** Whether something looks after its health: `unknown` means not yet then. */
  readonly hasCheck: boolean;
  readonly desired: Desired;
  /** The node's name. */
  readonly node: string | null;
  readonly nodeId: string | null;
  readonly image: string;
  /** What the image's name stood for: its digest in its registry, or its id; null until it runs. */
  readonly digest: string | null;
  readonly containerId: string | null;
  readonly containerName: string | null;
  readonly attempt: number;
  readonly restarts: number;
  /** How the attempt before this one ended. */
  readonly lastEnd: string | null;
  readonly exitCode: number | null;
  readonly reason: string | null;
  readonly reasonCode: string | null;
  /** What it does right now: a pull's progress. */
  readonly detail: string | null;
  readonly ports: readonly { readonly ip: string; readonly host: number; readonly container: number; readonly protocol: Protocol }[];
  /** What it was measured to use; null while it does not run, and until it was measured. */
  readonly usage: TaskUsageJson | null;
  readonly createdAt: string;
  readonly scheduledAt: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

/** A node, as `nodes -o json` shows it. */
export interface NodeJson {
  readonly id: string;
  readonly name: string;
  readonly dc: string;
  readonly state: NodeState;
  readonly reason: string | null;
  /** Its engine does not answer: nothing new is placed there. The reason tells more. */
  readonly engineAway: boolean;
  readonly eligible: boolean;
  readonly role: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: Resources;
  readonly reserved: Resources;
  readonly used: Resources;
  readonly tasks: number;
  readonly version: string;
  readonly os: string;
  readonly arch: string;
  readonly cpuModel: string | null;
  readonly runtime: { readonly name: string; readonly version: string };
}

/** The document of `status -o json`. */
export interface StatusJson {
  readonly index: number;
  readonly jobs: readonly JobJson[];
  readonly tasks: readonly TaskJson[];
}

/** The document of `explain -o json`. */
export interface ExplainJson {
  readonly task: string;
  readonly slot: string;
  readonly state: TaskState;
  readonly picked: string | null;
  readonly reasons: readonly FilterReason[];
  readonly nodes: readonly Explained[];
}

/** A move worth making. `from` and `to` are names of nodes. */
interface MoveJson {
  readonly task: string;
  readonly slot: string;
  readonly from: string;
  readonly to: string;
  /** By how much it lowers the cost of all nodes together, in the policy's own unit. */
  readonly gain: number;
  /** The same as a share of what the task costs where it is. */
  readonly share: number;
  readonly why: string;
}

/** The document of `rebalance --plan -o json`. */
export interface RebalanceJson {
  readonly policy: PolicyName;
  readonly moves: readonly MoveJson[];
}

/** One line of `events -o json`. */
export interface EventJson {
  readonly seq: number;
  readonly at: string;
  readonly epoch: string;
  readonly machine: string;
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly event: string;
  readonly cause: string;
  readonly node: string | null;
  readonly job: string | null;
}

/** One line of `logs -o json`. */
export interface LogLineJson {
  readonly at: string;
  readonly slot: string;
  readonly task: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** What a credential allows (ports/auth.ts). */
export type ScopeJson = 'admin' | 'viewer' | 'join';

/** The document of `GET /v1/info`. */
export interface InfoJson {
  readonly version: string;
  readonly clusterId: string | null;
  readonly nodeId: string;
  readonly name: string;
  readonly role: string;
  /** Whether the node asks for no token. */
  readonly openLoopback: boolean;
  /** What the caller may do. */
  readonly scope: ScopeJson;
}

/** The document of `GET /v1/jobs`. */
export interface JobsJson {
  readonly index: number;
  readonly jobs: readonly JobJson[];
}

/** The answer to a submit. */
export interface SubmittedJson {
  readonly job: JobJson;
  readonly change: 'created' | 'updated' | 'unchanged' | 'started';
  /** What its user should know, a sentence each; managers of earlier versions tell nothing. */
  readonly warnings?: readonly string[];
}

/** The document of `plan -o json`. */
export type PlanJson = JobPlan;

/** A ticket for one use in a URL. */
export interface TicketJson {
  readonly ticket: string;
  readonly scope: ScopeJson;
  readonly expiresAt: string;
}

/** What a ticket was turned into. */
export interface LoginJson {
  readonly token: string;
  readonly scope: ScopeJson;
}

/** A job and its counts as JSON. */
export function jobJson(job: JobRecord, counts: JobCounts): JobJson {
  return {
    name: job.name,
    type: job.spec.type,
    version: job.version,
    index: job.index,
    status: job.status,
    reason: job.reason ?? null,
    datacenters: job.spec.datacenters,
    labels: job.spec.labels,
    ...counts,
    deployment: job.deployment === undefined ? null : deploymentJson(job.deployment, counts.desired),
    parent: job.origin.parent ?? null,
    ...ticksJson(job),
    createdAt: isoTime(job.createdAt),
    updatedAt: isoTime(job.updatedAt),
  };
}

function usageJson({ cpu, memoryBytes, networkInBytes, networkOutBytes }: TaskUsage): TaskUsageJson {
  return { cpu, memoryBytes, networkInBytes, networkOutBytes };
}

/** A task record as JSON, with what was measured of it if that is known. */
export function taskJson(task: TaskRecord & { readonly usage?: TaskUsage }): TaskJson {
  return {
    id: task.id,
    job: task.job,
    task: task.task,
    slot: task.slot,
    version: task.version,
    state: task.state,
    health: task.health,
    hasCheck: task.hasCheck === true,
    desired: task.desired,
    node: task.nodeName ?? null,
    nodeId: task.node ?? null,
    image: task.image,
    digest: task.digest ?? null,
    containerId: task.containerId ?? null,
    containerName: task.containerName ?? null,
    attempt: task.attempt,
    restarts: task.restarts,
    lastEnd: task.lastEnd ?? null,
    exitCode: task.exitCode ?? null,
    reason: task.reason ?? null,
    reasonCode: task.reasonCode ?? null,
    detail: task.detail ?? null,
    ports: task.ports,
    usage: task.usage === undefined ? null : usageJson(task.usage),
    createdAt: isoTime(task.createdAt),
    scheduledAt: isoOrNull(task.scheduledAt),
    startedAt: isoOrNull(task.startedAt),
    finishedAt: isoOrNull(task.finishedAt),
  };
}

/** A node as JSON. */
export function nodeJson(node: NodeRecord & { readonly reserved: Resources; readonly used: Resources; readonly tasks: number }): NodeJson {
  const { id, name, dc, state, eligible, role, labels, capacity, reserved, used, tasks, version, os, arch, runtime } = node;
  return {
    id,
    name,
    dc,
    state,
    reason: node.reason ?? node.engineAway ?? null,
    engineAway: node.engineAway !== undefined,
    eligible,
    role,
    labels,
    capacity,
    reserved,
    used,
    tasks,
    version,
    os,
    arch,
    cpuModel: node.cpuModel ?? null,
    runtime,
  };
}

/** An event as JSON. */
export function eventJson(event: ClusterEvent): EventJson {
  return { ...event, at: isoTime(event.at), node: event.node ?? null, job: event.job ?? null };
}
