/** Jobs: what a user submits, normalised, and what the manager keeps of it. */
import type { Constraint } from './constraint.ts';
import type { Deployment } from './deployment.ts';
import type { Resources } from './resources.ts';

/** What becomes of a job's tasks over time. */
export type JobType = 'service' | 'batch' | 'system' | 'periodic' | 'parameterized';

/** How a task of a job runs: until it is stopped, or until its work is done. Of a parameterized job run its dispatched runs. */
export type RunKind = 'service' | 'batch';

/** How tasks of a job of that type run. */
export function runKind(type: JobType): RunKind {
  return type === 'service' || type === 'system' ? 'service' : 'batch';
}

/** What the job machine (machines/job.ts) makes of its tasks' states. */
export type JobStatus = 'pending' | 'deploying' | 'running' | 'degraded' | 'completed' | 'failed' | 'stopped';

/** Transport protocol of a port. */
export type Protocol = 'tcp' | 'udp';

/** A port asked for. Without `host` the scheduler picks a free one. */
export interface PortSpec {
  readonly ip?: string;
  readonly host?: number;
  readonly container: number;
  readonly protocol: Protocol;
}

/** When and how a worker starts a task's container again. */
export interface RestartSpec {
  readonly on: 'always' | 'failure' | 'never';
  /** Restarts within `withinMs` before the worker gives the task up. */
  readonly attempts: number;
  readonly withinMs: number;
  readonly delayMs: number;
  /** Factor by which the delay grows with each restart in the window. */
  readonly backoff: number;
  readonly delayMsMax: number;
}

/** HTTP statuses that count as well, both ends included. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/** One look at a running container. Ports are the container's own. */
export type ProbeSpec =
  /** Without a port: the first published TCP port. */
  | { readonly kind: 'http'; readonly path: string; readonly port?: number; readonly statuses: readonly StatusRange[] }
  | { readonly kind: 'tcp'; readonly port: number }
  /** Well when it exits with 0. */
  | { readonly kind: 'exec'; readonly command: readonly string[] };

/** How the worker finds out whether a running container is well. */
export interface HealthSpec {
  readonly probe: ProbeSpec;
  /** Between two looks. */
  readonly intervalMs: number;
  /** A look that takes longer has failed. */
  readonly timeoutMs: number;
  /** Failed looks in a row that make it unhealthy. */
  readonly retries: number;
  /** From its start on, failed looks do not count for so long, unless one went well before. */
  readonly startPeriodMs: number;
}

/** What a task waits for before it is started for the first time: that all instances of another were started, are well, or have completed. */
export type DependencyCondition = 'started' | 'healthy' | 'completed';

/** A directory that outlives a container: a volume of the node's engine, or a directory of the host itself. */
export interface VolumeSpec {
  /** Of a named volume, without its job; `${CUBE_INDEX}` and the like in it stand for the instance's own. */
  readonly name?: string;
  /** Of a directory of the host, which its node must allow. */
  readonly hostPath?: string;
  /** Where the container finds it. */
  readonly path: string;
  readonly readOnly: boolean;
}

/** One member of a job. */
export interface TaskSpec {
  readonly image: string;
  readonly pull: 'missing' | 'always' | 'never';
  /** Arguments to the image's entrypoint; undefined keeps the image's own. */
  readonly command?: readonly string[];
  readonly count: number;
  readonly env: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workdir?: string;
  /** What is reserved. 0 reserves nothing and sets no limit. */
  readonly resources: Resources;
  readonly ports: readonly PortSpec[];
  /** Undefined: the image's own check, where it has one. `none`: not even that. */
  readonly health?: HealthSpec | 'none';
  readonly restart: RestartSpec;
  /** All must hold of a node that takes it. */
  readonly constraints?: readonly Constraint[];
  /** Nodes of which one of these holds are preferred. */
  readonly affinity?: readonly Constraint[];
  /** The attribute over whose values instances are spread: `datacenter`, `name` or `label.NAME`. */
  readonly spread?: string;
  /** Instances that one node takes at most. */
  readonly maxPerNode?: number;
  readonly volumes?: readonly VolumeSpec[];
  /** Secrets and configs by name, and the files of the container in which it finds them. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly configs?: Readonly<Record<string, string>>;
  /** By the name of another task of the job. */
  readonly dependsOn?: Readonly<Record<string, DependencyCondition>>;
  /** Undefined: the image's own, else SIGTERM. */
  readonly stopSignal?: string;
  /** Between the state `stopping` and the signal. */
  readonly stopDelayMs: number;
  /** Between the signal and SIGKILL. */
  readonly stopGraceMs: number;
}

/** How a service follows its file's changes. */
export interface UpdateSpec {
  /** Instances of a task that are replaced at once. */
  readonly parallel: number;
  /** Absent: stop-first where a fixed port or a volume needs it, else start-first. */
  readonly order?: 'start-first' | 'stop-first';
  /** How long a new instance must have been well. Absent: by whether there is a check (`healthyForOf`). */
  readonly healthyForMs?: number;
  /** Without progress for so long the update has failed. */
  readonly deadlineMs: number;
  readonly onFailure: 'rollback' | 'pause' | 'continue';
  /** Instances of each task that are updated first; the others wait for `cube promote`. */
  readonly canary: number;
}

