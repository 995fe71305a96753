/** Reads the records that events are about. */
import { CubeError } from '../core/errors.ts';
import type { ClusterEvent } from '../core/events.ts';
import type { Control, StatusView } from '../ports/control.ts';
import { shownDeployments, shownJob, shownNode, shownTask, type ShownRecord } from './records.ts';

/**
 * The records of these events as they are now, by key, and the jobs of the tasks among them; those that are gone are left out. A
 * job of which several tasks moved is read once.
 * @throws CubeError what the manager throws, but `not-found`
 */
export async function readRecords(control: Control, events: readonly ClusterEvent[]): Promise<Map<string, ShownRecord>> {
  const fresh = new Map<string, ShownRecord>();
  const add = (record: ShownRecord): unknown => fresh.set(record.key, record);
  const nodeIds = new Set<string>();
  const taskIds = new Map<string, Set<string>>();
  for (const { machine, id, job = '' } of events) {
    if (machine === 'task') into(taskIds, job).add(id);
    else if (machine === 'job') into(taskIds, id);
    else if (machine === 'deployment') into(taskIds, job);
    else if (machine === 'node') nodeIds.add(id);
  }
  for (const [job, ids] of taskIds) {
    for (const filter of job !== '' && ids.size !== 1 ? [{ job }] : [...ids].map((task) => ({ task }))) {
      const view = await found(control.status(filter));
      for (const one of view?.jobs ?? []) for (const record of [shownJob(one), ...shownDeployments(one)]) add(record);
      for (const task of view?.tasks ?? []) if (ids.has(task.id)) add(shownTask(task));
    }
  }
  if (nodeIds.size > 0) {
    for (const node of await control.nodes()) if (nodeIds.has(node.id)) add(shownNode(node));
  }
  return fresh;
}

/** @returns undefined when there is no such thing any more */
async function found(asked: Promise<StatusView>): Promise<StatusView | undefined> {
  try {
    return await asked;
  } catch (thrown) {
    if (thrown instanceof CubeError && thrown.code === 'not-found') return undefined;
    throw thrown;
  }
}

function into(groups: Map<string, Set<string>>, key: string): Set<string> {
  let group = groups.get(key);
  if (group === undefined) groups.set(key, (group = new Set()));
  return group;
}
