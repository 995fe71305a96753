/** `cube history JOB`: its versions, and what each changed. */
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import { ofJob } from '../find.ts';
import { historyLines } from '../history-view.ts';

async function history(context: Context): Promise<number> {
  const { input, output } = context;
  const name = input.args[0]!;
  const client = await connect(context);
  const versions = await ofJob(client, name, client.history(name));
  if (output.json) output.document(versions);
  else if (output.quiet) for (const { version } of versions) output.line(String(version));
  else {
    const options = { nowMs: Date.now(), paint: output.paint, diff: input.flag('diff'), columns: output.columns };
    for (const line of historyLines(versions, options)) output.line(line);
  }
  return 0;
}

/** `cube history`. */
export const command: Command = {
  usage: 'history <job>',
  summary: 'the versions of a job, newest first: why there is each, how its update ended, and what it changed',
  options: [{ flags: '--diff', about: 'each difference with its values, from the version before' }],
  examples: [
    ['cube history shop', 'a line a version; * is the current one'],
    ['cube history shop --diff', 'what changed from what to what'],
    ["cube history shop -o json | jq '.[0].spec'", 'the job as it is wanted now'],
  ],
  run: history,
};
