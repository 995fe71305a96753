/**
 * Parked tasks: those for which no node had room. They are tried again when something changed that may matter to them, and not before:
 * a task that ends lets those have another try which its node could take now.
 */
import type { TaskRecord } from '../../src/core/task.ts';
import { recheck } from '../../src/scheduling/recheck.ts';
import type { Leader } from './leader.ts';
import { nodeView } from './node-views.ts';
import { askKey, askOf, matesOf } from './task-asks.ts';

/** Lets the parked tasks have another try which a node with more room than before could take. */
export function unpark(leader: Leader): void {
  const { parked, roomierNodes, state } = leader;
  const nodes = [...roomierNodes].flatMap((id) => state.nodes.get(id) ?? []);
  roomierNodes.clear();
  if (parked.size === 0 || nodes.length === 0) return;
  const kinds = kindsOf(leader);
  // More than can be looked at in a turn: a try for all of them is cheaper.
  if (kinds.size * nodes.length > leader.deps.limits.unparkLooksMax) return parked.clear();
  const views = nodes.map((node) => nodeView(leader, node));
  for (const tasks of kinds.values()) {
    const ask = askOf(leader, tasks[0]!);
    const mates = matesOf(leader, tasks[0]!, ask) ?? {};
    if (views.every((view) => recheck(view, ask, [], mates[view.id]) !== undefined)) continue;
    for (const { id } of tasks) parked.delete(id);
  }
}

/** Parked tasks that ask for the same. */
function kindsOf(leader: Leader): Map<string, TaskRecord[]> {
  const { parked, state } = leader;
  const kinds = new Map<string, TaskRecord[]>();
  for (const id of parked) {
    const task = state.tasks.get(id);
    if (task === undefined) {
      parked.delete(id);
      continue;
    }
    const key = askKey(leader, task);
    const kind = kinds.get(key);
    if (kind) kind.push(task);
    else kinds.set(key, [task]);
  }
  return kinds;
}
