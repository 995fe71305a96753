/** Slots: the stable identities of a job's instances, and which task record stands for each. */
import { isWell } from './health.ts';
import { slotName } from './ids.ts';
import { runKind, type JobCounts, type JobRecord, type TaskSpec } from './job.ts';
import { isFinal, type TaskRecord } from './task.ts';

/** Which wanted instance of a job a slot is. */
interface SlotIdentity {
  readonly name: string;
  readonly task: string;
  /** Counted from 1. */
  readonly index: number;
  /** Its place among the slots of its task, from 1: its index, where no numbers are left out. */
  readonly rank: number;
  readonly spec: TaskSpec;
  /** Id of the only node it may be on: a system job's. */
  readonly boundTo?: string | undefined;
}

/** One wanted instance of a job, with its records. */
export interface Slot extends SlotIdentity {
  readonly specHash: string;
  /** Records that are not final, oldest first. */
  readonly live: readonly TaskRecord[];
  /** Live, wanted and reachable records that are what the job wants now. */
  readonly current: readonly TaskRecord[];
  /** The same that are not: of earlier versions, or where the job may not be any more. */
  readonly outdated: readonly TaskRecord[];
  /** Whether a live record is what the job wants now: of this version, and where it may be. */
  readonly fits: (task: TaskRecord) => boolean;
  /** The newest final record of the job's current run. */
  readonly ended: TaskRecord | undefined;
  /** The record that stands for the slot: the one that completed it, else a live one in reach, else the newest there is. */
  readonly shown: TaskRecord | undefined;
  /** Whether it runs as its job wants it now, is well, and is to go on. Drawn here, once for each change of the slot: jobs are large. */
  readonly isUpAsWanted: boolean;
  /** Whether the record that stands for it has a reason that a user should know, and whether it waits for a place or there is none. */
  readonly isTroubled: boolean;
  readonly isIdle: boolean;
  /** Since when one of the current records has been well, ms since the epoch, and whether that one has a check; undefined while none is. */
  readonly upAt: number | undefined;
  readonly isChecked: boolean;
}

/** All slots that a job's spec asks for, and the live records that belong to none of them. */
export interface SlotList {
  readonly slots: readonly Slot[];
  readonly extra: readonly TaskRecord[];
}

/** A job's slots, drawn from all its records. */
export function slotsOf(job: JobRecord, tasks: Iterable<TaskRecord>): SlotList {
  const bySlot = new Map<string, TaskRecord[]>();
  for (const task of tasks) {
    const records = bySlot.get(task.slot);
    if (records) records.push(task);
    else bySlot.set(task.slot, [task]);
  }
  return new JobSlots(job, bySlot.keys(), (slot) => bySlot.get(slot) ?? []).read();
}

/** A job's slots, kept while its records change: what is read anew are the slots that were touched, however many there are. */
export class JobSlots {
  readonly #job: JobRecord;
  readonly #recordsOf: (slot: string) => Iterable<TaskRecord>;
  readonly #slots: Slot[] = [];
  readonly #places = new Map<string, number>();
  /** Live records of slots that the job does not ask for. */
  readonly #extra = new Map<string, readonly TaskRecord[]>();
  readonly #touched: Set<string>;

  /**
   * @param named slots of which there are records, also such that the job does not ask for
   * @param recordsOf all records of a slot, as they are when the slots are read
   */
  constructor(job: JobRecord, named: Iterable<string>, recordsOf: (slot: string) => Iterable<TaskRecord>) {
    this.#job = job;
    this.#recordsOf = recordsOf;
    for (const identity of identitiesOf(job)) {
      this.#places.set(identity.name, this.#slots.length);
      this.#slots.push(slotFrom(job, identity, []));
    }
    this.#touched = new Set(named);
  }

  /** Notes that a slot's records changed. */
  touch(slot: string): void {
    this.#touched.add(slot);
  }

