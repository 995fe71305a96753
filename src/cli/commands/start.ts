/** `cube start JOB`: a stopped job runs again. */
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import { missing, unlessMissing } from '../find.ts';
import { finishJob, waitSpecs } from '../run-job.ts';
import { statusOrNothing } from '../wait.ts';

async function start(context: Context): Promise<number> {
  const { input } = context;
  const name = input.args[0]!;
  input.durationMs('timeout');
  const client = await connect(context);
  const before = await statusOrNothing(client, name);
  const job = await unlessMissing(client.startJob(name));
  if (!job) {
    const { jobs } = await client.status();
    throw missing(
      name,
      'job',
      jobs.map((one) => one.name),
    );
  }
  // A job that runs is left as it is: only a change gives it another index.
  const change = before.jobs.some((one) => one.name === name && one.index === job.index) ? 'unchanged' : 'started';
  return finishJob(context, client, { job, change, before });
}

/** `cube start`. */
export const command: Command = {
  usage: 'start <job>',
  summary: 'start a stopped or finished job again, and wait until it is healthy or completed',
  options: waitSpecs,
  examples: [['cube start shop', 'run it again, as it was']],
  run: start,
};
