/**
 * The runtime port: what runs a task. Eight verbs, each safe to repeat: "already there" and "already gone" are successes.
 * Failures are `CubeError`s of the runtime's codes (`image-not-found`, `image-denied`, `image-bad-name`, `image-unavailable`,
 * `port-taken`, `bad-command`, `bad-settings`, `engine-error`, `no-engine`), with the engine's own words in the message. Every call that
 * takes an `AbortSignal` rejects with an `AbortError` soon after it fires, and leaves nothing half-made that `list` cannot show.
 */
import type { Order } from '../core/task.ts';
import type { Resources } from '../core/resources.ts';

/** One attempt of one task, as it is to run. */
export interface Work {
  readonly order: Order;
  /** Counted from 1; each attempt is a container of its own. */
  readonly attempt: number;
}

/** A container (or process) that was made. */
export interface ContainerRef {
  readonly id: string;
  readonly name: string;
}

/** How a prepare is stopped and followed. */
export interface PrepareOptions {
  readonly signal: AbortSignal;
  /** What is being done, for people: `pulling nginx:1.27 (45 %)`. */
  readonly onProgress: (detail: string) => void;
}

/** How an attempt ended. */
export interface Exit {
  /** 128 + n for a signal n, as shells count. */
  readonly exitCode: number;
  /** Out of memory, killed by hand, removed: what the code alone does not tell. */
  readonly reason?: string;
  readonly finishedAt: number;
}

/** A container of this owner that exists, whatever Cube knows of it. */
export interface Found {
  readonly ref: ContainerRef;
  readonly taskId: string;
  readonly attempt: number;
  readonly state: 'created' | 'running' | 'exited';
  readonly startedAt?: number;
  /** Of an exited one. */
  readonly exit?: Exit;
}

/** Which output of a container to read. */
export interface LogOptions {
  readonly follow: boolean;
  /** Last lines only; undefined: all that is kept. */
  readonly tail?: number;
  /** Only what is newer, ms since the epoch. */
  readonly sinceMs?: number;
  readonly signal: AbortSignal;
}

/** One piece of output: whole lines, but for a last one without its newline. */
export interface LogChunk {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  /** ms since the epoch. */
  readonly at: number;
}

/** What a runtime says of itself and of its host. */
export interface RuntimeFacts {
  readonly name: string;
  readonly version: string;
  /** What the engine offers; the node's own settings may lower it. */
  readonly capacity: Resources;
  readonly os: string;
  readonly arch: string;
  /** What a user should know: that nothing is isolated, that limits do not work here. */
  readonly warnings: readonly string[];
}

/** What runs tasks: Docker, plain processes, or a script. */
export interface Runtime {
  readonly name: 'docker' | 'process' | 'fake';
  /** @throws CubeError `no-engine` when the engine does not answer */
  facts(): Promise<RuntimeFacts>;
  /** Pulls what is missing and makes the container. Already made for this attempt: that one. */
  prepare(work: Work, options: PrepareOptions): Promise<ContainerRef>;
  /** Starts it. Already running, or already exited: done. @returns when it started, ms since the epoch */
  start(ref: ContainerRef, signal: AbortSignal): Promise<{ readonly startedAt: number }>;
  /** Settles when it has ended, at once if it had; a container that is gone counts as exit 137 with that reason. */
  wait(ref: ContainerRef, signal: AbortSignal): Promise<Exit>;
  /** Sends the signal, waits the grace, kills. Already ended or gone: done. */
  stop(ref: ContainerRef, how: { readonly stopSignal: string; readonly graceMs: number }): Promise<Exit>;
  /** Removes an ended or never started container, by force if need be. Already gone: done. */
  remove(ref: ContainerRef): Promise<void>;
  /** All containers of this cluster and node. */
  list(): Promise<readonly Found[]>;
  logs(ref: ContainerRef, options: LogOptions): AsyncIterable<LogChunk>;
  close(): Promise<void>;
}

/** Who the containers belong to: in their labels. */
export interface Owner {
  readonly clusterId: string;
  readonly nodeId: string;
}

/** Measurements of the host, read now and then. */
export interface HostMeter {
  /** @returns used cpu in cores, memory and disk in bytes, and what `/stats` of the seeds' API shows */
  measure(): Promise<HostSample>;
}

/** One measurement of the host. */
export interface HostSample {
  readonly at: number;
  readonly used: Resources;
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number };
  readonly disk: { readonly totalBytes: number; readonly freeBytes: number };
  /** Shares of all cores since the last sample, in percent; null before the second sample. */
  readonly cpuPercent: { readonly user: number; readonly system: number; readonly idle: number } | null;
  readonly load: readonly [number, number, number];
}
