/** Dispatched runs of a parameterized job as records: which there are, and which are kept no more. */
import type { JobRecord } from '../../src/core/job.ts';
import { isFinal } from '../../src/core/task.ts';
import type { Leader } from './leader.ts';

/** Runs of a parameterized job, oldest first. */
export function runsOf({ state }: Leader, parent: string): JobRecord[] {
  const runs = [...state.jobs.values()].filter(({ origin }) => origin.kind === 'dispatch' && origin.parent === parent);
  return runs.toSorted((a, b) => a.createdAt - b.createdAt || a.index - b.index);
}

/** Whether a run is over and nothing of it lives. */
export function hasEnded({ state }: Leader, { name, status }: JobRecord): boolean {
  return ['completed', 'failed', 'stopped'].includes(status) && state.tasksOf(name).every((task) => isFinal(task));
}

/** Forgets ended runs but for the newest few. @param forget forgets a job with all that is kept of it */
export function trimRuns(leader: Leader, parent: string, forget: (run: JobRecord) => void): void {
  const runs = runsOf(leader, parent);
  // Looked at only when there may be too many: tasks of a run cost a look each.
  const surplus = runs.length - leader.deps.limits.dispatchedRunsMax;
  if (surplus <= 0) return;
  const ended = runs.filter((run) => hasEnded(leader, run));
  for (const run of ended.slice(0, Math.max(0, ended.length - leader.deps.limits.dispatchedRunsMax))) forget(run);
}
