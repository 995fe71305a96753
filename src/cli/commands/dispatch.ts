/** `cube dispatch JOB --set k=v`: a run of a parameterized job. */
import { readFile } from 'node:fs/promises';
import { problem, unreadableText } from '../../core/errors.ts';
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import { ofJob } from '../find.ts';
import { readStdinBytes } from '../read-stdin.ts';
import { finishRun, waitSpecs } from '../run-job.ts';

/** The payload as base64; undefined where none is given. @throws CubeError `usage` for a file that cannot be read */
async function readPayload(context: Context, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  if (file === '-') {
    if (context.global.tokenFile === '-') throw problem('usage', 'the payload and the token cannot both come from stdin');
    return (await readStdinBytes()).toString('base64');
  }
  try {
    return (await readFile(file)).toString('base64');
  } catch (thrown) {
    throw problem('usage', `--payload: ${unreadableText(file, thrown)}`, { cause: thrown });
  }
}

async function dispatch(context: Context): Promise<number> {
  const { input } = context;
  const name = input.args[0]!;
  input.durationMs('timeout');
  const set = input.pairs('set');
  const payload = await readPayload(context, input.text('payload'));
  const client = await connect(context);
  const job = await ofJob(client, name, client.dispatch(name, { set, payload }));
  return finishRun(context, client, job);
}

/** `cube dispatch`. */
export const command: Command = {
  usage: 'dispatch <job>',
  summary: "begin a run of a parameterized job, print the run's name, and wait until it is completed (exit 1: it failed)",
  note: 'The name is all of stdout, as soon as it is known: `cube logs NAME` and `cube status NAME` are about this run.',
  options: [
    { flags: '--set <key=value>', about: 'a parameter of the job; many' },
    { flags: '--payload <file>', about: 'bytes that its tasks find where the job says (`-` for stdin)' },
    ...waitSpecs,
  ],
  examples: [
    ['cube dispatch encode --set quality=high', 'run it with a parameter, and wait'],
    ['cube dispatch encode --payload - < clip.txt', 'with what comes from stdin'],
    ['cube logs -f "$(cube dispatch -d encode)"', 'and read what it writes'],
  ],
  run: dispatch,
};
