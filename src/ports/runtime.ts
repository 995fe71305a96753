/**
 * The runtime port: what runs a task. Its verbs are safe to repeat: "already there" and "already gone" are successes.
 * Failures are `CubeError`s of the runtime's codes (`image-not-found`, `image-denied`, `image-bad-name`, `image-unavailable`,
 * `port-taken`, `bad-command`, `bad-settings`, `bad-mount`, `engine-error`, `no-engine`), with the engine's own words in the message. Every call that
 * takes an `AbortSignal` rejects with an `AbortError` soon after it fires, and leaves nothing half-made that `list` cannot show.
 */
import type { TerminalSize } from '../core/exec-protocol.ts';
import type { FileAsk } from '../core/files.ts';
import type { ImageDigest } from '../core/image-digests.ts';
import type { ProbeSpec, TaskSpec } from '../core/job.ts';
import type { CpuTicks } from '../core/node.ts';
import type { Health, Order } from '../core/task.ts';
import type { Resources } from '../core/resources.ts';
import type { NodeFeature } from '../core/volumes.ts';

export type { TerminalSize } from '../core/exec-protocol.ts';

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
  /** Hears the name of an image that was pulled for this: only such images are ever removed again. */
  readonly onPulled?: (image: string) => void;
}

/** How an attempt ended. */
export interface Exit {
  /** 128 + n for a signal n, as shells count. */
  readonly exitCode: number;
  /** Out of memory, killed by hand, removed: what the code alone does not tell. */
  readonly reason?: string;
  /** Whether somebody else restarted its container: its work was cut short, whatever the code says. */
  readonly foreign?: boolean;
  readonly finishedAt: number;
}

/** What is known of a container from its start on. */
export interface Started {
  /** ms since the epoch. */
  readonly startedAt: number;
  /** What its image's name stood for: the digest in its registry, or the image's id where it has none. Absent without images. */
  readonly digest?: string;
  /** Whether the runtime itself looks after its health, as an image's HEALTHCHECK asks: `health` tells. */
  readonly hasCheck: boolean;
}

/** A container of this owner that exists, whatever Cube knows of it. */
export interface Found {
  readonly ref: ContainerRef;
  readonly taskId: string;
  /** The task's slot, where the container tells it. */
  readonly slot?: string;
  readonly attempt: number;
  readonly state: 'created' | 'running' | 'exited';
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly digest?: string;
  readonly hasCheck: boolean;
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
  /** What its host's processor is called, where that can be told from here. */
  readonly cpuModel?: string;
  /** What it knows beside running containers (`NodeFeature`). */
  readonly features?: readonly NodeFeature[];
  /** What a user should know: that nothing is isolated, that limits do not work here. */
  readonly warnings: readonly string[];
}

/** What one look at a container found. */
export interface ProbeResult {
  readonly ok: boolean;
  /** For people: `GET /health answered 503`, `connection refused`, the last line a command wrote. */
  readonly detail: string;
}

