/** Tasks: one placement of a slot on a node, and what travels about it. */
import type { JobOrigin, Protocol, RunKind, TaskSpec } from './job.ts';

/** The states of the task machine (machines/task.ts). */
export const taskStates = [
  'pending',
  'scheduled',
  'preparing',
  'starting',
  'running',
  'backingOff',
  'stopping',
  'unreachable',
  'completed',
  'failed',
  'stopped',
  'lost',
  'rejected',
] as const;

/** A state of the task machine. */
export type TaskState = (typeof taskStates)[number];

/** The states a worker reports. */
export type ReportedState = Exclude<TaskState, 'pending' | 'scheduled' | 'unreachable'>;

/** The states that a record never leaves. */
export const finalStates: ReadonlySet<TaskState> = new Set(['completed', 'failed', 'stopped', 'lost', 'rejected']);

/** What a health check says of a running task; `unknown` without one. */
export type Health = 'healthy' | 'unhealthy' | 'unknown';

/** What the manager wants of a task. Only the manager writes it. */
export type Desired = 'running' | 'stopped';

/** A port as it is bound: the scheduler's choice, kept over restarts. */
export interface PortBinding {
  readonly ip: string;
  readonly host: number;
  readonly container: number;
  readonly protocol: Protocol;
}

/** What the manager keeps of a task. Times are ms since the epoch; absent until they happen. */
export interface TaskRecord {
  readonly id: string;
  readonly job: string;
  readonly task: string;
  /** Counted from 1. */
  readonly index: number;
  /** `job/task.index`. */
  readonly slot: string;
  /** The job's version this record was made for. */
  readonly version: number;
  /** Hash of what a container is made from: records of one hash need no replacement. */
  readonly specHash: string;
  /** The job's run it was made in. */
  readonly run: number;
  readonly image: string;
  readonly state: TaskState;
  readonly health: Health;
  readonly desired: Desired;
  /** Node id, once placed. */
  readonly node?: string;
  readonly nodeName?: string;
  /** The node's data center. */
  readonly dc?: string;
  readonly ports: readonly PortBinding[];
  /** The last report taken; older ones are ignored. */
  readonly sequence: number;
  readonly attempt: number;
  readonly restarts: number;
  /** How the attempt before this one ended. */
  readonly lastEnd?: string;
  readonly exitCode?: number;
  /** Why it is in its state, or why it is not placed yet. */
  readonly reason?: string;
  /** Code of the error table behind `reason`, where there is one. */
  readonly reasonCode?: string;
  /** What it does right now, for progress (a pull's percentage); never stored. */
  readonly detail?: string;
  readonly containerId?: string;
  readonly containerName?: string;
  /** What the image's name stood for: its digest in its registry, or the image's id where it has none. */
  readonly digest?: string;
  /** Whether something looks after its health: until that has spoken, `unknown` does not count as well. */
  readonly hasCheck?: boolean;
  /** Score the scheduler gave. */
  readonly score?: number;
  /** Consecutive failed records of this slot before this one. */
  readonly failures: number;
  /** Nodes where this slot failed lately: it goes elsewhere if it can. */
  readonly avoid?: readonly string[];
  /** Not placed before this time. */
  readonly placeAfter?: number;
  /** Id of the only node it may run on: a system job's. */
  readonly boundTo?: string;
  /** The tick its run is for, of a periodic job. */
  readonly tick?: number;
  /** Versions of the secrets and configs that it was made with: by `secret/NAME`, `config/NAME`. */
  readonly fileVersions?: Readonly<Record<string, number>>;
  /** Since when it is in its state, its health included, by the manager's clock; absent in records of versions that did not note it. */
  readonly stateAt?: number;
  /** A node that might have it had no room for it when it was last asked for. */
  readonly wantsRoom?: boolean;
  /** Id of the node where others are stopped to make room for it. */
  readonly roomOn?: string;
  readonly createdAt: number;
  readonly scheduledAt?: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  /** When the manager learned of its end, by the manager's own clock; the times above are the worker's. */
  readonly endedAt?: number;
}

/** Whether a record's state can change no more. */
export function isFinal(record: { readonly state: TaskState }): boolean {
  return finalStates.has(record.state);
}

/** Whether a record holds its node's resources and ports: placed, and not final. */
export function holdsNode(record: TaskRecord): boolean {
  return record.node !== undefined && !finalStates.has(record.state);
}

/** A secret, a config or a run's payload that a container finds as a file. */
export interface FileRef {
  readonly kind: 'secret' | 'config' | 'payload';
  /** Of a payload: the job's. */
  readonly name: string;
  readonly version: number;
  /** In the container. */
  readonly path: string;
}

/** What a worker needs to run a task: travels in assignments and is kept by the worker. */
export interface Order {
  readonly id: string;
  readonly job: string;
  readonly jobType: RunKind;
  readonly task: string;
  readonly index: number;
  readonly slot: string;
  readonly version: number;
  readonly desired: Desired;
  readonly spec: TaskSpec;
  /** The job's labels, put on its containers. */
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly PortBinding[];
  /** Of the spec, by which a manager that lost the task's record knows it again. */
  readonly specHash?: string;
  /** The last report the manager took of this task: a worker that lost its memory counts on from there. */
  readonly sequence: number;
  /** Records of its slot that failed in a row before this one; absent: none. */
  readonly failures?: number;
  /** The tick its run is for, of a periodic job. */
  readonly tick?: number;
  /** What its image stands for in its registry: where the worker has another one under that name, it pulls first. */
  readonly digest?: string;
  /** Files it finds in its container, whose content the worker asks for. */
  readonly files?: readonly FileRef[];
  /** How the job came to be, where the seeds' API of the worker must know: it shows the client's own Task.ID and Name. */
  readonly origin?: JobOrigin;
}

/** What a worker holds of a live task's order, for a manager that may have lost the task's record. */
export type Holding = Pick<Order, 'id' | 'job' | 'task' | 'index' | 'version' | 'desired' | 'specHash' | 'ports'>;

/** What a worker sees of a task's container. Times are ms since the epoch, by the worker's clock. */
export interface Observed {
  readonly attempt: number;
  readonly restarts: number;
  /** How the attempt before this one ended. */
  readonly lastEnd?: string;
  readonly exitCode?: number;
  readonly reason?: string;
  readonly reasonCode?: string;
  /** What is being done right now, for progress. */
  readonly detail?: string;
  readonly containerId?: string;
  readonly containerName?: string;
  readonly digest?: string;
  readonly hasCheck?: boolean;
  readonly startedAt?: number;
  readonly finishedAt?: number;
}

/** The worker's word on a task. `sequence` rises by one with each change of that task. */
export interface TaskReport extends Observed {
  readonly id: string;
  readonly sequence: number;
  readonly state: ReportedState;
  readonly health: Health;
}
