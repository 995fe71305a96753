/** The restart policy: what a worker does when an attempt of a task ends by itself. */
import type { JobType, RestartSpec } from './job.ts';

/** An attempt's end, and when earlier restarts of the task were. */
export interface Ended {
  readonly exitCode: number;
  /** Whether it was ended because its health check failed: a failure, whatever the exit code. */
  readonly unwell?: boolean;
  /** Times of restarts so far, ms. */
  readonly restartedAt: readonly number[];
  readonly now: number;
  /** A number in [0, 1), for jitter. */
  readonly chance: number;
}

/** What follows the end of an attempt. */
export type Verdict =
  | { readonly then: 'completed' }
  | { readonly then: 'failed'; readonly reason: string }
  | { readonly then: 'restart'; readonly delayMs: number; readonly attemptsUsed: number };

/**
 * Decides. Exit 0 completes a batch task whatever its policy says, and a service whose policy is not `always`,
 * unless it was ended for its health. Attempts count within a sliding window, so stable running resets them.
 * @param jitter share of the delay that is random
 */
export function afterExit(type: JobType, policy: RestartSpec, ended: Ended, jitter: number): Verdict {
  const ok = ended.exitCode === 0 && ended.unwell !== true;
  if (ok && (type === 'batch' || policy.on !== 'always')) return { then: 'completed' };
  if (policy.on === 'never') return { then: 'failed', reason: `exit code ${ended.exitCode}` };
  const recent = ended.restartedAt.filter((at) => at > ended.now - policy.withinMs).length;
  if (recent >= policy.attempts) {
    return { then: 'failed', reason: `exit code ${ended.exitCode}, after ${recent} restarts` };
  }
  const plainMs = Math.min(policy.delayMsMax, policy.delayMs * policy.backoff ** recent);
  const delayMs = Math.round(plainMs * (1 + jitter * (ended.chance * 2 - 1)));
  return { then: 'restart', delayMs, attemptsUsed: recent + 1 };
}
