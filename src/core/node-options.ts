/** What `cube up` was told, checked and with its defaults: what `src/boot` composes a node from. */
import type { Limits } from './limits.ts';
import type { PolicyName } from './placement.ts';

/** Everything a node is told when it starts. */
export interface NodeOptions {
  /** Name of the node; unique in its cluster. */
  readonly name: string;
  readonly roles: { readonly manager: boolean; readonly worker: boolean };
  readonly listen: { readonly host: string; readonly port: number };
  /** The user's data directory: tokens and `node.json` in it, `manager/` and `worker/` (or `worker-NAME/`) below. */
  readonly dataDirectory: string;
  /** Folder of the worker's own data, below `dataDirectory`. */
  readonly workerFolder: string;
  readonly dc: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Capacity to offer; what is absent is what the runtime finds. */
  readonly offer: {
    readonly cpu?: number;
    readonly memoryBytes?: number;
    readonly diskBytes?: number;
    readonly custom: Readonly<Record<string, number>>;
  };
  readonly ports: { readonly from: number; readonly to: number };
  readonly runtime: 'docker' | 'process';
  /** Directories of the host that tasks may mount, with all in them; absolute, plain, and there when the node starts. */
  readonly mounts?: readonly string[];
  /** Address of the engine (unix path, tcp://); absent: DOCKER_HOST, else the usual socket. */
  readonly dockerHost?: string;
  /** Manager to dial, for a worker alone. */
  readonly join?: { readonly url: string; readonly token?: string };
  /** Workers to dial, for a manager. */
  readonly workers: readonly string[];
  readonly scheduler: PolicyName;
  /** No token is asked of clients on loopback. */
  readonly openLoopback: boolean;
  /** Stop the tasks, too, when the node stops. */
  readonly stopTasks: boolean;
  readonly limits: Limits;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** Cube's version. */
  readonly version: string;
}

/** One line of what a starting node found, or of what it wants its user to know. */
export interface Notice {
  readonly level: 'info' | 'warn';
  readonly message: string;
}

/** A node that runs in this process. */
export interface RunningNode {
  readonly url: string;
  readonly nodeId: string;
  readonly name: string;
  readonly clusterId: string;
  /** Stops cleanly; containers go on, unless the options or `stopTasks` say otherwise. */
  stop(options?: { readonly stopTasks?: boolean }): Promise<void>;
  /** Settles when the node has ended; rejects when it ended by a failure. */
  readonly ended: Promise<void>;
}

/** What is written to `node.json` for the CLI: where the local node is. It holds no secret. */
export interface NodeFile {
  readonly pid: number;
  readonly url: string;
  readonly name: string;
  readonly nodeId: string;
  readonly startedAt: string;
  readonly version: string;
  readonly roles: readonly string[];
}