/** When a periodic job runs. */
export interface ScheduleSpec {
  /** Five fields, or six with seconds first. */
  readonly cron: string;
  /** Of the IANA database. */
  readonly timezone: string;
  /** What a tick does while the run before it goes on. */
  readonly overlap: 'skip' | 'queue' | 'replace';
  /** What becomes of ticks that passed while nobody led: none of them runs, the last one does, all do one after the other. */
  readonly missed: 'skip' | 'once' | 'all';
}

/** A job as its user wants it: checked, with every default filled in. */
export interface JobSpec {
  readonly name: string;
  readonly type: JobType;
  /** Empty: any. */
  readonly datacenters: readonly string[];
  /** Higher is placed first; 50 unless told. */
  readonly priority: number;
  /** Whether its tasks may be stopped, and run again later, for jobs of a higher priority. Batch only. */
  readonly preemptible?: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly tasks: Readonly<Record<string, TaskSpec>>;
  /** Name of the node all tasks are bound to: tasks given to a worker's own API. */
  readonly onNode?: string;
  /** Services and system jobs only; absent: the defaults (`updateOf`). */
  readonly update?: UpdateSpec;
  /** Batch only: instances that run at once; absent: all. */
  readonly parallelism?: number;
  /** Batch, periodic and parameterized: a run that takes longer has failed. */
  readonly deadlineMs?: number;
  /** Periodic only. */
  readonly schedule?: ScheduleSpec;
  /** Parameterized only: what a dispatch may set, and its default; null: it must. Absent: anything. */
  readonly parameters?: Readonly<Record<string, string | null>>;
  /** Parameterized only: where a dispatch's payload is found. Absent: it takes none. */
  readonly payload?: PayloadSpec;
}

/** Where the tasks of a dispatched run find its payload: in a variable, or in a file of the container. */
export type PayloadSpec = { readonly env: string } | { readonly file: string };

/** How a job came to be. One made by `run` or `POST /tasks` stops with its task. */
export interface JobOrigin {
  readonly kind: 'file' | 'run' | 'seeds' | 'dispatch';
  /** Name of the parameterized job that it is a run of. */
  readonly parent?: string;
  /** The client's Task.ID of the seeds' API; it belongs to the job's one slot. */
  readonly clientTaskId?: string;
  /** The client's Task.Name, where it differs from the job's name. */
  readonly clientTaskName?: string;
}

/** What makes containers of one spec differ over time: where one of these changed, they are replaced. */
export interface Stamps {
  /** How often a rolling restart was asked for. */
  readonly restarts?: number;
  /** Versions of the secrets and configs that its tasks use: by `secret/NAME`, `config/NAME`. */
  readonly files?: Readonly<Record<string, number>>;
  /** What images stand for, by their name in the spec, since that was last asked for. */
  readonly digests?: Readonly<Record<string, string>>;
}

/** A node's place in a system job: the index of its slots, counted from 1, and which of the job's tasks it is to have. */
export interface Seat {
  readonly index: number;
  readonly tasks: readonly string[];
}

/** What a periodic job has done with its ticks. Ticks are times, ms since the epoch. */
export interface Ticks {
  /** The tick that the newest run is for, and that run's number; absent before the first. */
  readonly at?: number;
  readonly run?: number;
  /** All ticks up to this time are dealt with. */
  readonly through: number;
  /** Ticks that wait until the run before has ended. */
  readonly queued: readonly number[];
}

/** What the manager keeps of a job. Times are ms since the epoch. */
export interface JobRecord {
  readonly name: string;
  readonly spec: JobSpec;
  readonly origin: JobOrigin;
  /** Counts the submits that changed something, from 1. */
  readonly version: number;
  /** Spec hash of each task: records that carry it need no replacement. */
  readonly hashes: Readonly<Record<string, string>>;
  /** The commit that last changed the job as its user wants it. */
  readonly index: number;
  /** Set by `cube stop`, cleared by `cube start` or a submit. */
  readonly stopWanted: boolean;
  readonly status: JobStatus;
  /** Why it is failed or degraded. */
  readonly reason?: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Counts how often the job was started anew; failed and rejected records of earlier runs do not count. */
  readonly run: number;
  /** Completed records of runs before this one do not count: raised when a job that had completed is started again. */
  readonly completedFrom: number;
  /** Set by `cube stop --purge`: the job is forgotten once its tasks have ended. */
  readonly purgeWanted: boolean;
  /** The newest roll-out of its tasks; absent where there was none (batch), and in records of versions that had none. */
  readonly deployment?: Deployment;
  readonly stamps?: Stamps;
  /** Periodic only. */
  readonly ticks?: Ticks;
  /** When its run began; absent in records of versions that did not note it. */
  readonly runAt?: number;
  /** Set when its run took longer than its deadline. */
  readonly expired?: true;
  /** System only: a seat for each node that is to have its tasks, by the node's id. */
  readonly seats?: Readonly<Record<string, Seat>>;
}

/** How many instances of a job are where. */
export interface JobCounts {
  readonly desired: number;
  readonly running: number;
  readonly healthy: number;
  readonly failed: number;
  readonly completed: number;
}
