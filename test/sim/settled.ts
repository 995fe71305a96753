/** What a healthy cluster comes to: everything wanted runs or has completed, and nothing else does. */
import { isWell } from '../../src/core/health.ts';
import type { JobRecord } from '../../src/core/job.ts';
import type { NodeRecord } from '../../src/core/node.ts';
import { slotsOf, type Slot } from '../../src/core/slots.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import type { Problems, RunningContainer } from './checkers.ts';

/** A cluster as it is: the manager's records, and what the engines have. */
export interface ClusterLook {
  readonly jobs: ReadonlyMap<string, JobRecord>;
  readonly tasks: ReadonlyMap<string, TaskRecord>;
  readonly nodes: ReadonlyMap<string, NodeRecord>;
  readonly running: readonly RunningContainer[];
  /** Ids of the tasks of all containers, ended ones too. */
  readonly kept: readonly string[];
  readonly fate: (slot: Slot) => Fate;
}

/** What becomes of a slot in the end. `ends`: it completes or fails, depending on what was done to it. */
export type Fate = 'runs' | 'completes' | 'ends' | 'fails';

const ends: Readonly<Record<Exclude<Fate, 'runs' | 'fails'>, readonly (string | undefined)[]>> = {
  completes: ['completed'],
  ends: ['completed', 'failed'],
};

/** The states of a job whose slots have these fates. */
function statusesOf(fates: ReadonlySet<Fate>): readonly string[] {
  if (fates.has('fails')) return ['failed', 'degraded'];
  if (fates.has('runs') || fates.size === 0) return ['running'];
  return fates.has('ends') ? ['completed', 'failed'] : ['completed'];
}

/** What is still to come, in sentences; empty when the cluster has settled. */
export function unsettled(look: ClusterLook): Problems {
  const problems: string[] = [];
  const { jobs, tasks, nodes, running, kept } = look;
  for (const node of nodes.values()) if (node.state !== 'ready') problems.push(`node ${node.name} is ${node.state}`);
  for (const task of tasks.values()) {
    if (task.state === 'unreachable') problems.push(`${task.slot} has an unreachable record ${task.id}`);
    if (!jobs.has(task.job)) problems.push(`the record ${task.id} is of no job`);
  }
  for (const taskId of kept) if (!tasks.has(taskId)) problems.push(`a container of ${taskId} is left, and there is no such record`);
  const byTask = new Map(running.map((container) => [container.taskId, container]));
  const wanted = new Set<string>();
  for (const job of jobs.values()) problems.push(...ofJob(job, look, byTask, wanted));
  for (const { taskId, name, host } of running) if (!wanted.has(taskId)) problems.push(`${name} runs on ${host}, and nobody wants it`);
  return problems;
}

function ofJob(
  job: JobRecord,
  { tasks, fate }: ClusterLook,
  running: ReadonlyMap<string, RunningContainer>,
  wanted: Set<string>,
): Problems {
  const problems: string[] = [];
  const { slots } = slotsOf(
    job,
    [...tasks.values()].filter((task) => task.job === job.name),
  );
  if (job.stopWanted) return job.status === 'stopped' ? [] : [`job ${job.name} is to stop and is ${job.status}`];
  for (const slot of slots) problems.push(...ofSlot(slot, fate(slot), running, wanted));
  const status = statusesOf(new Set(slots.map(fate)));
  if (!status.includes(job.status))
    problems.push(`job ${job.name} is ${job.status}, not ${status.join(' or ')} (${job.reason ?? 'no reason'})`);
  return problems;
}

function ofSlot(slot: Slot, fate: Fate, running: ReadonlyMap<string, RunningContainer>, wanted: Set<string>): Problems {
  const { name, shown, live, ended, specHash } = slot;
  const state = shown?.state ?? 'missing';
  if (fate === 'completes' || fate === 'ends') return ends[fate].includes(shown?.state) ? [] : [`${name} is ${state} and is to end`];
  if (fate === 'fails') {
    // A version that cannot run leaves the one before it in place, also where it was not tried because the update halts.
    const old = live.filter((task) => task.specHash !== specHash);
    for (const task of old) wanted.add(task.id);
    const hasFailed = ended?.specHash === specHash && (ended.state === 'failed' || ended.state === 'rejected');
    const isOver = live.length === old.length && (hasFailed ? old.length <= 1 : old.length === 1);
    return isOver ? [] : [`${name} is ${state} and is to fail`];
  }
  if (live.length > 1) return [`${name} has ${live.length} live records`];
  if (shown && !running.has(shown.id)) return [`${name} is ${state} without a container and is to run`];
  if (shown?.state !== 'running' || shown.desired !== 'running' || shown.specHash !== specHash)
    return [`${name} is ${state} and is to run`];
  if (!isWell(shown, slot.spec.health)) return [`${name} is ${shown.health} and is to be well`];
  wanted.add(shown.id);
  return [];
}
