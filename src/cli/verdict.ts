/** PURE: whether what a command waits for has come, or never will. */
import { isErrorCode, problem } from '../core/errors.ts';
import { shortId } from '../core/ids.ts';
import type { CubeError } from '../core/errors.ts';
import type { DeploymentJson } from '../core/deployment-view.ts';
import type { JobJson, StatusJson, TaskJson } from '../core/views.ts';
import { amountText, deploymentOf, pausedHint } from './deployment-text.ts';
import { currentTasks, isOver, isUp, ownReason, taskSentence, whyText } from './tasks.ts';

/** What is waited for. */
export interface Goal {
  readonly job: string;
  /** The version that was accepted. */
  readonly version: number;
  /** Ids of tasks that had ended before: their ends say nothing about this run. */
  readonly before: ReadonlySet<string>;
  /** The version to which a failure goes back, where that is known. */
  readonly goodVersion?: number;
}

/** What was waited for has come. */
interface Good {
  readonly ok: true;
  /** What is said of it, where that is more than the job's status. */
  readonly says?: string;
}

/** Undefined: go on waiting. */
export type Verdict = Good | { readonly ok: false; readonly error: CubeError } | undefined;

const shownMax = 8;

/** The oldest first. */
function byAge(a: TaskJson, b: TaskJson): number {
  return Date.parse(a.createdAt) - Date.parse(b.createdAt);
}

/** The task that tells most of why a version is not well: one of that version, if any is. */
function culpritOf(status: StatusJson, goal: Goal): TaskJson | undefined {
  const all = troubled(status, goal);
  const isIts = (task: TaskJson): boolean => task.version === goal.version;
  // What never got well was stopped, not failed, when its version was given up.
  const isGivenUp = (task: TaskJson): boolean => isIts(task) && task.state === 'stopped' && !goal.before.has(task.id);
  const givenUp = (): TaskJson | undefined => status.tasks.filter(isGivenUp).toSorted(byAge).at(-1);
  return all.find(isIts) ?? all[0] ?? givenUp();
}

/** What a user calls a task: its slot, or its id where the slot stands for another one by now. */
function calledNow(task: TaskJson, { tasks }: StatusJson): string {
  const isAnother = (other: TaskJson): boolean =>
    other.slot === task.slot && other.id !== task.id && (!isOver(other) || other.createdAt > task.createdAt);
  return isOver(task) && tasks.some(isAnother) ? shortId(task.id) : task.slot;
}

function troubled(status: StatusJson, goal: Goal): readonly TaskJson[] {
  const bad = new Set(['failed', 'rejected', 'lost', 'backingOff', 'unreachable']);
  const mine = status.tasks.filter((task) => !goal.before.has(task.id));
  const worst = mine.filter((task) => bad.has(task.state) && (task.reason !== null || task.exitCode !== null));
  const slots = new Set(worst.map((task) => task.slot));
  const waiting = currentTasks(mine).filter((task) => !slots.has(task.slot) && !isOver(task) && !isUp(task));
  const newestOfSlot = new Map(worst.toSorted(byAge).map((task) => [task.slot, task]));
  return [...newestOfSlot.values(), ...waiting];
}

/**
 * One sentence a task that is not as it should be; empty when all are.
 * @param told what was said before: a task of which it gives the reason is left out
 */
export function troubleLines(status: StatusJson, goal: Goal, told = ''): string[] {
  const isTold = (task: TaskJson): boolean => told.includes(task.slot) && whyText(task) !== '' && told.includes(whyText(task));
  const lines = troubled(status, goal)
    .filter((task) => !isTold(task))
    .map(taskSentence);
  return lines.length > shownMax ? [...lines.slice(0, shownMax), `and ${lines.length - shownMax} more tasks`] : lines;
}

