/** From an accepted job to its result: what `submit`, `run` and `start` share. */
import type { CubeError } from '../core/errors.ts';
import type { JobJson, StatusJson } from '../core/views.ts';
import { signalExit } from './command.ts';
import type { Context, OptionSpec } from './command.ts';
import type { Client } from './connect.ts';
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

function printResult(context: Context, result: Result): void {
  const { output } = context;
  const { job, change } = result;
  if (output.json) output.document(result);
  else output.line(output.quiet ? job.name : `${jobSentence(job)}, ${change}`);
}

function printFailure(context: Context, error: CubeError, result: Result): number {
  context.output.error(error, { ...result });
  return error.row.exit;
}

/**
 * Waits for an accepted job, unless told not to, and prints what came of it.
 * @returns the exit code
 */
export async function finishJob(context: Context, client: Client, accepted: Accepted): Promise<number> {
  const { input, limits, output } = context;
  const { job, change, before, warnings = [] } = accepted;
  const timeoutMs = input.durationMs('timeout');
  if (!output.json) for (const warning of warnings) output.warn(warning);
  if (input.flag('detach')) {
    if (output.json) output.document({ job, tasks: [], change, warnings });
    else output.line(output.quiet ? job.name : `${job.name} is accepted (version ${job.version}), ${change}`);
    return 0;
  }
  sayFarewell(context, `not waiting any longer; ${job.name} goes on: see \`cube status ${job.name}\``);
  const news = change === 'created' || job.status === 'failed';
  const goal: Goal = { job: job.name, version: job.version, before: news ? new Set() : overIds(before) };
  const { judge = judgeRun } = accepted;
  const isService = job.type === 'service';
  const { status, error } = await waitFor(context, client, {
    goal,
    known: before,
    aim: isService ? 'healthy' : 'completed',
    judge: (seen) => judge(seen, goal),
    timeoutMs,
    deadlineMs: isService ? limits.submitDeadlineMs : undefined,
  });
  const result = { job: status.jobs.find((one) => one.name === job.name) ?? job, tasks: status.tasks, change, warnings };
  if (error) return printFailure(context, error, result);
  printResult(context, result);
  return 0;
}
