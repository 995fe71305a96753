/** Seats: which nodes are to have the tasks of a system job. */
import { attributeOf, attributesOf, meets } from './constraint.ts';
import type { JobSpec, Seat } from './job.ts';
import type { NodeRecord } from './node.ts';

/**
 * The seats of a system job: one for each node that matches. A node keeps its seat while it matches, whatever its state; one that
 * may not get new tasks gets none. Free indexes are given again, lowest first.
 */
export function seatsOf(
  spec: JobSpec,
  nodes: Iterable<NodeRecord>,
  known: Readonly<Record<string, Seat>> = {},
): Readonly<Record<string, Seat>> {
  const matching = [...nodes].flatMap((node) => {
    const tasks = tasksFor(spec, node);
    return tasks.length > 0 && (node.eligible || known[node.id] !== undefined) ? [{ id: node.id, tasks, joinedAt: node.joinedAt }] : [];
  });
  const taken = new Set(matching.flatMap(({ id }) => known[id]?.index ?? []));
  let next = 1;
  const indexFor = (id: string): number => {
    const kept = known[id]?.index;
    if (kept !== undefined) return kept;
    while (taken.has(next)) next++;
    taken.add(next);
    return next;
  };
  const ordered = matching.toSorted((a, b) => a.joinedAt - b.joinedAt || (a.id < b.id ? -1 : 1));
  return Object.fromEntries(ordered.map(({ id, tasks }) => [id, { index: indexFor(id), tasks }]));
}

/** Whether a node has the seat that it is to have, or none. @param node undefined for one that is gone */
export function isSeatedRight(spec: JobSpec, node: NodeRecord | undefined, seat: Seat | undefined): boolean {
  const wanted = node !== undefined && (node.eligible || seat !== undefined) ? tasksFor(spec, node) : [];
  return wanted.join() === (seat?.tasks ?? []).join();
}

/** Names of the tasks that a node is to have. */
function tasksFor({ datacenters, tasks }: JobSpec, node: NodeRecord): readonly string[] {
  if (datacenters.length > 0 && !datacenters.includes(node.dc)) return [];
  const attributes = attributesOf(node);
  return Object.entries(tasks)
    .filter(([, { constraints = [] }]) => constraints.every((one) => meets(one, attributeOf(attributes, one.attribute))))
    .map(([name]) => name);
}

/** Whether two lists of seats are the same. */
export function sameSeats(a: Readonly<Record<string, Seat>> = {}, b: Readonly<Record<string, Seat>> = {}): boolean {
  const ids = Object.keys(a);
  if (ids.length !== Object.keys(b).length) return false;
  return ids.every((id) => b[id] !== undefined && b[id].index === a[id]!.index && b[id].tasks.join() === a[id]!.tasks.join());
}
