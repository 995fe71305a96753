/** The restart policy: what a worker does when an attempt of a task ends by itself. */
import type { RestartSpec, RunKind } from './job.ts';

/** An attempt's end, and when earlier restarts of the task were. */
export interface Ended {
  readonly exitCode: number;
  /** Whether it was ended because its health check failed: a failure, whatever the exit code. */
  readonly unwell?: boolean;
  /** Whether somebody else had it ended: a batch task's work is not done then, whatever the exit code. */
  readonly foreign?: boolean;
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
 * unless it was ended for its health, or a batch task by somebody else. Attempts count within a sliding window, so stable running resets them.
 * @param jitter share of the delay that is random
 */
export function afterExit(type: RunKind, policy: RestartSpec, ended: Ended, jitter: number): Verdict {
  const isCutShort = ended.unwell === true || (type === 'batch' && ended.foreign === true);
  const ok = ended.exitCode === 0 && !isCutShort;
  if (ok && (type === 'batch' || policy.on !== 'always')) return { then: 'completed' };
  if (policy.on === 'never') return { then: 'failed', reason: `exit code ${ended.exitCode}` };
  const recent = recentRestarts(policy, ended.restartedAt, ended.now).length;
  if (recent >= policy.attempts) {
    return { then: 'failed', reason: `exit code ${ended.exitCode}, after ${recent} ${recent === 1 ? 'restart' : 'restarts'}` };
  }
  const jitteredMs = Math.round(delayAfter(policy, recent) * (1 + jitter * (ended.chance * 2 - 1)));
  return { then: 'restart', delayMs: Math.min(policy.delayMsMax, jitteredMs), attemptsUsed: recent + 1 };
}

/** The restarts that still count: those within the window. What lies in the future was noted before the clock went back. */
export function recentRestarts(policy: RestartSpec, restartedAt: readonly number[], now: number): readonly number[] {
  return restartedAt.filter((at) => at > now - policy.withinMs && at <= now);
}

/** The delay before the next attempt, in ms and without jitter. @param recent restarts in the window before it */
export function delayAfter(policy: RestartSpec, recent: number): number {
  // The power may be infinite, and nothing times that is no number.
  if (policy.delayMs === 0) return 0;
  return Math.min(policy.delayMsMax, policy.delayMs * policy.backoff ** recent);
}

/** What is left of the delay that began with the newest restart, in ms. @param restartedAt oldest first, that restart included */
export function delayLeft(policy: RestartSpec, restartedAt: readonly number[], now: number): number {
  const begunAt = restartedAt.at(-1) ?? now;
  const passedMs = Math.max(0, now - begunAt);
  return Math.max(0, delayAfter(policy, Math.max(0, restartedAt.length - 1)) - passedMs);
}