/** An error about a job with a line for each task in trouble, and the command that tells more of the first. */
export function jobError(code: 'job-failed' | 'timeout', message: string, status: StatusJson, goal: Goal, hint = ''): CubeError {
  const first = culpritOf(status, goal);
  const job = status.jobs.find((one) => one.name === goal.job);
  const own = job && ownReason(job, status.tasks);
  const lines = troubleLines(status, goal, message);
  if (job && own !== undefined && lines.length === 0 && !message.includes(own)) lines.push(`${job.name} is ${job.status}: ${own}`);
  const advice = isErrorCode(first?.reasonCode) ? [problem(first.reasonCode, '').hint] : [];
  const name = first ? calledNow(first, status) : goal.job;
  const logs = first && first.state !== 'rejected' ? ` and \`cube logs ${name}\` tell more` : ' tells more';
  return problem(code, [message, ...lines].join('\n'), {
    hint: [...(hint === '' ? [] : [hint]), ...advice, `\`cube status ${name}\`${logs}`].join('; '),
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

function badEnd(error: CubeError): Verdict {
  return { ok: false, error };
}

/** Where a version ends that failed, and before which none was good: what is worth trying again is tried again. */
function nowhereToGo(job: JobJson, { tasks }: StatusJson, { before }: Goal): string {
  const rests = job.status === 'failed' || currentTasks(tasks).some((task) => task.state === 'rejected' && !before.has(task.id));
  const goesOn = rests ? 'what failed for good is not tried again' : 'it goes on being tried';
  const isItself = deploymentOf(job)?.goodVersion === job.version;
  return `${isItself ? 'it is the last good version itself' : 'there is no good version to go back to'}; ${goesOn}`;
}

/** Judges the deployment of the version that was accepted: it says when all is done, and when nothing more will come. */
function judgeDeployment(status: StatusJson, goal: Goal, job: JobJson, deployment: DeploymentJson): Verdict {
  const { version, state, goodVersion } = deployment;
  const why = deployment.reason === null ? '' : `: ${deployment.reason}`;
  switch (state) {
    case 'succeeded':
      if (job.status === 'failed') return badEnd(jobError('job-failed', `${job.name} failed${because(job, status)}`, status, goal));
      if (job.status !== 'running' && job.status !== 'completed') return undefined;
      return job.type === 'system' && job.desired === 0
        ? { ok: true, says: `${job.name} is ${job.status}: no node takes its tasks now, nodes that join may (version ${version})` }
        : { ok: true };
    case 'awaitingPromotion':
      return {
        ok: true,
        says: `${job.name} waits for \`cube promote ${job.name}\`: ${amountText(deployment)} (version ${version})`,
      };
    case 'paused':
      return badEnd(
        jobError(
          'job-failed',
          `the update of ${job.name} to version ${version} is paused${why}`,
          status,
          goal,
          pausedHint(job.name, deployment),
        ),
      );
    case 'failed': {
      const failed = `version ${version} of ${job.name} failed${why}`;
      if (goodVersion === null || goodVersion === version)
        return badEnd(jobError('job-failed', `${failed}; ${nowhereToGo(job, status, goal)}`, status, goal));
      return badEnd(jobError('job-failed', failed, status, goal, `\`cube rollback ${job.name}\` goes back to version ${goodVersion}`));
    }
    case 'superseded':
      return badEnd(stopped(job));
    case 'rolling':
      // Where there is a version to go back to, that has yet to begin, or somebody wanted no such thing, and the deadline decides.
      return job.status === 'failed' && goodVersion === null
        ? badEnd(jobError('job-failed', `${job.name} failed${because(job, status)}`, status, goal))
        : undefined;
  }
}

/** Judges a version that failed and was followed by an earlier one: never well, but not before that has ended. */
function judgeRollback(status: StatusJson, goal: Goal, job: JobJson, { state, reason }: DeploymentJson): Verdict {
  if (state === 'rolling' || state === 'awaitingPromotion') return undefined;
  const to = goal.goodVersion === undefined ? 'what was good before' : `version ${goal.goodVersion}`;
  const hint = `\`cube history ${job.name}\` lists its versions`;
  if (state === 'succeeded') {
    const failed = `version ${goal.version} failed`;
    const why = reason === null ? failed : reason.startsWith(failed) ? reason : `${failed}: ${reason}`;
    return badEnd(jobError('job-failed', `${job.name}: ${why}; rolled back to ${to}`, status, goal, hint));
  }
  const why = reason === null ? '' : `: ${reason}`;
  return badEnd(
    jobError('job-failed', `${job.name}: version ${goal.version} failed, and so did the roll-back to ${to}${why}`, status, goal, hint),
  );
}

function stopped(job: JobJson): CubeError {
  return problem('job-failed', `${job.name} was stopped while it was waited for`);
}

/** Judges a job that was submitted or started, of whose deployment nothing is known: a batch, or a manager of an earlier version. */
function judgeStatus(status: StatusJson, goal: Goal, job: JobJson): Verdict {
  if (job.status === 'completed' || (job.status === 'running' && job.type !== 'batch')) return { ok: true };
  if (job.status === 'failed') return badEnd(jobError('job-failed', `${goal.job} failed${because(job, status)}`, status, goal));
  if (hopeless(status, goal)) return badEnd(jobError('job-failed', `${goal.job} cannot run`, status, goal));
  return undefined;
}

/** Judges a job that was submitted, started, or changed otherwise. */
export function judgeRun(status: StatusJson, goal: Goal): Verdict {
  const job = status.jobs.find((one) => one.name === goal.job);
  if (!job) return badEnd(problem('not-found', `the job ${goal.job} was forgotten while it was waited for`));
  if (job.version < goal.version) return undefined;
  const deployment = deploymentOf(job);
  if (job.status === 'stopped') return badEnd(stopped(job));
  if (job.version > goal.version) {
    if (deployment?.rollbackOf === goal.version) return judgeRollback(status, goal, job, deployment);
    return badEnd(problem('conflict', `somebody submitted version ${job.version} of ${goal.job} meanwhile`));
  }
  return deployment?.version === goal.version ? judgeDeployment(status, goal, job, deployment) : judgeStatus(status, goal, job);
}

/** Judges a job of the seeds' API, which has one task: it runs, and is healthy if it has a check, or it has ended. */
export function judgeSeeds(status: StatusJson, goal: Goal): Verdict {
  const task = currentTasks(status.tasks).at(-1);
  if (task && (isUp(task) || task.state === 'completed')) return { ok: true };
  if (task && isOver(task)) return { ok: false, error: jobError('job-failed', `${goal.job} ended before it ran`, status, goal) };
  return judgeRun(status, goal);
}

/** Judges a job that was ordered to stop, with its runs if it has some; what is to be forgotten must be gone. */
export function judgeStop(status: StatusJson, job: string, purge: boolean, runs: readonly string[] = []): Verdict {
  const names = new Set([job, ...runs]);
  const lives =
    status.tasks.some((task) => names.has(task.job) && !isOver(task)) || (purge && status.jobs.some(({ name }) => names.has(name)));
  return lives ? undefined : { ok: true };
}

/** Judges one task that was ordered to stop. A record that is forgotten has ended. */
export function judgeTaskStop(status: StatusJson, id: string): Verdict {
  const task = status.tasks.find((one) => one.id === id);
  return task && !isOver(task) ? undefined : { ok: true };
}
