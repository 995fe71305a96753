/** Holding a plan against what became of the submit that followed it. */
import type { JobPlan, PlannedChange } from '../../src/core/job-plan.ts';
import { isFinal, type TaskRecord } from '../../src/core/task.ts';

/** A job's records at one moment, by slot: those that are not final, oldest first, and those that completed. */
function liveBySlot(tasks: readonly TaskRecord[]): Map<string, TaskRecord[]> {
  const slots = new Map<string, TaskRecord[]>();
  for (const task of tasks.toSorted((a, b) => a.createdAt - b.createdAt)) {
    if (isFinal(task) && task.state !== 'completed') continue;
    slots.set(task.slot, [...(slots.get(task.slot) ?? []), task]);
  }
  return slots;
}

/**
 * What a plan promised and did not come true, in sentences.
 * @param before the job's records when the plan was made
 * @param after the same when the cluster has come to rest after the submit
 */
export function brokenPromises(plan: JobPlan, before: readonly TaskRecord[], after: readonly TaskRecord[]): string[] {
  const [was, is] = [liveBySlot(before), liveBySlot(after)];
  // Who waits for room that others leave gets what the first of them leaves: which that is a plan cannot know.
  const isSure = plan.changes.every(({ waits }) => waits !== true);
  const planned = new Set(plan.changes.map(({ slot }) => slot));
  const unnamed = [...was.keys(), ...is.keys()].filter((slot) => !planned.has(slot));
  return [
    ...unnamed.map((slot) => `${slot} is not in the plan`),
    ...plan.changes.flatMap((change) => {
      const wrong = broken(change, was.get(change.slot) ?? [], is.get(change.slot) ?? [], isSure);
      return wrong === undefined ? [] : [`${JSON.stringify(change)}, but ${wrong}`];
    }),
  ];
}

function broken(
  { action, node, from, waits }: PlannedChange,
  was: readonly TaskRecord[],
  is: readonly TaskRecord[],
  isSure: boolean,
): string | undefined {
  const [old, now] = [was.at(-1), is.at(-1)];
  const where = now?.nodeName ?? null;
  if (action === 'stop') return is.length === 0 && was.length > 0 ? undefined : `it is ${now?.state ?? 'nothing'}`;
  // It may wait for longer than was looked.
  if (now === undefined) return waits || (action === 'keep' && old === undefined) ? undefined : 'nothing is there';
  if (action === 'keep')
    return now.id === old?.id && (where === node || !isSure) ? undefined : `it is ${now.id} on ${where}, was ${old?.id}`;
  if (action === 'place' && was.some((task) => !isFinal(task) && task.desired === 'running')) return 'there was one';
  if (action === 'update' && !was.some((task) => (task.nodeName ?? null) === from)) return `the old one was on ${old?.nodeName}`;
  if (!isSure) return undefined;
  if (node === null) return now.state === 'pending' || now.id === old?.id ? undefined : `it is on ${where}`;
  if (now.id === old?.id) return 'it is the old one still';
  if (is.length > 1) return 'two are there';
  return where === node ? undefined : `it is on ${where}`;
}
