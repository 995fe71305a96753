/** `cube run -f task.json`: the seeds' TaskEvent, sent to POST /tasks as it is, then waited for. */
import { readFile } from 'node:fs/promises';
import { problem } from '../core/errors.ts';
import { readStdin } from './read-stdin.ts';
import type { Context } from './command.ts';
import { connect } from './connect.ts';
import { finishJob } from './run-job.ts';
import { finishStop } from './stop-job.ts';
import { judgeSeeds } from './verdict.ts';

/** The event's State that means: stop this task (Completed). */
const stopState = 3;

async function readEvent(context: Context, file: string): Promise<unknown> {
  let text: string;
  try {
    text = file === '-' ? await readStdin() : await readFile(file, 'utf8');
  } catch (thrown) {
    throw problem('invalid-file', `${file} cannot be read: ${(thrown as Error).message}`, {
      hint: 'give a TaskEvent as JSON',
      cause: thrown,
    });
  }
  if (file === '-' && context.global.tokenFile === '-') throw problem('usage', 'the task and the token cannot both come from stdin');
  try {
    return JSON.parse(text) as unknown;
  } catch (thrown) {
    throw problem('invalid-file', `${file} is not JSON: ${(thrown as Error).message}`, { hint: 'give a TaskEvent as JSON', cause: thrown });
  }
}

/** The id of the event's task: the client's own, which belongs to the slot. */
function clientTaskId(event: unknown): string | undefined {
  const task = typeof event === 'object' && event !== null && 'Task' in event ? event.Task : undefined;
  const id = typeof task === 'object' && task !== null && 'ID' in task ? task.ID : undefined;
  return typeof id === 'string' && id !== '' ? id : undefined;
}

/** Sends the event of a file and waits until its task runs or has ended; an event of State 3 stops its task. */
export async function runSeedsFile(context: Context, file: string): Promise<number> {
  const event = await readEvent(context, file);
  const client = await connect(context);
  const answer = await client.runSeedsEvent(event);
  const id = clientTaskId({ Task: answer }) ?? clientTaskId(event);
  if (id === undefined) throw problem('failed', 'the manager accepted the task, and did not tell its ID');
  const before = await client.status({ task: id });
  const job = before.jobs[0];
  if (!job) throw problem('not-found', `the task ${id} was accepted, and is not there any more`);
  if (typeof event === 'object' && event !== null && 'State' in event && event.State === stopState)
    return finishStop(context, client, { job });
  return finishJob(context, client, { job, change: 'created', before, judge: judgeSeeds });
}
