/** What a job's tasks say of it as a whole: the event its machine (machines/job.ts) is to be told, and why. */
import type { JobRecord } from './job.ts';
import { isSpent, type Slot } from './slots.ts';
import type { TaskRecord } from './task.ts';

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
  const runs = slots.filter(isUp).length;
  const spent = slots.filter((slot) => isSpent(slot, job));
  const bad = spent.filter(({ ended }) => ended!.state !== 'completed');
  const completed = spent.length - bad.length;
  const reason = reasonOf(bad[0]?.ended ?? slots.find(({ shown }) => shown?.reason !== undefined && shown.state !== 'running')?.shown);

  if (slots.length > 0 && completed === slots.length) return { event: 'tasks.completed' };
  if (bad.length > 0 && spent.length === slots.length) return { event: 'tasks.failed', reason };
  if (runs + completed === slots.length) return { event: 'tasks.healthy' };
  if (bad.length > 0 && runs + spent.length === slots.length) return { event: 'tasks.short', reason };
  const idle = slots.every((slot) => slot.shown === undefined || slot.shown.state === 'pending' || isSpent(slot, job));
  return { event: idle ? 'tasks.waiting' : 'tasks.placed', reason };
}

/** Whether a slot runs as its job wants it now, and the record it may have replaced is gone. */
function isUp(slot: Slot): boolean {
  const { shown } = slot;
  return shown?.state === 'running' && shown.health !== 'unhealthy' && shown.specHash === slot.specHash;
}

function reasonOf(task: TaskRecord | undefined): string | undefined {
  if (task === undefined) return undefined;
  const why = task.reason ?? (task.exitCode === undefined ? 'no reason is known' : `exit code ${task.exitCode}`);
  return `${task.slot} is ${task.state}: ${why}`;
}
