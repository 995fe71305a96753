/** Deployments and versions of a job as the JSON that scripts read. */
import type { Deployment, DeploymentState } from './deployment.ts';
import { isoOrNull, isoTime } from './iso-time.ts';
import type { JobSpec } from './job.ts';
import type { SpecChange } from './spec-diff.ts';

/** The newest roll-out of a job, as `status -o json` shows it. */
export interface DeploymentJson {
  /** The job's version that is rolled out. */
  readonly version: number;
  readonly state: DeploymentState;
  /** What began it: `submitted`, `restarted by its user`, `config site changed: version 2`; null where that was not noted. */
  readonly cause: string | null;
  /** It replaces containers that run; else its instances are new, or were well before. */
  readonly replaces: boolean;
  /** The last good version before it. */
  readonly goodVersion: number | null;
  /** The version whose failure began this one. */
  readonly rollbackOf: number | null;
  /** Instances that are what they should be, and have been for long enough. */
  readonly updated: number;
  readonly desired: number;
  /** Why it failed, is paused, or was begun by itself. */
  readonly reason: string | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
}

/** One version of `history -o json`. */
export interface VersionJson {
  readonly version: number;
  readonly createdAt: string;
  /** Why there is one: `submitted`, `rolled back to version 3`, `scaled: web=5`. */
  readonly cause: string;
  /** How its roll-out ended, or what it is at; null where there was none. */
  readonly state: DeploymentState | null;
  readonly reason: string | null;
  /** Whether it is the one that is wanted now. */
  readonly isCurrent: boolean;
  readonly spec: JobSpec;
  /** Against the version before it that is still kept. */
  readonly diff: readonly SpecChange[];
}

/** A deployment as JSON. @param desired instances that its job wants */
export function deploymentJson(deployment: Deployment, desired: number): DeploymentJson {
  const { version, state, cause, replaces, goodVersion, rollbackOf, updated, reason, startedAt, endedAt } = deployment;
  return {
    version,
    state,
    cause: cause ?? null,
    replaces: replaces === true,
    goodVersion: goodVersion ?? null,
    rollbackOf: rollbackOf ?? null,
    updated,
    desired,
    reason: reason ?? null,
    startedAt: isoTime(startedAt),
    endedAt: isoOrNull(endedAt),
  };
}
