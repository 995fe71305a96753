/** What a user's word means: a job, a task, or a node; and what was probably meant when it is none. */
import { asCubeError, problem } from '../core/errors.ts';
import type { CubeError } from '../core/errors.ts';
import { nearest } from '../core/text.ts';
import type { NodeJson, StatusJson } from '../core/views.ts';
import type { Client } from './connect.ts';
import { currentTasks } from './tasks.ts';

/** What was found, with its status. */
export type Thing =
  | { readonly kind: 'job'; readonly status: StatusJson }
  | { readonly kind: 'task'; readonly status: StatusJson }
  | { readonly kind: 'node'; readonly node: NodeJson; readonly status: StatusJson };

/** The promise's value, or undefined when the answer is that there is no such thing. */
export async function unlessMissing<Value>(promise: Promise<Value>): Promise<Value | undefined> {
  try {
    return await promise;
  } catch (thrown) {
    const error = asCubeError(thrown);
    if (error.code === 'not-found') return undefined;
    throw error;
  }
}

/** Whether a word can be a job's name: a slot has a slash. */
function maybeJob(ref: string): boolean {
  return !ref.includes('/');
}

/** A node by name, id, or the only one whose id starts so. */
function pickNode(nodes: readonly NodeJson[], ref: string): NodeJson | undefined {
  const exact = nodes.find((node) => node.name === ref || node.id === ref);
  const starting = nodes.filter((node) => node.id.startsWith(ref));
  return exact ?? (starting.length === 1 ? starting[0] : undefined);
}

/**
 * Finds a job, else a task, else a node.
 * @throws CubeError `not-found`, with the most similar name there is
 */
export async function findThing(client: Client, ref: string): Promise<Thing> {
  const asJob = maybeJob(ref) ? await unlessMissing(client.status({ job: ref })) : undefined;
  if (asJob) return { kind: 'job', status: asJob };
  const asTask = await unlessMissing(client.status({ task: ref }));
  if (asTask && asTask.tasks.length > 0) return { kind: 'task', status: asTask };
  const nodes = await client.nodes();
  const node = pickNode(nodes, ref);
  const all = await client.status();
  if (!node) throw missing(ref, 'job, task or node', [...namesIn(all), ...nodes.map((one) => one.name)]);
  const tasks = all.tasks.filter((task) => task.nodeId === node.id);
  const jobs = new Set(tasks.map((task) => task.job));
  return { kind: 'node', node, status: { index: all.index, jobs: all.jobs.filter((job) => jobs.has(job.name)), tasks } };
}

const slotsShownMax = 5;

/**
 * The slot of a job's only task, for who named the job where a task is needed; undefined where there is no such job.
 * @throws CubeError `not-found` with the slots there are, where it has several or none
 */
export function onlySlotOf(status: StatusJson, job: string): string | undefined {
  if (!status.jobs.some(({ name }) => name === job)) return undefined;
  const slots = [...new Set(currentTasks(status.tasks.filter((task) => task.job === job)).map((task) => task.slot))];
  if (slots.length === 1) return slots[0];
  if (slots.length === 0) throw problem('not-found', `${job} is a job that has no tasks`, { hint: `see \`cube status ${job}\`` });
  const more = slots.length > slotsShownMax ? `, and ${slots.length - slotsShownMax} more` : '';
  throw problem('not-found', `${job} is a job; name one of its tasks: ${slots.slice(0, slotsShownMax).join(', ')}${more}`, {
    hint: `\`cube status ${job}\` lists them`,
  });
}

/** Names a user may have meant: jobs and slots. */
export function namesIn(status: StatusJson): string[] {
  return [...status.jobs.map((job) => job.name), ...new Set(status.tasks.map((task) => task.slot))];
}

/** The error for a name that is none, with a suggestion. */
export function missing(ref: string, kinds: string, names: readonly string[], hint = '`cube status` lists what there is'): CubeError {
  // The word itself may be the name of another kind of thing: to suggest it would help nobody.
  const close = nearest(
    ref,
    names.filter((name) => name !== ref),
  );
  return problem('not-found', `there is no ${kinds} "${ref}"${close ? `; did you mean ${close}?` : ''}`, { hint });
}

/** The same, with the names asked of the manager. */
export async function missingJobOrTask(client: Client, ref: string, kinds = 'job or task'): Promise<CubeError> {
  return missing(ref, kinds, namesIn(await client.status()));
}
