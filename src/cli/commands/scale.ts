/** `cube scale JOB/TASK=N...`: other numbers of instances. All is checked before anything is asked for. */
import { problem } from '../../core/errors.ts';
import type { JobSpec } from '../../core/job.ts';
import { listed, nearest } from '../../core/text.ts';
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import type { Client } from '../connect.ts';
import { ofJob } from '../find.ts';
import { finishJobs, waitSpecs } from '../run-job.ts';
import type { Accepted } from '../run-job.ts';
import { statusOrNothing } from '../wait.ts';

/** What one argument asks for; without a task, of the only one its job has. */
interface Target {
  readonly text: string;
  readonly job: string;
  readonly task: string | undefined;
  readonly count: number;
}

/** Reads `shop/web=5`, or `shop=5`. @throws CubeError `usage` */
export function readTarget(text: string): Target {
  const [, job, task, amount = ''] = /^([^/=]+)(?:\/([^/=]+))?=(.*)$/s.exec(text) ?? [];
  if (job === undefined) throw problem('usage', `cube scale takes JOB/TASK=N, like shop/web=5, not "${text}"`);
  const count = /^\d+$/.test(amount) ? Number(amount) : Number.NaN;
  if (!Number.isSafeInteger(count)) throw problem('usage', `${text}: a count is a whole number of 0 or more, not "${amount}"`);
  return { text, job, task, count };
}

/** The name of the task that is meant. @throws CubeError `usage`, `not-found` */
function taskOf({ text, job, task, count }: Target, spec: JobSpec): string {
  const names = Object.keys(spec.tasks);
  if (spec.type === 'system') throw problem('usage', `${text}: ${job} is a system job, which has one instance a node`);
  if (task === undefined) {
    if (names.length === 1) return names[0]!;
    const each = names.map((name) => `${job}/${name}=${count}`);
    throw problem('usage', `${text}: ${job} has the tasks ${listed(names)}; name the one that is meant`, { hint: listed(each, 'or') });
  }
  if (names.includes(task)) return task;
  const close = nearest(task, names);
  throw problem('not-found', `${text}: ${job} has no task "${task}"${close ? `; did you mean ${job}/${close}?` : ''}`, {
    hint: `it has ${listed(names)}`,
  });
}

/** The counts asked for of one job. */
async function countsOf(client: Client, job: string, targets: readonly Target[]): Promise<Readonly<Record<string, number>>> {
  const versions = await ofJob(client, job, client.history(job));
  const spec = versions.find(({ isCurrent }) => isCurrent)?.spec;
  if (spec === undefined)
    throw problem('not-found', `nothing is known of the current version of ${job}`, { hint: `see \`cube history ${job}\`` });
  const counts = new Map<string, number>();
  for (const target of targets) {
    const task = taskOf(target, spec);
    if (counts.has(task)) throw problem('usage', `${job}/${task} was given twice`);
    counts.set(task, target.count);
  }
  return Object.fromEntries(counts);
}

async function scale(context: Context): Promise<number> {
  const { input, output } = context;
  input.durationMs('timeout');
  const checkIndex = input.number('check-index');
  const targets = input.args.map(readTarget);
  const names = [...new Set(targets.map(({ job }) => job))];
  if (names.length === 0) throw problem('usage', 'cube scale needs what to scale, like shop/web=5');
  if (checkIndex !== undefined && names.length > 1) throw problem('usage', '--check-index is for one job');
  const client = await connect(context);
  const wanted = new Map<string, Readonly<Record<string, number>>>();
  for (const name of names) {
    const mine = targets.filter(({ job }) => job === name);
    wanted.set(name, await countsOf(client, name, mine));
  }
  const accepted: Accepted[] = [];
  for (const [name, counts] of wanted) {
    const before = await statusOrNothing(client, name);
    try {
      accepted.push({ ...(await client.scale(name, counts, { checkIndex })), before });
    } catch (thrown) {
      if (accepted.length > 0) output.note(`${listed(accepted.map(({ job }) => job.name))} is scaled already`);
      throw thrown;
    }
  }
  return finishJobs(context, client, accepted);
}

/** `cube scale`. */
export const command: Command = {
  usage: 'scale <...targets>',
  summary: 'other numbers of instances, and wait until they are healthy; instances that stay are not restarted',
  note: 'It makes a new version of the job, like a submit; the next submit of its file wants what the file says.',
  options: [...waitSpecs, { flags: '--check-index <n>', about: 'refuse (exit 5) unless the job stands at this index' }],
  examples: [
    ['cube scale shop/web=5', 'five instances of the task web'],
    ['cube scale shop/web=5 shop/worker=2', 'several tasks at once'],
    ['cube scale shop=0', 'of a job with one task; none is left'],
  ],
  run: scale,
};
