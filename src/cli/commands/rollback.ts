/** `cube rollback JOB [VERSION]`: an earlier version is wanted again, as a new one. */
import { problem } from '../../core/errors.ts';
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import { ofJob } from '../find.ts';
import { finishJob, waitSpecs } from '../run-job.ts';
import { statusOrNothing } from '../wait.ts';

function readVersion(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const version = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(version) && version > 0) return version;
  throw problem('usage', `a version is a number like 3, not "${text}"`, { hint: '`cube history JOB` lists them' });
}

async function rollback(context: Context): Promise<number> {
  const { input } = context;
  const name = input.args[0]!;
  const version = readVersion(input.args[1]);
  input.durationMs('timeout');
  const client = await connect(context);
  const before = await statusOrNothing(client, name);
  const accepted = await ofJob(client, name, client.rollback(name, version));
  return finishJob(context, client, { ...accepted, before });
}

/** `cube rollback`. */
export const command: Command = {
  usage: 'rollback <job> [version]',
  summary: 'want an earlier version of a job again (the last good one unless told), and wait until it is healthy',
  options: waitSpecs,
  examples: [
    ['cube rollback shop', 'to the last version that was good'],
    ['cube rollback shop 3', 'to version 3; see `cube history shop`'],
  ],
  run: rollback,
};
