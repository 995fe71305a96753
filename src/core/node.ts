/** Nodes: hosts that joined. */
import type { Resources } from './resources.ts';

/** The states of the node machine (machines/node.ts): membership as the manager sees it. */
export type NodeState = 'joining' | 'ready' | 'suspect' | 'down' | 'away' | 'draining' | 'drained';

/** What a worker says of its host when it greets. */
export interface NodeFacts {
  readonly id: string;
  readonly name: string;
  readonly dc: string;
  readonly role: 'worker' | 'manager,worker';
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: Resources;
  /** Tasks it takes at most. */
  readonly slotsMax: number;
  /** Free host ports it hands out, both ends included. */
  readonly ports: { readonly from: number; readonly to: number };
  /** Address that a port without one is bound to. */
  readonly portsIp: string;
  readonly os: string;
  readonly arch: string;
  /** What its processor is called; unknown of an engine that is elsewhere, and of workers of earlier versions. */
  readonly cpuModel?: string;
  /** Cube's version. */
  readonly version: string;
  readonly runtime: { readonly name: string; readonly version: string };
  /** Its directories that tasks may mount, with what is in them; absolute and plain. */
  readonly mounts?: readonly string[];
  /** What it knows beside running containers (`NodeFeature`); a worker of an earlier version says nothing. */
  readonly features?: readonly string[];
}

/** What the processors of a host did since it started, in hundredths of a second of one core, by the kinds of proc_stat(5). */
export type CpuTicks = Readonly<Record<'user' | 'nice' | 'system' | 'idle' | 'iowait' | 'irq' | 'softirq' | 'steal', number>>;

/** What was measured of a host. */
export interface Usage {
  readonly used: Resources;
  /** When, ms since the epoch, by the node's own clock. */
  readonly at: number;
}

/** What was measured of a running task on its node. */
export interface TaskUsage {
  /** The task's id. */
  readonly id: string;
  /** Cores; null until it was measured twice. */
  readonly cpu: number | null;
  /** Without what the kernel's page cache holds and can drop. */
  readonly memoryBytes: number;
  /** Since its container started; null where nothing tells. */
  readonly networkInBytes: number | null;
  readonly networkOutBytes: number | null;
}

/** What the manager keeps of a node. */
export interface NodeRecord extends NodeFacts {
  readonly state: NodeState;
  /** Whether new tasks may be placed there. */
  readonly eligible: boolean;
  /** Labels that people gave it, and null for those they took from it: over what it says itself. `labels` has them merged. */
  readonly labelsSet?: Readonly<Record<string, string | null>>;
  /** Why it is in its state. */
  readonly reason?: string;
  /** Why its engine is taken for away, and since when, as the node itself says; nothing new is placed there then. */
  readonly engineAway?: string;
  readonly joinedAt: number;
  readonly updatedAt: number;
}
