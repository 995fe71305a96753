/** Waits for a job with live progress, over restarts of the manager. */
import { asCubeError, problem } from '../core/errors.ts';
import { formatDuration } from '../core/duration.ts';
import type { StatusJson } from '../core/views.ts';
import type { Context } from './command.ts';
import type { Client } from './connect.ts';
import { isUnderWay } from './deployment-text.ts';
import { nudges } from './nudges.ts';
import { Progress } from './progress.ts';
import { isOver } from './tasks.ts';
import { jobError, judgeRun } from './verdict.ts';
import type { Goal, Verdict } from './verdict.ts';

/** How long, and what for. */
export interface WaitOptions {
  readonly goal: Goal;
  /** What was known before, which is no news. */
  readonly known?: StatusJson;
  /** What it is to become, for the message when it does not: `healthy`. */
  readonly aim: string;
  readonly judge?: (status: StatusJson) => Verdict;
  /** What is looked at, where that is more than the job. */
  readonly read?: () => Promise<StatusJson>;
  /** `--timeout`: exit 124. */
  readonly timeoutMs?: number | undefined;
  /** The job's own time to get healthy, but for that of a deployment, which the manager bounds: exit 1. */
  readonly deadlineMs?: number | undefined;
}

/** How a wait ended: the last status seen, and the error if it did not end well. */
export interface Waited {
  readonly status: StatusJson;
  readonly error?: ReturnType<typeof asCubeError>;
  /** What the judge said of it, where that is more than the job's status. */
  readonly says?: string;
}

const nothing: StatusJson = { index: 0, jobs: [], tasks: [] };

/** A job's status; of one that does not exist, an empty one. */
export async function statusOrNothing(client: Client, job: string): Promise<StatusJson> {
  try {
    return await client.status({ job });
  } catch (thrown) {
    const error = asCubeError(thrown);
    if (error.code === 'not-found') return nothing;
    throw error;
  }
}

/** Ids of a job's tasks that have ended: what they say is about an earlier run. */
export function overIds(status: StatusJson): ReadonlySet<string> {
  return new Set(status.tasks.filter(isOver).map((task) => task.id));
}

/**
 * The sooner of the two ends, if it has come.
 * @param waitedMs in all
 * @param idleMs since a deployment was last seen under way
 */
function tooLate(options: WaitOptions, status: StatusJson, waitedMs: number, idleMs: number): Waited | undefined {
  const { goal, aim, timeoutMs, deadlineMs } = options;
  if (timeoutMs !== undefined && waitedMs >= timeoutMs) {
    return { status, error: jobError('timeout', `${goal.job} is not ${aim} after ${formatDuration(timeoutMs)}; it goes on`, status, goal) };
  }
  if (deadlineMs !== undefined && idleMs >= deadlineMs) {
    return { status, error: jobError('job-failed', `${goal.job} is not ${aim} after ${formatDuration(deadlineMs)}`, status, goal) };
  }
  return undefined;
}

/**
 * Waits until the judge has spoken or time is up.
 * @throws CubeError `unreachable` and its like when the manager did not answer for `waitReconnectMs`
 */
export async function waitFor(context: Context, client: Client, options: WaitOptions): Promise<Waited> {
  const { goal, judge = (status: StatusJson): Verdict => judgeRun(status, goal) } = options;
  const { read = () => statusOrNothing(client, goal.job) } = options;
  const { limits, output } = context;
  const progress = new Progress(output, goal.before, options.known?.tasks ?? [], () => performance.now());
  const startedAt = performance.now();
  const ended = new AbortController();
  let last = nothing;
  let silentSince: number | undefined;
  let idleSince = startedAt;
  const late = (): Waited | undefined => {
    const now = performance.now();
    if (last.jobs.some((job) => job.name === goal.job && isUnderWay(job))) idleSince = now;
    return tooLate(options, last, now - startedAt, now - idleSince);
  };
  const look = async (): Promise<Waited | undefined> => {
    try {
      last = await read();
      if (silentSince !== undefined) progress.message('the manager answers again');
      silentSince = undefined;
    } catch (thrown) {
      const error = asCubeError(thrown);
      if (!error.row.retryable) throw error;
      if (silentSince === undefined) progress.message(`${error.message}; trying for ${formatDuration(limits.waitReconnectMs)}`);
      silentSince ??= performance.now();
      if (performance.now() - silentSince > limits.waitReconnectMs) throw error;
      return late();
    }
    progress.show(last);
    const verdict = judge(last);
    if (!verdict) return late();
    if (!verdict.ok) return { status: last, error: verdict.error };
    return { status: last, ...(verdict.says === undefined ? {} : { says: verdict.says }) };
  };
  try {
    for await (const _ of nudges(client, options.read ? {} : { job: goal.job }, limits, ended.signal)) {
      const waited = await look();
      if (waited) return waited;
    }
    throw problem('failed', 'the wait ended by itself');
  } finally {
    ended.abort();
    progress.end();
  }
}