  /** The slots as they are now. What an earlier read returned is not kept as it was. */
  read(): SlotList {
    for (const name of this.#touched) {
      const place = this.#places.get(name);
      const records = [...this.#recordsOf(name)];
      if (place !== undefined) {
        this.#slots[place] = slotFrom(this.#job, this.#slots[place]!, records);
        continue;
      }
      const live = records.filter((task) => !isFinal(task));
      if (live.length > 0) this.#extra.set(name, live);
      else this.#extra.delete(name);
    }
    this.#touched.clear();
    return { slots: this.#slots, extra: [...this.#extra.values()].flat() };
  }
}

/** The slots that a job asks for: as many as a task counts, of a system job one for each seat, of a parameterized one none. */
function* identitiesOf({ name: job, spec: { type, tasks }, seats = {} }: JobRecord): Generator<SlotIdentity> {
  const seated = Object.entries(seats).toSorted(([, a], [, b]) => a.index - b.index);
  if (type === 'parameterized') return;
  for (const [task, spec] of Object.entries(tasks)) {
    if (type !== 'system') {
      for (let index = 1; index <= spec.count; index++) yield { name: slotName(job, task, index), task, index, rank: index, spec };
      continue;
    }
    let rank = 0;
    for (const [boundTo, { index, tasks: wanted }] of seated) {
      if (wanted.includes(task)) yield { name: slotName(job, task, index), task, index, rank: ++rank, spec, boundTo };
    }
  }
}

function slotFrom(job: JobRecord, identity: SlotIdentity, records: TaskRecord[]): Slot {
  const { name, task, index, rank, spec, boundTo } = identity;
  records.sort((a, b) => a.run - b.run || a.createdAt - b.createdAt || a.version - b.version);
  const live = records.filter((record) => !isFinal(record));
  const counts = (record: TaskRecord): boolean => record.run >= (record.state === 'completed' ? job.completedFrom : job.run);
  const ended = records.findLast((record) => isFinal(record) && counts(record));
  const specHash = job.hashes[task]!;
  const fits = (record: TaskRecord): boolean =>
    record.specHash === specHash && mayStay(job, record) && (boundTo === undefined || record.boundTo === boundTo);
  const wanted = live.filter((record) => record.desired === 'running' && isReachable(record));
  const current = wanted.filter(fits);
  const outdated = wanted.filter((record) => !fits(record));
  const shown = isDone({ ended, specHash }) ? ended : standingFor({ fits, live, ended });
  // Written out: made of spreads, with a function among them, each slot would have a shape of its own, and whoever reads many would be slow.
  const part = { fits, spec };
  const isUpAsWanted = shown?.desired === 'running' && fits(shown) && isUp(shown, part);
  const isTroubled = shown?.reason !== undefined && (shown.state !== 'running' || shown.health === 'unhealthy');
  const isIdle = shown === undefined || shown.state === 'pending';
  const [up] = current.filter((record) => isUp(record, part)).toSorted((a, b) => (a.stateAt ?? 0) - (b.stateAt ?? 0));
  const upAt = up && (up.stateAt ?? 0);
  const isChecked = up?.hasCheck === true;
  return {
    name,
    task,
    index,
    rank,
    spec,
    boundTo,
    specHash,
    live,
    current,
    outdated,
    fits,
    ended,
    shown,
    isUpAsWanted,
    isTroubled,
    isIdle,
    upAt,
    isChecked,
  };
}

/** Whether a task is where its job may be; one without a place may. */
function mayStay({ spec }: JobRecord, task: TaskRecord): boolean {
  const { datacenters, onNode } = spec;
  if (task.dc !== undefined && datacenters.length > 0 && !datacenters.includes(task.dc)) return false;
  return onNode === undefined || task.nodeName === undefined || task.nodeName === onNode;
}

function standingFor({ fits, live, ended }: Pick<Slot, 'fits' | 'live' | 'ended'>): TaskRecord | undefined {
  const reachable = live.filter(isReachable);
  const best = reachable.findLast(fits) ?? reachable.at(-1);
  if (best) return best;
  const unreachable = live.at(-1);
  return unreachable && ended && ended.createdAt > unreachable.createdAt ? ended : (unreachable ?? ended);
}

/** Whether a record of a slot runs and is well. */
export function isUp(task: TaskRecord, { fits, spec }: Pick<Slot, 'fits' | 'spec'>): boolean {
  return task.state === 'running' && isWell(task, fits(task) ? spec.health : undefined);
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
  return ended.state === 'failed' && (runKind(job.spec.type) === 'batch' || spec.restart.on === 'never');
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
