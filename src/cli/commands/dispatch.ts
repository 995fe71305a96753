/** `cube dispatch JOB --set k=v`: a run of a parameterized job. */
import { readFile } from 'node:fs/promises';
import { asCubeError, problem, unreadableText } from '../../core/errors.ts';
import type { JobJson } from '../../core/views.ts';
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import type { Client } from '../connect.ts';
import { ofJob, unlessMissing } from '../find.ts';
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

/** Begins a run. @throws CubeError of the manager; of a periodic job, which `cube start` would not run either, with another hint */
async function beginRun(client: Client, name: string, request: Parameters<Client['dispatch']>[1]): Promise<JobJson> {
  try {
    return await ofJob(client, name, client.dispatch(name, request));
  } catch (thrown) {
    const error = asCubeError(thrown);
    const job = error.code === 'conflict' ? (await unlessMissing(client.status({ job: name })))?.jobs[0] : undefined;
    if (job?.type !== 'periodic') throw error;
    const next = job.nextTick === null ? 'it has no next run' : `the next run of it is at ${job.nextTick}`;
    throw problem(error.code, error.message, {
      hint: `its schedule runs it, and ${next}; to run it on demand, submit its tasks as \`type: parameterized\` under another name`,
      cause: thrown,
    });
  }
}

async function dispatch(context: Context): Promise<number> {
  const { input } = context;
  const name = input.args[0]!;
  input.durationMs('timeout');
  const set = input.pairs('set');
  const payload = await readPayload(context, input.text('payload'));
  const client = await connect(context);
  const job = await beginRun(client, name, { set, payload });
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
