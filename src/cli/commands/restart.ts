/** `cube restart JOB`: all its instances are replaced, a few at a time. */
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import { ofJob } from '../find.ts';
import { finishJob, waitSpecs } from '../run-job.ts';
import { statusOrNothing } from '../wait.ts';

async function restart(context: Context): Promise<number> {
  const { input } = context;
  const name = input.args[0]!;
  input.durationMs('timeout');
  const client = await connect(context);
  const before = await statusOrNothing(client, name);
  const job = await ofJob(client, name, client.restartJob(name));
  return finishJob(context, client, { job, change: 'restarted', before });
}

/** `cube restart`. */
export const command: Command = {
  usage: 'restart <job>',
  summary: 'replace all instances of a job, a few at a time as an update does, and wait until they are healthy',
  options: waitSpecs,
  examples: [
    ['cube restart shop', 'fresh containers, of the same version'],
    ['cube stop shop/web.2', 'a fresh container for one slot only'],
  ],
  run: restart,
};
