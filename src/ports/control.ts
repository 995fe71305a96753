/** The control port: everything a client can ask of the manager, whoever asks (HTTP, the seeds' API, a worker's call). */
import type { ClusterEvent } from '../core/events.ts';
import type { Release } from '../core/deployment.ts';
import type { FileView, SetKind } from '../core/files.ts';
import type { ExecInput, ExecItem, ExecOpen } from '../core/exec-protocol.ts';
import type { JobPlan } from '../core/job-plan.ts';
import type { JobCounts, JobOrigin, JobRecord, JobSpec } from '../core/job.ts';
import type { NodeRecord, TaskUsage } from '../core/node.ts';
import type { Explained, FilterReason } from '../core/placement.ts';
import type { Resources } from '../core/resources.ts';
import type { SpecChange } from '../core/spec-diff.ts';
import type { Order, TaskRecord, TaskReport } from '../core/task.ts';
import type { Claim } from '../core/volumes.ts';
import type { RebalanceJson } from '../core/views.ts';
import type { HostSample, LogChunk } from './runtime.ts';

/** A job to take on, and under which conditions. */
export interface SubmitRequest {
  readonly spec: JobSpec;
  readonly origin: JobOrigin;
  /** Refused with `conflict` unless the job's index is this one; 0: unless it is new. */
  readonly checkIndex?: number;
  /** Refused with `conflict` when a job of this name exists, or a client's Task.ID is known. */
  readonly mustBeNew?: boolean;
  /** Refused with `invalid-file` when there would be warnings. */
  readonly strict?: boolean;
  /** An image whose name stands for something else by now is a change, too. */
  readonly refreshImages?: boolean;
}

/** The job as it is kept now, and what the submit changed. */
export interface SubmitAnswer {
  readonly job: JobRecord;
  readonly change: 'created' | 'updated' | 'unchanged' | 'started';
  /** What a user should know of it, a sentence each: constraints that no known node meets. */
  readonly warnings: readonly string[];
}

/** A version of a job, with what it changed. */
export interface VersionView extends Release {
  readonly spec: JobSpec;
  /** Against the version before it that is still kept. */
  readonly diff: readonly SpecChange[];
  /** Whether it is the one that is wanted now. */
  readonly isCurrent: boolean;
}

/** What a dispatch gives to its run. */
export interface DispatchRequest {
  readonly set: Readonly<Record<string, string>>;
  readonly payload?: Uint8Array;
}

/** A request that may come again, because its answer was lost: it is to be done once. */
export interface RequestKey {
  /** The client's Idempotency-Key. */
  readonly key: string;
  /** A hash of what the key stands for: method, address and body. */
  readonly print: string;
}

/** A job with its counts. */
export interface JobView extends JobRecord {
  readonly counts: JobCounts;
}

/** A task with what was measured of it, if it runs and was measured. */
export interface TaskView extends TaskRecord {
  readonly usage?: TaskUsage;
}

/** Jobs and tasks, all of one moment. */
export interface StatusView {
  /** The last commit this view holds. */
  readonly index: number;
  /** The last event whose transition this view shows: `afterSeq` for who wants to follow without a gap. */
  readonly seq?: number;
  readonly jobs: readonly JobView[];
  readonly tasks: readonly TaskView[];
}

/** A node with what is placed there and what was measured. */
export interface NodeStatus extends NodeRecord {
  readonly reserved: Resources;
  readonly used: Resources;
  readonly tasks: number;
}

