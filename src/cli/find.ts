/** What a user's word means: a job, a task, or a node; and what was probably meant when it is none. */
import { asCubeError, problem } from '../core/errors.ts';
import type { CubeError } from '../core/errors.ts';
import { shortId } from '../core/ids.ts';
import { nearest } from '../core/text.ts';
import type { NodeJson, StatusJson } from '../core/views.ts';
import type { Client } from './connect.ts';
import { bySlot, currentTasks } from './tasks.ts';

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
  if (!node) throw missingIn(ref, 'job, task or node', all, nodes);
  const tasks = all.tasks.filter((task) => task.nodeId === node.id);
  const jobs = new Set(tasks.map((task) => task.job));
  return { kind: 'node', node, status: { index: all.index, jobs: all.jobs.filter((job) => jobs.has(job.name)), tasks } };
}

const tasksShownMax = 5;

/**
 * The slot of a job's only task, for who named the job where a task is needed; undefined where there is no such job.
 * @throws CubeError `conflict` with the slots there are, where it has several; `not-found` where it has none
 */
export function onlySlotOf(status: StatusJson, job: string): string | undefined {
  if (!status.jobs.some(({ name }) => name === job)) return undefined;
  const slots = [...new Set(currentTasks(status.tasks.filter((task) => task.job === job)).map((task) => task.slot))];
  if (slots.length === 1) return slots[0];
  if (slots.length === 0) throw problem('not-found', `${job} is a job that has no tasks`, { hint: `see \`cube status ${job}\`` });
  throw problem('conflict', `${job} is a job; name one of its tasks: ${firstOf(slots)}`, {
    hint: `\`cube status ${job}\` lists them`,
  });
}

function firstOf(words: readonly string[]): string {
  const more = words.length > tasksShownMax ? `, and ${words.length - tasksShownMax} more` : '';
  return `${words.slice(0, tasksShownMax).join(', ')}${more}`;
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

/** The same for a word that may have been meant for a task: one that begins an id all the same was too short to be taken for it. */
export function missingIn(ref: string, kinds: string, status: StatusJson, nodes: readonly NodeJson[] = []): CubeError {
  const begun = ref === '' || !kinds.includes('task') ? [] : status.tasks.filter((task) => task.id.startsWith(ref));
  if (begun.length === 0) return missing(ref, kinds, [...namesIn(status), ...nodes.map((node) => node.name)]);
  const words = begun.toSorted(bySlot).map((task) => `${shortId(task.id)} (${task.slot})`);
  return problem('not-found', `there is no ${kinds} "${ref}", and as the beginning of an id it is too short: give more of it`, {
    hint: `${begun.length === 1 ? 'this one begins' : 'these begin'} so: ${firstOf(words)}`,
  });
}

/** The same, with what there is asked of the manager. */
export async function missingJobOrTask(client: Client, ref: string, kinds = 'job or task'): Promise<CubeError> {
  return missingIn(ref, kinds, await client.status());
}

/**
 * What was asked of a job.
 * @throws CubeError `not-found` with the most similar name where there is no such job; what the manager says of one that there is
 */
export async function ofJob<Value>(client: Client, name: string, asked: Promise<Value>): Promise<Value> {
  try {
    return await asked;
  } catch (thrown) {
    const error = asCubeError(thrown);
    if (error.code !== 'not-found') throw error;
    const names = (await client.status()).jobs.map((job) => job.name);
    throw names.includes(name) ? error : missing(name, 'job', names);
  }
}
