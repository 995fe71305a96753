/** From an order to stop to its end: what `stop` and the seeds' State 3 share. */
import { shortId } from '../core/ids.ts';
import type { JobJson, StatusJson, TaskJson } from '../core/views.ts';
import type { Context } from './command.ts';
import type { Client } from './connect.ts';
import { sayFarewell } from './run-job.ts';
import { judgeStop, judgeTaskStop } from './verdict.ts';
import { overIds, statusOrNothing, waitFor } from './wait.ts';

/** What was ordered to stop: a job whole, or one task of it. */
export interface Stopping {
  readonly job?: JobJson;
  readonly task?: TaskJson;
  /** Whether the job is to be forgotten. */
  readonly purge?: boolean;
}

function sentence(stopping: Stopping, status: StatusJson): string {
  const { job, task, purge } = stopping;
  if (task) {
    const seen = status.tasks.find((one) => one.id === task.id);
    return `${task.slot} (${shortId(task.id)}) is ${seen?.state ?? 'forgotten'}`;
  }
  if (purge) return `${job?.name} is stopped and forgotten`;
  return `${job?.name} is ${status.jobs.find((one) => one.name === job?.name)?.status ?? 'forgotten'}; all its tasks have ended`;
}

/** Waits until what was ordered to stop has, unless told not to, and prints what came of it. @returns the exit code */
export async function finishStop(context: Context, client: Client, stopping: Stopping): Promise<number> {
  const { input, output } = context;
  const { job, task, purge = false } = stopping;
  const name = job?.name ?? task!.job;
  let status = await statusOrNothing(client, name);
  if (!input.flag('detach')) {
    sayFarewell(context, `not waiting any longer; it goes on stopping: see \`cube status ${name}\``);
    const judge = (seen: StatusJson) => (task ? judgeTaskStop(seen, task.id) : judgeStop(seen, name, purge));
    const goal = { job: name, version: 0, before: overIds(status) };
    const waited = await waitFor(context, client, { goal, aim: 'stopped', judge, timeoutMs: input.durationMs('timeout') });
    status = waited.status.jobs.length > 0 ? waited.status : { ...waited.status, jobs: job ? [job] : [] };
    if (waited.error) {
      output.error(waited.error, { job: status.jobs[0] ?? null, tasks: status.tasks });
      return waited.error.row.exit;
    }
  }
  const tasks = task ? status.tasks.filter((one) => one.id === task.id) : status.tasks;
  if (output.json) output.document({ job: status.jobs[0] ?? job ?? null, tasks, ...(purge ? { purged: true } : {}) });
  else if (output.quiet) output.line(task ? task.id : name);
  else output.line(input.flag('detach') ? `${task?.slot ?? name} is ordered to stop` : sentence(stopping, status));
  return 0;
}
