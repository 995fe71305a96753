/** Placing: what the scheduler is shown. What becomes of its plan is in taking.ts. */
import type { Ask, ScoreRequest, TaskGroup } from '../../src/core/placement.ts';
import { noResources } from '../../src/core/resources.ts';
import { holdsNode, type TaskRecord } from '../../src/core/task.ts';
import type { Leader } from './leader.ts';
import { tableOf, tableWithout } from './node-views.ts';
import { unpark } from './parking.ts';
import { strayIn } from './strays.ts';

/** What a task asks for. */
export function askOf(leader: Leader, task: TaskRecord): Ask {
  const job = leader.state.jobs.get(task.job);
  const spec = leader.state.specOf(task);
  const { constraints, affinity, spread, maxPerNode } = spec ?? {};
  return {
    resources: spec?.resources ?? noResources,
    datacenters: job?.spec.datacenters ?? [],
    ports: spec?.ports ?? [],
    ...(job?.spec.onNode === undefined ? {} : { onNode: job.spec.onNode }),
    ...(task.avoid === undefined || task.avoid.length === 0 ? {} : { avoid: task.avoid }),
    ...(constraints === undefined ? {} : { constraints }),
    ...(affinity === undefined ? {} : { affinity }),
    ...(spread === undefined ? {} : { spread }),
    ...(maxPerNode === undefined ? {} : { maxPerNode }),
  };
}

/** Where the tasks of a task's kind are, its own record left out: for those whose place depends on it. */
export function matesOf(leader: Leader, task: TaskRecord, ask: Ask): Readonly<Record<string, number>> | undefined {
  if (ask.maxPerNode === undefined && ask.spread === undefined && leader.deps.policy !== 'spread') return undefined;
  const mates: Record<string, number> = {};
  for (const other of leader.state.tasksOf(task.job)) {
    if (other.task !== task.task || other.id === task.id || other.node === undefined || !holdsNode(other)) continue;
    mates[other.node] = (mates[other.node] ?? 0) + 1;
  }
  return mates;
}

/** The scheduler's view of the cluster, without a batch. @param without a task whose share is left out, as if it were not placed */
export function clusterView(leader: Leader, without?: TaskRecord): Omit<ScoreRequest, 'groups'> {
  const { limits, policy } = leader.deps;
  const { epvmBase, affinityWeight, spreadWeight, reasonsMax } = limits;
  const table = without ? tableWithout(leader, without) : tableOf(leader);
  return { table, policy, epvmBase, affinityWeight, spreadWeight, cursor: leader.cursor, reasonsMax };
}

/** The next batch: pending tasks whose time has come, by priority, then age; those of one kind together. */
export function drawBatch(leader: Leader): ScoreRequest {
  leader.roomChangesDrawn = leader.roomChanges;
  unpark(leader);
  const now = leader.deps.ambient.clock.now();
  const waiting: TaskRecord[] = [];
  for (const id of leader.takesStock ? [] : leader.state.pending) {
    const task = leader.state.tasks.get(id)!;
    if (strayIn(leader, task.slot)) continue;
    if (task.desired === 'running' && !leader.parked.has(id) && (task.placeAfter ?? 0) <= now) waiting.push(task);
  }
  waiting.sort(byTurn(leader));
  const groups: { key: string; group: TaskGroup & { tasks: { id: string; slot: string }[] } }[] = [];
  for (const task of waiting.slice(0, leader.deps.limits.batchTasksMax)) {
    // What they ask for must be the same, the nodes to avoid with it.
    const key = [`${task.job}/${task.task}@${task.version}`, ...(task.avoid ?? []).toSorted()].join(' ');
    const last = groups.at(-1);
    if (last?.key === key) last.group.tasks.push({ id: task.id, slot: task.slot });
    else groups.push({ key, group: { ...kindOf(leader, task), tasks: [{ id: task.id, slot: task.slot }] } });
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
