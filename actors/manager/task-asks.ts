/** What tasks ask of the node they go to, drawn from their jobs. */
import type { Ask } from '../../src/core/placement.ts';
import type { JobSpec, TaskSpec } from '../../src/core/job.ts';
import { noResources } from '../../src/core/resources.ts';
import { holdsNode, type TaskRecord } from '../../src/core/task.ts';
import type { Leader } from './leader.ts';
import { storageAsk } from './volumes.ts';

/** Tasks of one key ask for the same, but for the nodes they had better avoid. */
export function askKey({ state }: Pick<Leader, 'state'>, { job, task, version, boundTo, slot }: TaskRecord): string {
  return [`${job}/${task}@${version}`, boundTo ?? '', state.claims.has(slot) ? slot : ''].join(' ');
}

/** What a task asks for. */
export function askOf(leader: Leader, task: TaskRecord): Ask {
  const job = leader.state.jobs.get(task.job);
  const spec = leader.state.specOf(task);
  const { constraints, affinity, maxPerNode } = spec ?? {};
  const onNode = task.boundTo === undefined ? job?.spec.onNode : (leader.state.nodes.get(task.boundTo)?.name ?? task.boundTo);
  const spread = spreadOf(spec, job?.spec);
  return {
    resources: spec?.resources ?? noResources,
    datacenters: job?.spec.datacenters ?? [],
    ports: spec?.ports ?? [],
    ...(onNode === undefined ? {} : { onNode }),
    ...(task.avoid === undefined || task.avoid.length === 0 ? {} : { avoid: task.avoid }),
    ...(constraints === undefined ? {} : { constraints }),
    ...(affinity === undefined ? {} : { affinity }),
    ...(spread === undefined ? {} : { spread }),
    ...(maxPerNode === undefined ? {} : { maxPerNode }),
    ...storageAsk(leader, task, spec, job),
  };
}

/** What instances are spread over: as their job says, else over the data centers it names, if there are several. */
function spreadOf(task: TaskSpec | undefined, job: JobSpec | undefined): string | undefined {
  return task?.spread ?? (job && job.type !== 'system' && job.datacenters.length > 1 ? 'datacenter' : undefined);
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
