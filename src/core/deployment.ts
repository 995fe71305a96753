/** Deployments: a job's tasks on their way from one version to the next. What a job keeps of its newest one. */

/** The states of the deployment machine (machines/deployment.ts). */
export type DeploymentState = 'rolling' | 'awaitingPromotion' | 'paused' | 'succeeded' | 'failed' | 'superseded';

/** The newest roll-out of a job's tasks. Times are ms since the epoch. */
export interface Deployment {
  /** Tells a job's deployments apart: its version, and of later ones of the same version the job's run. */
  readonly id: string;
  /** The job's version that is rolled out. */
  readonly version: number;
  readonly state: DeploymentState;
  /** It replaces containers that run: only then a failure rolls back. */
  readonly replaces?: true;
  /** The last good version before it. */
  readonly goodVersion?: number;
  /** Spec hashes of that version by task: what is lost while it is not known whether this one is good is made anew from that. */
  readonly goodHashes?: Readonly<Record<string, string>>;
  /** The version whose failure began this one. */
  readonly rollbackOf?: number;
  /** The canaries were found good. */
  readonly promoted?: true;
  readonly startedAt: number;
  /** When an instance last became what it should be. */
  readonly progressAt: number;
  /** Instances that are what they should be. */
  readonly updated: number;
  readonly endedAt?: number;
  /** Why there is one: `submitted`, `restarted by its user`, `config site changed: version 2`. */
  readonly cause?: string;
  /** Why it failed, is paused, or was begun by itself. */
  readonly reason?: string;
}

/** A version of a job, for its history. */
export interface Release {
  readonly version: number;
  /** ms since the epoch. */
  readonly createdAt: number;
  /** Why there is one: `submitted`, `rolled back to version 3`, `scaled: web=5`. */
  readonly cause: string;
  /** What its images stood for, where that was asked for. */
  readonly digests?: Readonly<Record<string, string>>;
  /** How its roll-out ended, or what it is at; absent where there was none. */
  readonly state?: DeploymentState;
  readonly reason?: string;
}
