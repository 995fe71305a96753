/** Slots: the stable identities of a job's instances, and which task record stands for each. */
import { slotName } from './ids.ts';
import type { JobCounts, JobRecord, TaskSpec } from './job.ts';
import { isFinal, type TaskRecord } from './task.ts';

/** One wanted instance of a job, with its records. */
export interface Slot {
  readonly name: string;
  readonly task: string;
  /** Counted from 1. */
  readonly index: number;
  readonly spec: TaskSpec;
  readonly specHash: string;
  /** Records that are not final, oldest first. */
  readonly live: readonly TaskRecord[];
  /** The newest final record, but for failures from before the job was started again. */
  readonly ended: TaskRecord | undefined;
  /** The record that stands for the slot: a live one that is reachable, then any live one, then the one that ended. */
  readonly shown: TaskRecord | undefined;
}

/** All slots that a job's spec asks for, and the live records that belong to none of them. */
export function slotsOf(job: JobRecord, tasks: Iterable<TaskRecord>): { slots: Slot[]; extra: TaskRecord[] } {
  const bySlot = new Map<string, TaskRecord[]>();
  for (const task of tasks) {
    const records = bySlot.get(task.slot);
    if (records) records.push(task);
    else bySlot.set(task.slot, [task]);
  }
  const slots: Slot[] = [];
  for (const [task, spec] of Object.entries(job.spec.tasks)) {
    for (let index = 1; index <= spec.count; index++) {
      const name = slotName(job.name, task, index);
      slots.push(slotFrom(job, { name, task, index, spec }, bySlot.get(name) ?? []));
      bySlot.delete(name);
    }
  }
  const extra = [...bySlot.values()].flat().filter((task) => !isFinal(task));
  return { slots, extra };
}

function slotFrom(job: JobRecord, slot: Pick<Slot, 'name' | 'task' | 'index' | 'spec'>, records: TaskRecord[]): Slot {
  records.sort((a, b) => a.createdAt - b.createdAt || a.version - b.version);
  const live = records.filter((task) => !isFinal(task));
  const ended = records.findLast((task) => isFinal(task) && (task.state === 'completed' || task.createdAt >= job.retriedAt));
  const specHash = job.hashes[slot.task]!;
  const reachable = live.filter((task) => task.state !== 'unreachable');
  const shown = reachable.findLast((task) => task.specHash === specHash) ?? reachable.at(-1) ?? live.at(-1) ?? ended;
  return { ...slot, specHash, live, ended, shown };
}

/** Whether an ended record means that its slot will not run again by itself. */
export function isSpent(slot: Slot, job: JobRecord): boolean {
  const { ended } = slot;
  if (slot.live.length > 0 || ended === undefined || ended.specHash !== slot.specHash) return false;
  if (ended.state === 'completed' || ended.state === 'rejected') return true;
  return ended.state === 'failed' && (job.spec.type === 'batch' || slot.spec.restart.on === 'never');
}

/** Counts over the slots a job wants; each counts once, by the record that stands for it. */
export function countSlots(slots: readonly Slot[]): JobCounts {
  const counts = { desired: slots.length, running: 0, healthy: 0, failed: 0, completed: 0 };
  for (const { shown } of slots) {
    if (shown?.state === 'running') {
      counts.running++;
      if (shown.health !== 'unhealthy') counts.healthy++;
    } else if (shown?.state === 'completed') counts.completed++;
    else if (shown?.state === 'failed' || shown?.state === 'rejected') counts.failed++;
  }
  return counts;
}
