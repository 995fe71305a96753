/** What a job's tasks say of it as a whole: the event its machine (machines/job.ts) is to be told, and why. */
import { Dependencies } from './dependencies.ts';
import { formatDuration } from './duration.ts';
import { runKind, type JobRecord } from './job.ts';
import { isDone, isSpent, isStuck, type Slot } from './slots.ts';
import type { TaskRecord } from './task.ts';
import { isDormant } from './ticks.ts';

/** What a job's machine is to be told, and why. */
export interface JobSignal {
  readonly event:
    | 'tasks.waiting'
    | 'tasks.placed'
    | 'tasks.healthy'
    | 'tasks.short'
    | 'tasks.completed'
    | 'tasks.failed'
    | 'tasks.gone'
    | undefined;
  /** For people; absent when all is well. */
  readonly reason?: string;
}

/** Draws a job's signal from its slots and from the live records that belong to none. */
export function jobSignal(job: JobRecord, slots: readonly Slot[], extra: readonly TaskRecord[]): JobSignal {
  if (job.stopWanted) {
    const gone = extra.length === 0 && slots.every((slot) => slot.live.length === 0);
    return { event: gone ? 'tasks.gone' : undefined };
  }
  if (job.expired) {
    const reason = `it took longer than its deadline of ${formatDuration(job.spec.deadlineMs ?? 0)}`;
    return {
      event: slots.some((slot) => slot.live.length > 0) ? 'tasks.placed' : 'tasks.failed',
      reason,
    };
  }
  if (isDormant(job)) return { event: slots.some((slot) => slot.live.length > 0) ? 'tasks.placed' : 'tasks.waiting' };
  const completed = slots.filter(isDone).length;
  const others = slots.filter((slot) => !slot.isUpAsWanted && !isDone(slot));
  const dependencies = new Dependencies(job, slots);
  const isOver = (slot: Slot): boolean => isSpent(slot, job) || dependencies.isHopeless(slot);
  const stuck = others.filter((slot) => isStuck(slot, job));
  const troubled = stuck[0]?.ended ?? others.find(({ isTroubled }) => isTroubled)?.shown;
  const reason = reasonOf(troubled) ?? firstWait(others, dependencies);

  if (completed === slots.length && (slots.length > 0 || runKind(job.spec.type) === 'batch')) return { event: 'tasks.completed' };
  if (stuck.length > 0 && slots.every(isOver)) return { event: 'tasks.failed', reason };
  if (others.length === 0) return { event: 'tasks.healthy' };
  // An update halts at what is stuck: the slots that still run the earlier version will not get the new one by themselves.
  if (stuck.length > 0 && others.every((slot) => stuck.includes(slot) || runsEarlier(slot) || dependencies.isHopeless(slot)))
    return { event: 'tasks.short', reason };
  // What its deployment has given up goes on being tried: the job is not on its way any more.
  if (job.deployment?.state === 'failed') return { event: 'tasks.short', reason: reason ?? job.deployment.reason };
  const idle = slots.every((slot) => slot.isIdle || isOver(slot));
  return { event: idle ? 'tasks.waiting' : 'tasks.placed', reason };
}

function firstWait(slots: readonly Slot[], dependencies: Dependencies): string | undefined {
  for (const slot of slots) {
    const text = slot.spec.dependsOn && dependencies.waitOf(slot);
    if (text !== undefined) return text;
  }
  return undefined;
}

function runsEarlier({ shown, fits }: Slot): boolean {
  return shown?.state === 'running' && shown.desired === 'running' && !fits(shown);
}

function reasonOf(task: TaskRecord | undefined): string | undefined {
  if (task === undefined) return undefined;
  const why = task.reason ?? (task.exitCode === undefined ? 'no reason is known' : `exit code ${task.exitCode}`);
  return `${task.slot} is ${task.health === 'unhealthy' ? task.health : task.state}: ${why}`;
}
