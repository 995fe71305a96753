/**
 * Reconciling a job: what it wants against what there is. Pure and level-triggered: it may be called at any time, as often as one
 * likes, and returns what is missing and what is too much. Nothing is remembered between two calls but the records themselves.
 */
import { Dependencies } from './dependencies.ts';
import { formatDuration } from './duration.ts';
import { shortId } from './ids.ts';
import { runKind, type JobRecord, type UpdateSpec } from './job.ts';
import type { Limits } from './limits.ts';
import { goesOn, isExcused, orderOf, patienceOf, slotSteadyAt, steadyAt, updateOf, waitsForPromotion, type Patience } from './rollout.ts';
import { isDone, isReachable, isUp, type Slot } from './slots.ts';
import type { TaskRecord } from './task.ts';
import { isDormant } from './ticks.ts';

/** One thing to do about a slot. */
export type Change =
  /** Make a record for this slot. */
  | ({ readonly kind: 'create'; readonly slot: Slot; readonly of?: EarlierVersion } & Again)
  /** Want this record stopped. */
  | { readonly kind: 'stop'; readonly task: TaskRecord; readonly reason: string };

/** The version that a record is made for, where it is not the one wanted. */
export interface EarlierVersion {
  readonly version: number;
  readonly specHash: string;
}

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
  const over = whyOver(job);
  const changes: Change[] = [];
  const stop = (task: TaskRecord, reason: string): void => {
    if (task.desired === 'running') changes.push({ kind: 'stop', task, reason });
  };
  for (const task of extra) stop(task, over ?? 'the job wants fewer instances');
  if (over !== undefined) {
    for (const slot of slots) for (const task of slot.live) stop(task, over);
    return changes;
  }
  if (isDormant(job)) {
    // The run of a tick comes to its end. What no tick has begun is of a job of another type.
    for (const slot of slots) for (const task of slot.live) if (task.tick === undefined) stop(task, 'the job rests until it is to run');
    return changes;
  }
  const terms = termsOf(job, slots, now, limits);
  for (const slot of slots) {
    if (isSettled(slot)) continue;
    if (isDone(slot)) {
      for (const task of slot.live) stop(task, `${slot.name} has completed`);
      continue;
    }
    // Of a large job most slots wait for their turn at most times: nothing is made for them.
    if (slot.outdated.length === 1 && isOutdated(slot) && !terms.updateRooms.has(slot.task) && slot.outdated[0]!.node !== undefined)
      continue;
    // Several of earlier versions: one returned from out of reach, or an update was overtaken by the next.
    const [old, ...older] = slot.outdated.toSorted(byWorth(slot));
    for (const task of older) stop(task, standsIn(old!));
    changes.push(...(isOutdated(slot) ? beginUpdate(terms, slot, old!) : settle(terms, slot, old)));
  }
  return changes;
}

/** Why nothing of a job is to run; undefined while something is. */
function whyOver({ stopWanted, expired, spec }: JobRecord): string | undefined {
  if (stopWanted) return 'the job is stopped';
  return expired ? `its job took longer than its deadline of ${formatDuration(spec.deadlineMs ?? 0)}` : undefined;
}

/** What all slots of a job are judged by. */
interface Terms {
  readonly job: JobRecord;
  readonly now: number;
  readonly limits: Limits;
  readonly update: UpdateSpec;
  readonly patience: Patience;
  readonly dependencies: Dependencies;
  /** How many more of a task's slots may begin their update. */
  readonly updateRooms: Rooms;
  /** How many more slots may run at once. */
  readonly runRooms: Rooms;
}

/** Room that is counted only when somebody wants it: of most jobs at most times nobody does. */
class Rooms {
  readonly #count: () => Map<string, number>;
  #left: Map<string, number> | undefined;

  constructor(count: () => Map<string, number>) {
    this.#count = count;
  }

