/** From an accepted job to its result: what `submit`, `run` and `start` share. */
import { errorBody } from '../core/errors.ts';
import type { CubeError } from '../core/errors.ts';
import { runKind } from '../core/job.ts';
import { listed } from '../core/text.ts';
import type { JobJson, StatusJson } from '../core/views.ts';
import { signalExit } from './command.ts';
import type { Context, OptionSpec } from './command.ts';
import type { Client } from './connect.ts';
import { deploymentOf } from './deployment-text.ts';
import { jobSentence } from './tasks.ts';
import { judgeRun } from './verdict.ts';
import { overIds, waitFor } from './wait.ts';
import type { Goal, Verdict } from './verdict.ts';

/** Options of every command that waits for a job to run. */
export const waitSpecs: readonly OptionSpec[] = [
  { flags: '-d, --detach', about: 'do not wait' },
  { flags: '--timeout <duration>', about: 'wait no longer than this (exit 124)' },
];

/** A job that was accepted. */
export interface Accepted {
  readonly job: JobJson;
  readonly change: string;
  /** What its user should know; managers of earlier versions tell nothing. */
  readonly warnings?: readonly string[] | undefined;
  /** What was known of the job before. */
  readonly before: StatusJson;
  /** What counts as done, where it is not the job's status. */
  readonly judge?: (status: StatusJson, goal: Goal) => Verdict;
}

/** Tells what goes on when a user gives up waiting. */
export function sayFarewell(context: Context, text: string): void {
  context.onSignal((signal) => {
    context.output.note(text);
    return signalExit(signal);
  });
}

/** What is printed of a job. */
interface Result {
  readonly job: JobJson;
  readonly tasks: StatusJson['tasks'];
  readonly change: string;
  readonly warnings: readonly string[];
}

/** What came of an accepted job. */
interface Outcome {
  readonly result: Result;
  /** A sentence for people. */
  readonly says: string;
  readonly error?: CubeError;
}

/** What is left to say of a job that does not run by itself now; undefined of one that does, and is waited for. */
function restText(job: JobJson): string | undefined {
  if (job.type === 'parameterized') return `\`cube dispatch ${job.name}\` runs it`;
  if (job.type !== 'periodic') return undefined;
  return job.nextTick === null ? 'it has no next run' : `next run at ${job.nextTick}`;
}

function goalOf({ job, change, before }: Accepted): Goal {
  const isNews = change === 'created' || change === 'dispatched' || job.status === 'failed';
  const goodVersion = deploymentOf(job)?.goodVersion ?? undefined;
  return {
    job: job.name,
    version: job.version,
    before: isNews ? new Set() : overIds(before),
    ...(goodVersion === undefined ? {} : { goodVersion }),
  };
}

/** Waits for an accepted job, unless told not to, or there is nothing to wait for. */
async function outcomeOf(context: Context, client: Client, accepted: Accepted, timeoutMs: number | undefined): Promise<Outcome> {
  const { input, limits } = context;
  const { job, change, before, warnings = [], judge = judgeRun } = accepted;
  const rests = restText(job);
  if (rests !== undefined || input.flag('detach')) {
    const says = `${job.name} is accepted (version ${job.version}), ${change}${rests === undefined ? '' : `; ${rests}`}`;
    return { result: { job, tasks: [], change, warnings }, says };
  }
  const goal = goalOf(accepted);
  const isService = runKind(job.type) === 'service';
  const { status, error, says } = await waitFor(context, client, {
    goal,
    known: before,
    aim: isService ? 'healthy' : 'completed',
    judge: (seen) => judge(seen, goal),
    timeoutMs,
    deadlineMs: isService ? limits.submitDeadlineMs : undefined,
  });
  const result = { job: status.jobs.find((one) => one.name === job.name) ?? job, tasks: status.tasks, change, warnings };
  return { result, says: `${says ?? jobSentence(result.job)}, ${change}`, ...(error ? { error } : {}) };
}

function sayWarnings({ output }: Context, { warnings = [] }: Accepted): void {
  if (!output.json) for (const warning of warnings) output.warn(warning);
}

function printOutcome(context: Context, { result, says, error }: Outcome): number {
  const { output } = context;
  if (error) {
    output.error(error, { ...result });
    return error.row.exit;
  }
  if (output.json) output.document(result);
  else output.line(output.quiet ? result.job.name : says);
  return 0;
}

/**
 * Waits for an accepted job, unless told not to, and prints what came of it.
 * @returns the exit code
 */
export async function finishJob(context: Context, client: Client, accepted: Accepted): Promise<number> {
  const { name } = accepted.job;
  const timeoutMs = context.input.durationMs('timeout');
  sayWarnings(context, accepted);
  if (!context.input.flag('detach')) sayFarewell(context, `not waiting any longer; ${name} goes on: see \`cube status ${name}\``);
  return printOutcome(context, await outcomeOf(context, client, accepted, timeoutMs));
}

/**
 * Waits for a dispatched run, unless told not to. Its name is printed at once, and is all of stdout: what came of it is told on stderr.
 * @returns the exit code
 */
export async function finishRun(context: Context, client: Client, job: JobJson): Promise<number> {
  const { input, output } = context;
  const timeoutMs = input.durationMs('timeout');
  output.line(job.name);
  if (!input.flag('detach')) sayFarewell(context, `not waiting any longer; ${job.name} goes on: see \`cube status ${job.name}\``);
  const accepted = { job, change: 'dispatched', before: { index: 0, jobs: [], tasks: [] } };
  const outcome = await outcomeOf(context, client, accepted, timeoutMs);
  if (outcome.error || output.json) return printOutcome(context, outcome);
  if (!input.flag('detach')) output.note(outcome.says);
  return 0;
}

/**
 * Waits for several jobs, one after the other, as `finishJob` does for one; with `-o json` the one document is a list, in which what failed has an `error`.
 * @returns the exit code of the first that failed
 */
export async function finishJobs(context: Context, client: Client, all: readonly Accepted[]): Promise<number> {
  const { input, output } = context;
  if (all.length === 1) return finishJob(context, client, all[0]!);
  const names = all.map(({ job }) => job.name);
  const timeoutMs = input.durationMs('timeout');
  const startedAt = performance.now();
  if (!input.flag('detach')) sayFarewell(context, `not waiting any longer; ${listed(names)} go on: see \`cube status --jobs\``);
  const outcomes: Outcome[] = [];
  let exit = 0;
  for (const accepted of all) {
    sayWarnings(context, accepted);
    const left = timeoutMs === undefined ? undefined : Math.max(0, timeoutMs - (performance.now() - startedAt));
    const outcome = await outcomeOf(context, client, accepted, left);
    outcomes.push(outcome);
    if (!output.json) printOutcome(context, outcome);
    exit ||= outcome.error?.row.exit ?? 0;
  }
  if (output.json) output.document(outcomes.map(({ result, error }) => ({ ...(error ? errorBody(error) : {}), ...result })));
  return exit;
}
