/** What tasks ask of the node they go to, drawn from their jobs. */
import type { Ask } from '../../src/core/placement.ts';
import { noResources } from '../../src/core/resources.ts';
import { holdsNode, type TaskRecord } from '../../src/core/task.ts';
import type { Leader } from './leader.ts';

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
