/**
 * Reconciling a job: what it wants against what there is. Pure and level-triggered: it may be called at any time, as often as one
 * likes, and returns what is missing and what is too much. Nothing is remembered between two calls but the records themselves.
 */
import { isWell } from './health.ts';
import { shortId } from './ids.ts';
import { runKind, type JobRecord } from './job.ts';
import type { Limits } from './limits.ts';
import { isDone, isReachable, type Slot } from './slots.ts';
import type { TaskRecord } from './task.ts';

/** One thing to do about a slot. */
export type Change =
  /** Make a record for this slot. */
  | ({ readonly kind: 'create'; readonly slot: Slot } & Again)
  /** Want this record stopped. */
  | { readonly kind: 'stop'; readonly task: TaskRecord; readonly reason: string };

/** How a slot is to be placed: after how many failures in a row, not before when, and where rather not. */
interface Again {
  readonly failures: number;
  readonly placeAfter?: number;
  /** Ids of the nodes on which it failed in this row, the last few of them. */
  readonly avoid?: readonly string[];
  readonly reason?: string;
}

/**
 * What to change so that a job gets what it wants.
 * @param extra live records that belong to no slot of the job any more
 * @param now ms since the epoch
 */
export function reconcile(job: JobRecord, slots: readonly Slot[], extra: readonly TaskRecord[], now: number, limits: Limits): Change[] {
  const changes: Change[] = [];
  const stop = (task: TaskRecord, reason: string): void => {
    if (task.desired === 'running') changes.push({ kind: 'stop', task, reason });
  };
  for (const task of extra) stop(task, job.stopWanted ? 'the job is stopped' : 'the job wants fewer instances');
  if (job.stopWanted) {
    for (const slot of slots) for (const task of slot.live) stop(task, 'the job is stopped');
    return changes;
  }
  let rooms: Map<string, number> | undefined;
  for (const slot of slots) {
    if (isSettled(slot)) continue;
    if (isDone(slot)) {
      for (const task of slot.live) stop(task, `${slot.name} has completed`);
      continue;
    }
    // Several of earlier versions: one returned from out of reach, or an update was overtaken by the next.
    const [old, ...older] = slot.outdated.toSorted(byWorth(slot));
    for (const task of older) stop(task, standsIn(old!));
    if (!isOutdated(slot)) {
      changes.push(...settle(job, slot, old, now, limits));
      continue;
    }
    rooms ??= roomsByTask(slots, limits);
    const room = rooms.get(slot.task)!;
    if (room <= 0) continue;
    rooms.set(slot.task, room - 1);
    changes.push(beginUpdate(job, slot, old!));
  }
  return changes;
}

/** How many more slots of each task may begin their update. */
function roomsByTask(slots: readonly Slot[], limits: Limits): Map<string, number> {
  const rooms = new Map<string, number>();
  for (const slot of slots) rooms.set(slot.task, (rooms.get(slot.task) ?? limits.updateParallel) - (isChanging(slot) ? 1 : 0));
  return rooms;
}

/** Whether a slot has just what it should: of most slots this is so at most times. */
function isSettled(slot: Slot): boolean {
  return slot.live.length === 1 && slot.current.length === 1 && !isDone(slot);
}

function isUp(task: TaskRecord, { fits, spec }: Slot): boolean {
  return task.state === 'running' && isWell(task, fits(task) ? spec.health : undefined);
}

/** Whether a slot still runs an earlier version, and nothing of the new one was tried. */
function isOutdated(slot: Slot): boolean {
  return slot.outdated.length > 0 && slot.current.length === 0 && slot.ended?.specHash !== slot.specHash;
}

/** Whether a slot is on its way to the version wanted now, or stuck on it: an update goes on only when it is done. */
function isChanging(slot: Slot): boolean {
  return !isOutdated(slot) && !slot.current.some((task) => isUp(task, slot)) && slot.ended?.state !== 'completed';
}

/** A slot with a fixed host port cannot run twice on a node: its old task goes first. Else the new one comes first. */
function isNewFirst({ spec }: Slot): boolean {
  return !spec.ports.some((port) => port.host !== undefined);
}

/** Begins a slot's update. */
function beginUpdate(job: JobRecord, slot: Slot, old: TaskRecord): Change {
  if (isNewFirst(slot)) return { kind: 'create', slot, failures: 0, reason: `replaces an older version` };
  return { kind: 'stop', task: old, reason: replacedBy(job) };
}

function replacedBy(job: JobRecord): string {
  return `replaced by version ${job.version}`;
}

function standsIn(task: TaskRecord): string {
  return `${shortId(task.id)} runs for this slot`;
}

/** Steps for a slot that is not waiting for an update: too much goes, what is missing comes. */
function settle(job: JobRecord, slot: Slot, old: TaskRecord | undefined, now: number, limits: Limits): Change[] {
  const [keep, ...surplus] = slot.current.toSorted(byWorth(slot));
  if (keep !== undefined) {
    const changes: Change[] = surplus.map((task) => ({ kind: 'stop', task, reason: standsIn(keep) }));
    if (old && (isUp(keep, slot) || !isNewFirst(slot))) changes.push({ kind: 'stop', task: old, reason: replacedBy(job) });
    return changes;
  }
  if (slot.live.some((task) => isReachable(task) && task.desired !== 'running')) return [];
  const again = next(job, slot, now, limits);
  return again === undefined ? [] : [{ kind: 'create', slot, ...again }];
}

/** Up before not up, then the older: of two that run, the original stays (disconnect policy `best`). */
function byWorth(slot: Slot): (a: TaskRecord, b: TaskRecord) => number {
  return (a, b) => Number(isUp(b, slot)) - Number(isUp(a, slot)) || a.createdAt - b.createdAt;
}

/** Whether and when a slot without a live task gets one; undefined: never by itself. */
function next(job: JobRecord, slot: Slot, now: number, limits: Limits): Again | undefined {
  const { ended } = slot;
  if (ended === undefined || ended.specHash !== slot.specHash || ended.state === 'stopped' || ended.state === 'lost')
    return { failures: 0 };
  if (ended.state !== 'failed' || runKind(job.spec.type) === 'batch' || slot.spec.restart.on === 'never') return undefined;
  const endedAt = ended.endedAt ?? now;
  // By the worker's clock, which may go otherwise than the manager's: both ends of the time it ran are its own.
  const ranMs = (ended.finishedAt ?? 0) - (ended.startedAt ?? ended.finishedAt ?? 0);
  // More restarts than fit into the window: it has run for long between them, too.
  const ranWell = ranMs > slot.spec.restart.withinMs || ended.restarts > slot.spec.restart.attempts;
  const failures = ranWell ? 1 : ended.failures + 1;
  const delayMs = Math.min(limits.replaceDelayMsMax, limits.replaceDelayMs * limits.replaceBackoff ** (failures - 1));
  const earlier = failures === 1 ? [] : (ended.avoid ?? []);
  const avoid = [...earlier.filter((node) => node !== ended.node), ...(ended.node === undefined ? [] : [ended.node])];
  const why = ended.reason ?? `exit code ${ended.exitCode ?? 'unknown'}`;
  return {
    failures,
    placeAfter: endedAt + delayMs,
    avoid: avoid.slice(Math.max(0, avoid.length - limits.avoidNodesMax)),
    reason: `placed again after ${failures === 1 ? 'a failure' : `${failures} failures`}: ${why}`,
  };
}
