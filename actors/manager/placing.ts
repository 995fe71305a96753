/** Placing: what the scheduler is shown. What becomes of its plan is in taking.ts. */
import type { ScoreRequest, TaskGroup } from '../../src/core/placement.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import type { Leader } from './leader.ts';
import { tableOf, tableWithout } from './node-views.ts';
import { unpark } from './parking.ts';
import { strayIn } from './strays.ts';
import { askKey, askOf, matesOf } from './task-asks.ts';

/** The scheduler's view of the cluster, without a batch. @param without a task whose share is left out, as if it were not placed */
export function clusterView(leader: Leader, without?: TaskRecord): Omit<ScoreRequest, 'groups'> {
  const { limits, policy } = leader.deps;
  const { epvmBase, affinityWeight, spreadWeight, reasonsMax } = limits;
  const table = without ? tableWithout(leader, without) : tableOf(leader);
  return { table, policy, epvmBase, affinityWeight, spreadWeight, cursor: leader.cursor, reasonsMax };
}

/** The next batch: pending tasks whose time has come, by priority, then age; those of one kind together. */
export function drawBatch(leader: Leader): ScoreRequest {
  leader.changesDrawn = leader.changes;
  unpark(leader);
  const now = leader.deps.ambient.clock.now();
  const waiting: TaskRecord[] = [];
  for (const id of leader.takesStock ? [] : leader.state.pending) {
    const task = leader.state.tasks.get(id)!;
    if (strayIn(leader, task.slot)) continue;
    if (task.desired === 'running' && !leader.parked.has(id) && (task.placeAfter ?? 0) <= now) waiting.push(task);
  }
  waiting.sort(byTurn(leader));
  const batchTasksMax = Math.max(1, leader.deps.limits.batchTasksMax);
  // The others come with the next batch, when this one's plan is taken.
  if (waiting.length > batchTasksMax) leader.awaitPlace(waiting[batchTasksMax]!);
  const groups: { key: string; group: TaskGroup & { tasks: { id: string; slot: string }[] } }[] = [];
  for (const task of waiting.slice(0, batchTasksMax)) {
    // What they ask for must be the same, the nodes to avoid with it.
    const key = [askKey(leader, task), ...(task.avoid ?? []).toSorted()].join(' ');
    const last = groups.at(-1);
    if (last?.key === key) last.group.tasks.push({ id: task.id, slot: task.slot });
    else
      groups.push({ key, group: { ...kindOf(leader, task), kind: `${task.job}/${task.task}`, tasks: [{ id: task.id, slot: task.slot }] } });
  }
  return { ...clusterView(leader), groups: groups.map(({ group }) => group) };
}

/** Higher priority first, of equal ones those that may not be preempted, then by age. */
export function byTurn({ state }: Pick<Leader, 'state'>): (a: TaskRecord, b: TaskRecord) => number {
  const priority = (task: TaskRecord): number => state.jobs.get(task.job)?.spec.priority ?? 0;
  const yields = (task: TaskRecord): number => (state.jobs.get(task.job)?.spec.preemptible ? 1 : 0);
  return (a, b) => priority(b) - priority(a) || yields(a) - yields(b) || a.createdAt - b.createdAt || a.index - b.index;
}

function kindOf(leader: Leader, task: TaskRecord): Pick<TaskGroup, 'ask' | 'mates'> {
  const ask = askOf(leader, task);
  const mates = matesOf(leader, task, ask);
  return { ask, ...(mates === undefined ? {} : { mates }) };
}
