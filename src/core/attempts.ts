/** Attempts of a task: each is a container of its own, and what is seen of one is kept apart from the next. */
import type { Observed } from './task.ts';

/** What is observed of a task's container, and what its supervisor keeps for itself. */
export interface Observation extends Observed {
  /** Times of the restarts within the policy's window, ms since the epoch. */
  readonly restartedAt?: readonly number[];
  /** The container of the attempt before, kept until the next one is made. */
  readonly endedContainerId?: string;
  /** Which attempt that was. */
  readonly endedAttempt?: number;
  /** Whether its check found this attempt well, and has not taken that back. */
  readonly wentWell?: boolean;
  /** Why this attempt is being ended for its health: its exit is a failure then. */
  readonly unwell?: string;
}

/** What the next attempt begins with. One that got no container leaves the one before it as the last. */
export function nextAttempt(observed: Observation): Observation {
  const { attempt, restarts, restartedAt, lastEnd, containerId, endedContainerId, endedAttempt } = observed;
  const last = containerId
    ? { endedContainerId: containerId, endedAttempt: attempt }
    : { ...(endedContainerId ? { endedContainerId } : {}), ...(endedAttempt ? { endedAttempt } : {}) };
  return {
    attempt: attempt + 1,
    restarts: restarts + 1,
    ...(restartedAt ? { restartedAt } : {}),
    ...(lastEnd ? { lastEnd } : {}),
    ...last,
  };
}
