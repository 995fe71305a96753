/** Jobs: what a user submits, normalised, and what the manager keeps of it. */
import type { Constraint } from './constraint.ts';
import type { Resources } from './resources.ts';

/** Types this version runs; CLI.md names more. */
export type JobType = 'service' | 'batch';

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
  /** Undefined: the image's own, else SIGTERM. */
  readonly stopSignal?: string;
  /** Between the state `stopping` and the signal. */
  readonly stopDelayMs: number;
  /** Between the signal and SIGKILL. */
  readonly stopGraceMs: number;
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
}

/** How a job came to be. One made by `run` or `POST /tasks` stops with its task. */
export interface JobOrigin {
  readonly kind: 'file' | 'run' | 'seeds';
  /** The client's Task.ID of the seeds' API; it belongs to the job's one slot. */
  readonly clientTaskId?: string;
  /** The client's Task.Name, where it differs from the job's name. */
  readonly clientTaskName?: string;
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
}

/** How many instances of a job are where. */
export interface JobCounts {
  readonly desired: number;
  readonly running: number;
  readonly healthy: number;
  readonly failed: number;
  readonly completed: number;
}
