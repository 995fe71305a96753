/** `cube status [JOB|TASK|NODE]`: what there is, once or again whenever it changes. */
import { asCubeError } from '../../core/errors.ts';
import type { EventJson, StatusJson } from '../../core/views.ts';
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import type { Client } from '../connect.ts';
import { findThing } from '../find.ts';
import type { Thing } from '../find.ts';
import { jobLines, newestTask, taskLines, thingLines } from '../status-view.ts';
import type { ViewOptions } from '../status-view.ts';
import { currentTasks } from '../tasks.ts';

/** What is shown: as JSON, as bare names, as lines. */
interface Shown {
  readonly json: unknown;
  readonly names: readonly string[];
  lines(options: ViewOptions): string[];
}

async function taskEvents(client: Client, id: string): Promise<EventJson[]> {
  const events: EventJson[] = [];
  for await (const event of client.events({ task: id })) events.push(event);
  return events;
}

function taskNames(status: StatusJson): string[] {
  return currentTasks(status.tasks).map((task) => task.id);
}

async function lookAtThing(client: Client, ref: string): Promise<Shown> {
  const thing: Thing = await findThing(client, ref);
  const task = thing.kind === 'task' ? newestTask(thing.status) : undefined;
  const events = task ? await taskEvents(client, task.id) : [];
  const more = thing.kind === 'node' ? { node: thing.node } : thing.kind === 'task' ? { events } : {};
  return {
    json: { ...thing.status, ...more },
    names: task ? [task.id] : taskNames(thing.status),
    lines: (options) => thingLines(thing, events, options),
  };
}

async function look(client: Client, ref: string | undefined, onlyJobs: boolean): Promise<Shown> {
  if (ref !== undefined) return lookAtThing(client, ref);
  const status = await client.status();
  return {
    json: status,
    names: onlyJobs ? status.jobs.map((job) => job.name) : taskNames(status),
    lines: (options) => (onlyJobs ? jobLines(status.jobs, options) : taskLines(status, options)),
  };
}

function print(context: Context, shown: Shown, options: ViewOptions): void {
  const { output } = context;
  if (output.json) output.document(shown.json);
  else for (const line of output.quiet ? shown.names : shown.lines(options)) output.line(line);
}

/** Shows it again whenever it changed: drawn over on a terminal, as another block or JSON line elsewhere. */
async function watch(context: Context, client: Client, once: () => Promise<Shown>, options: () => ViewOptions): Promise<never> {
  const { output, limits } = context;
  const { nudges } = await import('../nudges.ts');
  const view = output.liveData();
  let last = '';
  let silentSince: number | undefined;
  for await (const _ of nudges(client, {}, limits, new AbortController().signal)) {
    let shown: Shown;
    try {
      shown = await once();
      silentSince = undefined;
    } catch (thrown) {
      const error = asCubeError(thrown);
      if (!error.row.retryable) throw error;
      if (silentSince === undefined) output.note(`${error.message}; trying on`);
      silentSince ??= performance.now();
      if (performance.now() - silentSince > limits.waitReconnectMs) throw error;
      continue;
    }
    const text = JSON.stringify(shown.json);
    if (view) view.show(output.quiet ? shown.names : shown.lines(options()));
    else if (text !== last) {
      if (output.json) output.record(shown.json);
      else {
        if (last !== '') output.line('');
        print(context, shown, options());
      }
    }
    last = text;
  }
  throw asCubeError('the watch ended by itself');
}

async function showStatus(context: Context): Promise<number> {
  const { input, output } = context;
  const [ref] = input.args;
  const client = await connect(context);
  const once = (): Promise<Shown> => look(client, ref, input.flag('jobs'));
  const options = (): ViewOptions => ({ nowMs: Date.now(), paint: output.paint, all: input.flag('all'), columns: output.columns });
  if (input.flag('watch')) return watch(context, client, once, options);
  print(context, await once(), options());
  return 0;
}

/** `cube status`. */
export const command: Command = {
  usage: 'status [ref]',
  summary: 'what runs where; of one job, task (id, prefix of one, or slot) or node; of a task, its timeline',
  options: [
    { flags: '--jobs', about: 'a line a job instead of a line a task' },
    { flags: '-a, --all', about: 'ended tasks that were replaced, too' },
    { flags: '-w, --watch', about: 'show it again whenever it changes' },
  ],
  examples: [
    ['cube status', 'a line a task'],
    ['cube status shop/web.2', 'one task and its timeline'],
    ["cube status shop -o json | jq -r '.tasks[].state'", 'for scripts'],
  ],
  run: showStatus,
};
