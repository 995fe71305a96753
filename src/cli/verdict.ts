/** PURE: whether what a command waits for has come, or never will. */
import { isErrorCode, problem } from '../core/errors.ts';
import type { CubeError } from '../core/errors.ts';
import type { JobJson, StatusJson, TaskJson } from '../core/views.ts';
import { currentTasks, isOver, isUp, taskSentence } from './tasks.ts';

/** What is waited for. */
export interface Goal {
  readonly job: string;
  /** The version that was accepted. */
  readonly version: number;
  /** Ids of tasks that had ended before: their ends say nothing about this run. */
  readonly before: ReadonlySet<string>;
}

/** Undefined: go on waiting. */
export type Verdict = { readonly ok: true } | { readonly ok: false; readonly error: CubeError } | undefined;

const shownMax = 8;

function troubled(status: StatusJson, goal: Goal): readonly TaskJson[] {
  const bad = new Set(['failed', 'rejected', 'lost', 'backingOff', 'unreachable']);
  const mine = status.tasks.filter((task) => !goal.before.has(task.id));
  const worst = mine.filter((task) => bad.has(task.state) && (task.reason !== null || task.exitCode !== null));
  const slots = new Set(worst.map((task) => task.slot));
  const waiting = currentTasks(mine).filter((task) => !slots.has(task.slot) && !isOver(task) && !isUp(task));
  const newestOfSlot = new Map(worst.map((task) => [task.slot, task]));
  return [...newestOfSlot.values(), ...waiting];
}

/** One sentence a task that is not as it should be; empty when all are. */
export function troubleLines(status: StatusJson, goal: Goal): readonly string[] {
  const lines = troubled(status, goal).map(taskSentence);
  return lines.length > shownMax ? [...lines.slice(0, shownMax), `and ${lines.length - shownMax} more tasks`] : lines;
}

/** An error about a job with a line for each task in trouble, and the command that tells more of the first. */
export function jobError(code: 'job-failed' | 'timeout', message: string, status: StatusJson, goal: Goal): CubeError {
  const first = troubled(status, goal)[0];
  const lines = troubleLines(status, goal);
  const advice = isErrorCode(first?.reasonCode) ? [problem(first.reasonCode, '').hint] : [];
  const logs = first && first.state !== 'rejected' ? ` and \`cube logs ${first.slot}\` tell more` : ' tells more';
  return problem(code, [message, ...lines].join('\n'), {
    hint: [...advice, `\`cube status ${first?.slot ?? goal.job}\`${logs}`].join('; '),
  });
}

/** A rejection that would come again whatever is tried: an image that is not there, a command that does not exist. */
function hopeless(status: StatusJson, goal: Goal): TaskJson | undefined {
  return status.tasks.find(
    (task) =>
      task.state === 'rejected' &&
      !goal.before.has(task.id) &&
      task.version === goal.version &&
      isErrorCode(task.reasonCode) &&
      !problem(task.reasonCode, '').row.retryable,
  );
}

/** The job's reason, where it says more than the reasons of its tasks, which are listed anyway. */
function because(job: JobJson, status: StatusJson): string {
  const { reason } = job;
  return reason === null || status.tasks.some((task) => task.reason && reason.includes(task.reason)) ? '' : `: ${reason}`;
}

/** Judges a job that was submitted or started. */
export function judgeRun(status: StatusJson, goal: Goal): Verdict {
  const job = status.jobs.find((one) => one.name === goal.job);
  if (!job) return { ok: false, error: problem('not-found', `the job ${goal.job} was forgotten while it was waited for`) };
  if (job.version < goal.version) return undefined;
  if (job.version > goal.version) {
    return { ok: false, error: problem('conflict', `somebody submitted version ${job.version} of ${goal.job} meanwhile`) };
  }
  if (job.status === 'completed' || (job.status === 'running' && job.type !== 'batch')) return { ok: true };
  if (job.status === 'failed')
    return { ok: false, error: jobError('job-failed', `${goal.job} failed${because(job, status)}`, status, goal) };
  if (job.status === 'stopped') return { ok: false, error: problem('job-failed', `${goal.job} was stopped while it was waited for`) };
  if (hopeless(status, goal)) return { ok: false, error: jobError('job-failed', `${goal.job} cannot run`, status, goal) };
  return undefined;
}

/** Judges a job of the seeds' API, which has one task: it runs, and is healthy if it has a check, or it has ended. */
export function judgeSeeds(status: StatusJson, goal: Goal): Verdict {
  const task = currentTasks(status.tasks).at(-1);
  if (task && (isUp(task) || task.state === 'completed')) return { ok: true };
  if (task && isOver(task)) return { ok: false, error: jobError('job-failed', `${goal.job} ended before it ran`, status, goal) };
  return judgeRun(status, goal);
}

/** Judges a job that was ordered to stop; one that is to be forgotten must be gone. */
export function judgeStop(status: StatusJson, job: string, purge: boolean): Verdict {
  const lives = status.tasks.some((task) => task.job === job && !isOver(task)) || (purge && status.jobs.some((one) => one.name === job));
  return lives ? undefined : { ok: true };
}

/** Judges one task that was ordered to stop. A record that is forgotten has ended. */
export function judgeTaskStop(status: StatusJson, id: string): Verdict {
  const task = status.tasks.find((one) => one.id === id);
  return task && !isOver(task) ? undefined : { ok: true };
}
