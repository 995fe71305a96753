/** Events: every transition, as it is stored and shown. */

export type MachineName = 'task' | 'job' | 'deployment' | 'node' | 'manager' | 'scheduler' | 'worker' | 'link';

/** The epoch of a leadership: generation first, then revision. */
export interface Epoch {
  readonly generation: number;
  readonly revision: number;
}

/** Order of two epochs: negative when `a` is older. */
export function compareEpochs(a: Epoch, b: Epoch): number {
  return a.generation - b.generation || a.revision - b.revision;
}

/** An epoch as text: `1.4`. */
export function epochText(epoch: Epoch): string {
  return `${epoch.generation}.${epoch.revision}`;
}

/** One transition of one machine. */
export interface ClusterEvent {
  /** Counts all events of a cluster, from 1; a place to go on from. */
  readonly seq: number;
  /** ms since the epoch. */
  readonly at: number;
  /** Epoch of the leadership that recorded it, as text. */
  readonly epoch: string;
  readonly machine: MachineName;
  /** Which one: a task's or node's id, a job's name. */
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** The machine's event. */
  readonly event: string;
  /** Why, in a sentence. */
  readonly cause: string;
  readonly node?: string;
  readonly job?: string;
}
