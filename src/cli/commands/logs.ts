/** `cube logs TASK|JOB`: what a task, or all of a job's, wrote. */
import type { LogLineJson } from '../../core/views.ts';
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import type { Client } from '../connect.ts';
import { missingJobOrTask, unlessMissing } from '../find.ts';
import type { Tone } from '../table.ts';
import { parseSince } from '../time.ts';

const prefixTones: readonly Tone[] = ['one', 'two', 'three', 'good', 'busy'];

/** Gives each slot its colour, in the order in which they speak. */
function prefixer(context: Context): (slot: string) => string {
  const tones = new Map<string, Tone>();
  return (slot) => {
    const tone = tones.get(slot) ?? prefixTones[tones.size % prefixTones.length]!;
    tones.set(slot, tone);
    return context.output.paint(`${slot} |`, tone);
  };
}

/** Prints a piece of output; with many tasks each line says whose it is. */
function printer(context: Context, many: boolean): (line: LogLineJson) => void {
  const { output } = context;
  const prefix = prefixer(context);
  return (line) => {
    if (output.json) return output.record(line);
    for (const text of line.text.replace(/\r?\n$/, '').split('\n')) output.line(many ? `${prefix(line.slot)} ${text}` : text);
  };
}

/** Whether the word names a job; a task otherwise. */
async function isJob(client: Client, ref: string): Promise<boolean> {
  if (!ref.includes('/') && (await unlessMissing(client.status({ job: ref })))) return true;
  if (await unlessMissing(client.status({ task: ref }))) return false;
  throw await missingJobOrTask(client, ref);
}

async function logs(context: Context): Promise<number> {
  const { input } = context;
  const ref = input.args[0]!;
  const tail = input.number('tail');
  const sinceText = input.text('since');
  const since = sinceText === undefined ? undefined : new Date(parseSince(sinceText, Date.now())).toISOString();
  const client = await connect(context);
  const job = await isJob(client, ref);
  const print = printer(context, job);
  const request = { follow: input.flag('follow'), ...(tail === undefined ? {} : { tail }), ...(since === undefined ? {} : { since }) };
  for await (const line of client.logs(job ? { job: ref } : { task: ref }, request)) print(line);
  return 0;
}

/** `cube logs`. */
export const command: Command = {
  usage: 'logs <ref>',
  summary: "a task's output, or that of all tasks of a job; also after the container is gone",
  options: [
    { flags: '-f, --follow', about: 'go on with what is still to come' },
    { flags: '-n, --tail <n>', about: 'only the last lines' },
    { flags: '--since <when>', about: 'only what is newer: 5m, or 2026-01-31T12:00:00Z' },
  ],
  examples: [
    ['cube logs shop/web.1', 'one task'],
    ['cube logs -f --tail 10 shop', 'all tasks of a job, and on'],
    ['cube logs shop -o json', 'a JSON document a line'],
  ],
  run: logs,
};
