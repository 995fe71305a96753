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
  /** Cube's version. */
  readonly version: string;
  readonly runtime: { readonly name: string; readonly version: string };
}

/** What was measured of a host. */
export interface Usage {
  readonly used: Resources;
  /** When, ms since the epoch, by the node's own clock. */
  readonly at: number;
}

/** What the manager keeps of a node. */
export interface NodeRecord extends NodeFacts {
  readonly state: NodeState;
  /** Whether new tasks may be placed there. */
  readonly eligible: boolean;
  /** Why it is in its state. */
  readonly reason?: string;
  readonly joinedAt: number;
  readonly updatedAt: number;
}
