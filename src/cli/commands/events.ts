/** `cube events`: every transition of every machine. */
import type { EventJson } from '../../core/views.ts';
import { shortId } from '../../core/ids.ts';
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import { tame } from '../table.ts';
import { clockTime, parseSince } from '../time.ts';

function sentence(context: Context, event: EventJson): string {
  const { paint } = context.output;
  const id = /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(event.id) ? shortId(event.id) : event.id;
  const job = event.job && event.job !== event.id ? ` (${event.job})` : '';
  const when = paint(clockTime(event.at), 'dim');
  return `${when} ${event.machine} ${id}${job} ${event.from} -> ${paint(event.to, 'strong')} ${event.event}${event.cause ? `: ${tame(event.cause)}` : ''}`;
}

async function events(context: Context): Promise<number> {
  const { input, output } = context;
  const filter: { job?: string; node?: string; task?: string; since?: string } = {};
  for (const name of ['job', 'node', 'task'] as const) {
    const value = input.text(name);
    if (value !== undefined) filter[name] = value;
  }
  const since = input.text('since');
  if (since !== undefined) filter.since = new Date(parseSince(since, Date.now())).toISOString();
  const client = await connect(context);
  for await (const event of client.events({ follow: input.flag('follow'), ...filter })) {
    if (output.json) output.record(event);
    else output.line(sentence(context, event));
  }
  return 0;
}

/** `cube events`. */
export const command: Command = {
  usage: 'events',
  summary: 'every transition: which machine, from, to, why; kept for 72 hours',
  options: [
    { flags: '-f, --follow', about: 'go on with what is still to come' },
    { flags: '--since <when>', about: 'only what is newer: 5m, or 2026-01-31T12:00:00Z' },
    { flags: '--job <name>', about: 'only of this job' },
    { flags: '--node <name>', about: 'only of this node' },
    { flags: '--task <ref>', about: 'only of this task' },
  ],
  examples: [
    ['cube events -f', 'watch the cluster think'],
    ['cube events --since 10m --job shop', 'what happened to a job'],
    ['cube events -o json', 'a JSON document a line'],
  ],
  run: events,
};
