/** `cube promote JOB`: an update that waits after its canaries, or was paused, goes on. */
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import { ofJob } from '../find.ts';
import { finishJob, waitSpecs } from '../run-job.ts';
import { statusOrNothing } from '../wait.ts';

async function promote(context: Context): Promise<number> {
  const { input } = context;
  const name = input.args[0]!;
  input.durationMs('timeout');
  const client = await connect(context);
  const before = await statusOrNothing(client, name);
  const job = await ofJob(client, name, client.promote(name));
  return finishJob(context, client, { job, change: 'promoted', before });
}

/** `cube promote`. */
export const command: Command = {
  usage: 'promote <job>',
  summary: 'let an update go on that waits after its canaries, or was paused, and wait until all instances are healthy',
  options: waitSpecs,
  examples: [
    ['cube promote shop', 'the canaries are good: update the others'],
    ['cube rollback shop', 'they are not: back to the last good version'],
  ],
  run: promote,
};