  /** Whether there is some. */
  has(key: string): boolean {
    this.#left ??= this.#count();
    return (this.#left.get(key) ?? 0) > 0;
  }

  /** Takes one, if there is one. */
  take(key: string): boolean {
    this.#left ??= this.#count();
    const left = this.#left.get(key) ?? 0;
    if (left > 0) this.#left.set(key, left - 1);
    return left > 0;
  }
}

function termsOf(job: JobRecord, slots: readonly Slot[], now: number, limits: Limits): Terms {
  const update = updateOf(job.spec, limits);
  const patience = patienceOf(job, limits);
  const dependencies = new Dependencies(job, slots);
  const countUpdates = (): Map<string, number> => {
    const rooms = new Map<string, number>();
    for (const task of Object.keys(job.spec.tasks)) rooms.set(task, update.parallel);
    const terms = { job, update, now, patience };
    for (const slot of slots) if (isChanging(slot, terms)) rooms.set(slot.task, (rooms.get(slot.task) ?? 0) - 1);
    return rooms;
  };
  const countRuns = (): Map<string, number> => {
    const most = job.spec.parallelism ?? Number.POSITIVE_INFINITY;
    return new Map([['', slots.reduce((left, { live }) => left - (live.length > 0 ? 1 : 0), most)]]);
  };
  return {
    job,
    now,
    limits,
    update,
    patience,
    dependencies,
    updateRooms: new Rooms(countUpdates),
    runRooms: new Rooms(countRuns),
  };
}

/** Whether a slot has just what it should: of most slots this is so at most times. */
function isSettled(slot: Slot): boolean {
  return slot.live.length === 1 && slot.current.length === 1 && !isDone(slot);
}

/** Whether a slot still runs an earlier version, and nothing of the new one was tried. */
function isOutdated(slot: Slot): boolean {
  return slot.outdated.length > 0 && slot.current.length === 0 && slot.ended?.specHash !== slot.specHash;
}

/** Whether a slot is on its way to the version wanted now, or stuck on it: an update goes on only when it is done. */
function isChanging(slot: Slot, { job, update, now, patience }: Pick<Terms, 'job' | 'update' | 'now' | 'patience'>): boolean {
  if (isOutdated(slot) || slot.ended?.state === 'completed' || isExcused(slot)) return false;
  // It waits until fewer of its batch job run: the others must go on, or they would wait for each other.
  if (job.spec.parallelism !== undefined && slot.live.length === 0) return false;
  if (update.onFailure === 'continue' && slot.ended?.specHash === slot.specHash) return false;
  // Without a deployment's word (batch, records of earlier versions) to run is enough.
  const isGated = job.deployment !== undefined;
  return isGated ? (slotSteadyAt(slot, patience, now) ?? Infinity) > now : slot.upAt === undefined;
}

/** Begins a slot's update, if it is its turn. */
function beginUpdate({ job, update, dependencies, updateRooms }: Terms, slot: Slot, old: TaskRecord): Change[] {
  const { deployment } = job;
  if (!goesOn(job, update)) return [];
  if (deployment !== undefined && waitsForPromotion(deployment, update) && slot.rank > update.canary) return [];
  // What has found no place does nothing that has to go on.
  if (old.node === undefined) return [{ kind: 'stop', task: old, reason: replacedBy(job, old) }];
  if (dependencies.waitOf(slot) !== undefined || !updateRooms.take(slot.task)) return [];
  if (orderOf(slot, job.spec) === 'stop-first') return [{ kind: 'stop', task: old, reason: replacedBy(job, old) }];
  const what = old.version === job.version ? 'the one before it' : 'an older version';
  return [{ kind: 'create', slot, failures: 0, reason: `replaces ${what}` }];
}

function replacedBy(job: JobRecord, old: TaskRecord): string {
  return old.version === job.version ? 'replaced by a new one of the same version' : `replaced by version ${job.version}`;
}

function standsIn(task: TaskRecord): string {
  return `${shortId(task.id)} runs for this slot`;
}

/** Steps for a slot that is not waiting for an update: too much goes, what is missing comes. */
function settle(terms: Terms, slot: Slot, old: TaskRecord | undefined): Change[] {
  const { job, now, limits } = terms;
  const [keep, ...surplus] = slot.current.toSorted(byWorth(slot));
  if (keep !== undefined) {
    const changes: Change[] = surplus.map((task) => ({
      kind: 'stop',
      task,
      reason: standsIn(keep),
    }));
    const why = old && whyReplaced(terms, slot, keep, old);
    if (old && why !== undefined) changes.push({ kind: 'stop', task: old, reason: why });
    return changes;
  }
  if (slot.live.some((task) => isReachable(task) && task.desired !== 'running')) return [];
  // Bound to a node that is out of reach, another could not be placed.
  if (slot.boundTo !== undefined && slot.live.some((task) => task.boundTo === slot.boundTo && !isReachable(task))) return [];
  const again = next(job, slot, now, limits);
  if (again === undefined || terms.dependencies.waitOf(slot) !== undefined) return [];
  if (slot.live.length === 0 && !terms.runRooms.take('')) return [];
  const of = heldBack(terms, slot);
  return [{ kind: 'create', slot, ...again, ...(of === undefined ? {} : { of }) }];
}

/** The version that was good, for a slot whose turn has not come, while nobody knows whether the wanted one is good. */
function heldBack({ job: { deployment }, update }: Terms, slot: Slot): EarlierVersion | undefined {
  const { goodVersion: version, goodHashes, replaces, state } = deployment ?? {};
  const specHash = goodHashes?.[slot.task];
  if (!replaces || version === undefined || specHash === undefined || specHash === slot.specHash) return undefined;
  const waits = deployment !== undefined && waitsForPromotion(deployment, update) && slot.rank > update.canary;
  const isHeld = waits || state === 'paused' || (state === 'failed' && update.onFailure === 'pause');
  return isHeld && slot.ended?.specHash !== slot.specHash ? { version, specHash } : undefined;
}

/** Why the task of an earlier version goes now that the new one is there; undefined while it has to stay. */
function whyReplaced({ job, now, patience }: Terms, slot: Slot, keep: TaskRecord, old: TaskRecord): string | undefined {
  const order = orderOf(slot, job.spec);
  const isSteady = (steadyAt(keep, slot, patience, now) ?? Infinity) <= now;
  if (order === 'stop-first' || isSteady) return replacedBy(job, old);
  // Unless others are being stopped to make room for it.
  const wantsRoom = keep.state === 'pending' && keep.wantsRoom === true && keep.roomOn === undefined;
  if (order === 'if-room' && wantsRoom) return `${replacedBy(job, old)}; there is no room for both`;
  return undefined;
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
