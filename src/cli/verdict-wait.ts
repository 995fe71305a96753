/** PURE: whether a job is as `cube wait` wants it, or never will be. */
import { problem } from '../core/errors.ts';
import type { StatusJson } from '../core/views.ts';
import { deploymentOf, isUnderWay, pausedHint } from './deployment-text.ts';
import { jobError } from './verdict.ts';
import type { Goal, Verdict } from './verdict.ts';

/** Judges a job that nothing was asked of; whichever version it is at. */
export function judgeWait(status: StatusJson, goal: Goal, aim: 'running' | 'completed'): Verdict {
  const job = status.jobs.find((one) => one.name === goal.job);
  if (!job) return { ok: false, error: problem('not-found', `the job ${goal.job} was forgotten while it was waited for`) };
  const { name } = job;
  // A job that has completed has run.
  if (job.status === 'completed' || (aim === 'running' && job.status === 'running' && !isUnderWay(job))) return { ok: true };
  if (job.status === 'stopped') {
    const hint = `\`cube start ${name}\` starts it`;
    return { ok: false, error: problem('job-failed', `${name} is stopped, and not ${aim}`, { hint }) };
  }
  if (job.status === 'failed') {
    const why = job.reason === null ? '' : `: ${job.reason}`;
    return { ok: false, error: jobError('job-failed', `${name} failed${why}`, status, goal) };
  }
  const deployment = deploymentOf(job);
  if (deployment?.state !== 'paused') return undefined;
  const why = deployment.reason === null ? '' : `: ${deployment.reason}`;
  const message = `the update of ${name} to version ${deployment.version} is paused${why}`;
  return { ok: false, error: jobError('job-failed', message, status, goal, pausedHint(name, deployment)) };
}