/** Labels to give to a node, and names of those to take from it. */
export interface LabelChange {
  readonly set: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

/** Why a task is where it is, or why it is nowhere. */
export interface ExplainView {
  readonly task: TaskRecord;
  /** Name of the node picked, or null. */
  readonly picked: string | null;
  readonly nodes: readonly Explained[];
  /** Why it is not placed: most frequent first. */
  readonly reasons: readonly FilterReason[];
}

/** A slot's claim to its data, and how it stands. */
export interface ClaimView extends Claim {
  /** Its node was removed: what is in the volumes is there, or lost. */
  readonly isNodeGone: boolean;
  /** A task of the slot may be using them. */
  readonly isInUse: boolean;
}

/** A secret or a config, and what was done about it. */
export interface FileSet extends FileView {
  readonly change: 'created' | 'updated' | 'unchanged';
}

/** Which events to read; without a filter all that are kept. */
export interface EventFilter {
  readonly follow: boolean;
  /** ms since the epoch. */
  readonly sinceMs?: number;
  /** Only events after this `seq`. */
  readonly afterSeq?: number;
  readonly job?: string;
  /** A node's id or name. */
  readonly node?: string;
  /** Id of a task. */
  readonly task?: string;
  readonly signal: AbortSignal;
}

/** Which output to read. */
export interface LogRequest {
  readonly follow: boolean;
  readonly tail?: number;
  readonly sinceMs?: number;
  readonly signal: AbortSignal;
}

/** A line of a task's output. */
export interface LogLine extends LogChunk {
  readonly slot: string;
  readonly task: string;
}

/** A command to run in a task that runs. */
export interface ExecRequest extends Omit<ExecOpen, 'task'> {
  /** What goes to it: read no faster than it takes it, and left when it has ended. */
  readonly input: AsyncIterable<ExecInput>;
  /** Ends the session. */
  readonly signal: AbortSignal;
}

/**
 * What the manager does for its clients. All throw `CubeError`s: `not-found`, `conflict`, `busy` (the queue is full), `not-leading`, `store-failed`.
 * What changes something is on disk when the promise settles.
 */
export interface Control {
  /**
   * The same manager, for one keyed request: what it changes is changed once for the key, also over a crash, and who asks again gets the
   * answer anew, from things as they are by then. Requests that were refused are tried again. A request that makes several changes
   * makes them one after the other.
   * @returns the port whose changes throw `conflict` for a key that stands for another request
   */
  keyed(request: RequestKey): Control;
  submit(request: SubmitRequest): Promise<SubmitAnswer>;
  /** What that submit would do now, refused as it would be; nothing is changed. */
  plan(request: SubmitRequest): Promise<JobPlan>;
  startJob(name: string): Promise<JobView>;
  /** Orders all tasks of a job to stop; returns when that is on disk, not when they have. `purge` forgets the job once they have. */
  stopJob(name: string, options: { readonly purge: boolean }): Promise<JobView>;
  /** Orders one task to stop: its slot gets a fresh one, but for a job made by `run` or the seeds' API, which stops whole. */
  stopTask(ref: string): Promise<TaskRecord>;
  /** Wants other numbers of instances, by task; a new version that replaces nothing. @throws CubeError `not-found`, `usage`, `conflict` */
  scale(name: string, counts: Readonly<Record<string, number>>, options: { readonly checkIndex?: number }): Promise<SubmitAnswer>;
  /** Replaces all instances, as an update would. */
  restartJob(name: string): Promise<JobView>;
  /** Wants an earlier version again, as a new one. @param version the last good one before the current unless told */
  rollback(name: string, version?: number): Promise<SubmitAnswer>;
  /** Lets an update go on that waits after its canaries, or was paused. @throws CubeError `conflict` when nothing waits */
  promote(name: string): Promise<JobView>;
  /** The kept versions of a job, newest first. */
  history(name: string): Promise<readonly VersionView[]>;
  /** Begins a run of a parameterized job: a batch job of its own. @throws CubeError `usage`, `conflict` */
  dispatch(name: string, request: DispatchRequest): Promise<JobView>;
  /** All, or of one job (name), or of one task (id, unique prefix of one, slot, client's Task.ID). */
  status(filter?: { readonly job?: string; readonly task?: string }): Promise<StatusView>;
  nodes(): Promise<readonly NodeStatus[]>;
  /**
   * Forgets a node (name, id, or unique prefix of one) that is gone for good: its tasks are lost, and replaced elsewhere. Should it come
   * back, it joins as a new one. @returns it as it was @throws CubeError `not-found`, `conflict` while it is connected
   */
  removeNode(ref: string): Promise<NodeStatus>;
  /** Says whether a node gets new tasks; what runs there stays. */
  setEligible(ref: string, eligible: boolean): Promise<NodeStatus>;
  /** Changes a node's labels; that holds over its restarts. @throws CubeError `not-found`, `usage` */
  setLabels(ref: string, labels: LabelChange): Promise<NodeStatus>;
  explain(ref: string): Promise<ExplainView>;
  /** Moves worth making now; nothing is moved. @param movesMax how many at most; the limit's unless told */
  rebalance(movesMax?: number): Promise<RebalanceJson>;
  /** On which nodes the data of slots is. */
  volumes(): Promise<readonly ClaimView[]>;
  /** Forgets where a slot's data is; nothing is removed there. @throws CubeError `not-found`, `conflict` while a task may use it */
  releaseVolume(slot: string): Promise<ClaimView>;
  /** All secrets, or all configs, by name; never their contents. */
  files(kind: SetKind): Promise<readonly FileView[]>;
  /**
   * Sets a secret or a config; the jobs that use it follow, as in an update. The same content again changes nothing.
   * @throws CubeError `usage`, `too-large`, `sealed`
   */
  setFile(kind: SetKind, name: string, content: Uint8Array): Promise<FileSet>;
  /** Removes one with all its versions. @returns it as it was @throws CubeError `not-found`, `conflict` while a job uses it */
  removeFile(kind: SetKind, name: string): Promise<FileView>;
  events(filter: EventFilter): AsyncIterable<ClusterEvent>;
  /** Output of a task or of all tasks of a job, merged by time where nothing is followed. */
  logs(ref: string, request: LogRequest): AsyncIterable<LogLine>;
  /**
   * Runs a command in a task (or in the one running task of a job), and gives what comes of it: `started` first, its exit code last.
   * What is not read holds it up; to leave the loop ends it. @throws CubeError `not-running`, `cut-off`, `bad-command`
   */
  exec(ref: string, request: ExecRequest): AsyncIterable<ExecItem>;
  /**
   * The bytes of a backup file: all that the manager has on disk, between two commits. It breaks off when the leadership ends.
   * @param version Cube's, for its header
   */
  backup(version: string): AsyncIterable<Uint8Array>;
  /** Whether the manager leads and its store takes commits. */
  ready(): boolean;
}

/** What a worker answers for itself: the seeds' worker API. */
export interface WorkerControl {
  /** The same worker, for one keyed request: what it hands on to the manager is done once for the key. */
  keyed(request: RequestKey): WorkerControl;
  submit(event: unknown): Promise<unknown>;
  stop(id: string): Promise<void>;
  tasks(): readonly { readonly order: Order; readonly report: TaskReport | null }[];
  /** The last measurement, taken now if there is none. */
  stats(): Promise<HostSample>;
}
