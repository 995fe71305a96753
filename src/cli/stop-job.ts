/** From an order to stop to its end: what `stop` and the seeds' State 3 share. */
import { shortId } from '../core/ids.ts';
import { counted } from '../core/text.ts';
import type { JobJson, StatusJson, TaskJson } from '../core/views.ts';
import type { Context } from './command.ts';
import type { Client } from './connect.ts';
import { sayFarewell } from './run-job.ts';
import { isOver } from './tasks.ts';
import { judgeStop, judgeTaskStop } from './verdict.ts';
import { overIds, statusOrNothing, waitFor } from './wait.ts';

/** What was ordered to stop: a job whole, or one task of it. */
export interface Stopping {
  readonly job?: JobJson;
  readonly task?: TaskJson;
  /** Whether the job is to be forgotten. */
  readonly purge?: boolean;
  /** Names of the runs that go with it, of a parameterized job. */
  readonly runs?: readonly string[];
}

/**
 * Runs that a job's stop takes along: those of a parameterized one that go on, and with `purge` all of them.
 * To be asked before the stop: it may end them at once.
 */
export async function runsToStop(client: Client, name: string, purge: boolean): Promise<readonly string[]> {
  const [job] = (await statusOrNothing(client, name)).jobs;
  if (job?.type !== 'parameterized') return [];
  const { jobs, tasks } = await client.status();
  const live = new Set(tasks.filter((task) => !isOver(task)).map((task) => task.job));
  const isOn = ({ name: run, status }: JobJson): boolean => live.has(run) || !['completed', 'failed', 'stopped'].includes(status);
  return jobs.filter((run) => run.parent === name && (purge || isOn(run))).map((run) => run.name);
}

/** A parameterized job has no tasks: what is told of it is what becomes of its runs. */
function runsText({ job, runs = [], purge }: Stopping): string {
  if (job?.type !== 'parameterized') return '';
  if (runs.length === 0) return purge ? '; it had no runs' : '; none of its runs went on';
  return `, and so ${runs.length === 1 ? 'is' : 'are'} ${counted(runs.length, 'run')} of it`;
}

function sentence(stopping: Stopping, status: StatusJson): string {
  const { job, task, purge } = stopping;
  if (task) {
    const seen = status.tasks.find((one) => one.id === task.id);
    return `${task.slot} (${shortId(task.id)}) is ${seen?.state ?? 'forgotten'}`;
  }
  const runs = runsText(stopping);
  if (purge) return `${job?.name} is stopped and forgotten${runs}`;
  const state = status.jobs.find((one) => one.name === job?.name)?.status ?? 'forgotten';
  return `${job?.name} is ${state}${runs === '' ? '; all its tasks have ended' : runs}`;
}

function jobIn({ jobs }: StatusJson, name: string): JobJson | undefined {
  return jobs.find((one) => one.name === name);
}

/** Waits until what was ordered to stop has, unless told not to, and prints what came of it. @returns the exit code */
export async function finishStop(context: Context, client: Client, stopping: Stopping): Promise<number> {
  const { input, output } = context;
  const { job, task, purge = false, runs = [] } = stopping;
  const name = job?.name ?? task!.job;
  const withRuns = async (): Promise<StatusJson> => {
    const { index, jobs, tasks } = await client.status();
    const names = new Set([name, ...runs]);
    return { index, jobs: jobs.filter((one) => names.has(one.name)), tasks: tasks.filter((one) => names.has(one.job)) };
  };
  const read = runs.length === 0 ? undefined : withRuns;
  let status = await (read?.() ?? statusOrNothing(client, name));
  if (!input.flag('detach')) {
    sayFarewell(context, `not waiting any longer; it goes on stopping: see \`cube status ${name}\``);
    const judge = (seen: StatusJson) => (task ? judgeTaskStop(seen, task.id) : judgeStop(seen, name, purge, runs));
    const goal = { job: name, version: 0, before: overIds(status) };
    const waited = await waitFor(context, client, {
      goal,
      aim: 'stopped',
      judge,
      ...(read ? { read } : {}),
      timeoutMs: input.durationMs('timeout'),
    });
    status = waited.status.jobs.length > 0 ? waited.status : { ...waited.status, jobs: job ? [job] : [] };
    if (waited.error) {
      output.error(waited.error, { job: jobIn(status, name) ?? null, tasks: status.tasks });
      return waited.error.row.exit;
    }
  }
  const tasks = task ? status.tasks.filter((one) => one.id === task.id) : status.tasks;
  if (output.json) {
    const more = job?.type === 'parameterized' ? { runs } : {};
    output.document({ job: jobIn(status, name) ?? job ?? null, tasks, ...(purge ? { purged: true } : {}), ...more });
  } else if (output.quiet) output.line(task ? task.id : name);
  else if (input.flag('detach')) output.line(`${task?.slot ?? name} is ordered to stop${runsText(stopping)}`);
  else output.line(sentence(stopping, status));
  return 0;
}
