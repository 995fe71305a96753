/** Slots: the stable identities of a job's instances, and which task record stands for each. */
import { isWell } from './health.ts';
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
  /** Whether a live record is what the job wants now: of this version, and where it may be. */
  readonly fits: (task: TaskRecord) => boolean;
  /** The newest final record of the job's current run. */
  readonly ended: TaskRecord | undefined;
  /** The record that stands for the slot: the one that completed it, else a live one in reach, else the newest there is. */
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
  records.sort((a, b) => a.run - b.run || a.createdAt - b.createdAt || a.version - b.version);
  const live = records.filter((task) => !isFinal(task));
  const counts = (task: TaskRecord): boolean => task.run >= (task.state === 'completed' ? job.completedFrom : job.run);
  const ended = records.findLast((task) => isFinal(task) && counts(task));
  const specHash = job.hashes[slot.task]!;
  const fits = (task: TaskRecord): boolean => task.specHash === specHash && mayStay(job, task);
  const found = { ...slot, specHash, live, fits, ended };
  return { ...found, shown: isDone(found) ? ended : standingFor(found) };
}

/** Whether a task is where its job may be; one without a place may. */
function mayStay({ spec }: JobRecord, task: TaskRecord): boolean {
  const { datacenters, onNode } = spec;
  if (task.dc !== undefined && datacenters.length > 0 && !datacenters.includes(task.dc)) return false;
  return onNode === undefined || task.nodeName === undefined || task.nodeName === onNode;
}

function standingFor({ fits, live, ended }: Omit<Slot, 'shown'>): TaskRecord | undefined {
  const reachable = live.filter(isReachable);
  const best = reachable.findLast(fits) ?? reachable.at(-1);
  if (best) return best;
  const unreachable = live.at(-1);
  return unreachable && ended && ended.createdAt > unreachable.createdAt ? ended : (unreachable ?? ended);
}

/** Whether a record's node can be heard. */
export function isReachable(task: TaskRecord): boolean {
  return task.state !== 'unreachable';
}

/** Whether a slot's work is done: whatever of it lives beside the record that completed is one too many. */
export function isDone({ ended, specHash }: Pick<Slot, 'ended' | 'specHash'>): boolean {
  return ended?.state === 'completed' && ended.specHash === specHash;
}

/** Whether a slot's wanted version ended, and will not run again by itself; an earlier version may still do. */
export function isStuck({ ended, specHash, spec, live, fits }: Slot, job: JobRecord): boolean {
  if (ended === undefined || ended.specHash !== specHash) return false;
  if (live.some((task) => isReachable(task) && fits(task))) return false;
  if (ended.state === 'rejected') return true;
  return ended.state === 'failed' && (job.spec.type === 'batch' || spec.restart.on === 'never');
}

/** Whether an ended record means that its slot will not run again by itself, and nothing of it does now. */
export function isSpent(slot: Slot, job: JobRecord): boolean {
  return isDone(slot) || (isStuck(slot, job) && !slot.live.some(isReachable));
}

/** Counts over the slots a job wants; each counts once, by the record that stands for it. */
export function countSlots(slots: readonly Slot[]): JobCounts {
  const counts = { desired: slots.length, running: 0, healthy: 0, failed: 0, completed: 0 };
  for (const { shown, spec, fits } of slots) {
    if (shown?.state === 'running') {
      counts.running++;
      if (isWell(shown, fits(shown) ? spec.health : undefined)) counts.healthy++;
    } else if (shown?.state === 'completed') counts.completed++;
    else if (shown?.state === 'failed' || shown?.state === 'rejected') counts.failed++;
  }
  return counts;
}