/** What a look is to know beside the container. */
export interface ProbeOptions {
  /** Container port an http probe without one goes to. */
  readonly port?: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What a runtime's own check says. */
export interface HealthSeen {
  readonly health: Health;
  readonly detail?: string;
}

/** A command to run in a running container. */
export interface ExecOptions {
  readonly command: readonly string[];
  /** With a terminal stdout and stderr are one stream. */
  readonly tty: boolean;
  /** Whether there will be input; else the command reads an end at once. */
  readonly stdin: boolean;
  readonly size?: TerminalSize;
  /** Ends the session when it fires. */
  readonly signal: AbortSignal;
}

/** A piece of what a command wrote. */
export interface ExecOutput {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Uint8Array;
}

/** A command that runs in a container. */
export interface ExecSession {
  /** Read once; what is not read holds the command up. Ends with it. */
  readonly output: AsyncIterable<ExecOutput>;
  /** Settles with the command's exit code when it has ended. @throws CubeError `engine-error` when that cannot be known; AbortError */
  readonly exitCode: Promise<number>;
  /** Settles when the command's end has taken it, so that a fast writer waits. Nothing happens when it has ended. */
  write(bytes: Uint8Array): Promise<void>;
  endInput(): void;
  /** Of no meaning without a terminal. */
  resize(size: TerminalSize): Promise<void>;
}

/** What a running container was measured to use. */
export interface ContainerUsage {
  readonly taskId: string;
  /** Cores, since the last measurement; null before the second. */
  readonly cpu: number | null;
  /** Without what the kernel's page cache holds and can drop. */
  readonly memoryBytes: number;
  /** Since its start; null where the host's own network is used or nothing tells. */
  readonly networkInBytes: number | null;
  readonly networkOutBytes: number | null;
}

/** An image that no container uses, running or not. */
export interface UnusedImage {
  readonly id: string;
  /** Its names, tags and digests both. */
  readonly names: readonly string[];
  readonly sizeBytes: number;
}

/**
 * Files that tasks find in their containers: secrets, configs, payloads. They lie in the memory of the host, never on a disk, and only
 * the containers of their task see them.
 */
export interface TaskFiles {
  /** Those of these files that are not there for a task. */
  missing(taskId: string, files: readonly FileAsk[]): Promise<readonly FileAsk[]>;
  /** Puts one there, whole or not at all. @throws CubeError `engine-error` when the host has no memory for it */
  put(taskId: string, file: FileAsk, content: Uint8Array): Promise<void>;
  /** Ids of the tasks that have some. */
  tasks(): Promise<readonly string[]>;
  /** Removes all of a task. Already gone: done. */
  remove(taskId: string): Promise<void>;
}

/** What runs tasks: Docker, plain processes, or a script. */
export interface Runtime {
  readonly name: 'docker' | 'process' | 'fake';
  /** What `prepare` mounts for an order with `files`; absent where tasks have no files of their own. */
  readonly files?: TaskFiles;
  /** @throws CubeError `no-engine` when the engine does not answer */
  facts(): Promise<RuntimeFacts>;
  /** Asks whether the engine answers, at next to no cost. @throws CubeError `no-engine`, `engine-error` */
  ping(): Promise<void>;
  /** Pulls what is missing and makes the container. Already made for this attempt: that one. */
  prepare(work: Work, options: PrepareOptions): Promise<ContainerRef>;
  /** Starts it. Already running, or already exited: done. */
  start(ref: ContainerRef, signal: AbortSignal): Promise<Started>;
  /** Settles when it has ended, at once if it had; a container that is gone counts as exit 137 with that reason. */
  wait(ref: ContainerRef, signal: AbortSignal): Promise<Exit>;
  /** Sends the signal (undefined: the container's own), waits the grace, kills. Already ended or gone: done. */
  stop(ref: ContainerRef, how: { readonly stopSignal?: string; readonly graceMs: number }): Promise<Exit>;
  /** Removes an ended or never started container, by force if need be. Already gone: done. */
  remove(ref: ContainerRef): Promise<void>;
  /** All containers of this cluster and node. */
  list(): Promise<readonly Found[]>;
  logs(ref: ContainerRef, options: LogOptions): AsyncIterable<LogChunk>;
  /** Looks once whether a running container is well. An unwell or ended one is an answer. @throws CubeError `no-engine`; AbortError */
  probe(ref: ContainerRef, probe: ProbeSpec, options: ProbeOptions): Promise<ProbeResult>;
  /** What the runtime's own check says, now and whenever that changes. Ends without an error when `signal` fires or the container ends. */
  health(ref: ContainerRef, signal: AbortSignal): AsyncIterable<HealthSeen>;
  /** Runs a command in a running container. @throws CubeError `not-found`, `conflict` when it does not run, `bad-command`; AbortError */
  exec(ref: ContainerRef, options: ExecOptions): Promise<ExecSession>;
  /** Measures all running containers of this cluster and node. */
  usage(): Promise<readonly ContainerUsage[]>;
  /**
   * What an image's name stands for now. With the policy `never` no registry is asked. Undefined where there are no images, and for one that
   * is not here and shall not be pulled. @throws CubeError of the image's codes, `no-engine`; AbortError
   */
  imageDigest(image: string, pull: TaskSpec['pull'], signal: AbortSignal): Promise<ImageDigest | undefined>;
  /** None where there are no images. */
  unusedImages(): Promise<readonly UnusedImage[]>;
  /** Removes an image unless a container uses it by then. Already gone: done. @returns whether it is gone */
  removeImage(id: string): Promise<boolean>;
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
  readonly cpuTicks: CpuTicks;
  readonly load: readonly [number, number, number];
}
