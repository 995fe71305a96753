/** How a job's instances get from one version to the next: the terms of its updates, and what its slots say of a deployment. */
import type { Deployment } from './deployment.ts';
import { formatDuration } from './duration.ts';
import { runKind, type JobRecord, type JobSpec, type UpdateSpec } from './job.ts';
import type { Limits } from './limits.ts';
import { isDone, isReachable, isStuck, isUp, type Slot } from './slots.ts';
import type { TaskRecord } from './task.ts';

/** A job's terms of update, with the defaults where it tells none. */
export function updateOf(spec: JobSpec, limits: Limits): UpdateSpec {
  const { updateParallel: parallel, updateDeadlineMs: deadlineMs } = limits;
  return spec.update ?? { parallel, deadlineMs, onFailure: 'rollback', canary: 0 };
}

/**
 * For how long a new instance without a check must have run, in ms: at once is enough where nothing has to make room for it. What ends as
 * soon as it has begun must not take the place of what runs.
 */
function runningForMs({ deployment }: JobRecord, limits: Limits): number {
  return deployment?.replaces ? limits.updateRunningForMs : 0;
}

/** How long new instances of a job must have been well: with a check, and without one. */
export interface Patience {
  readonly checkedMs: number;
  readonly uncheckedMs: number;
}

/** A job's patience with its new instances. */
export function patienceOf(job: JobRecord, limits: Limits): Patience {
  const told = updateOf(job.spec, limits).healthyForMs;
  return { checkedMs: told ?? limits.updateHealthyForMs, uncheckedMs: told ?? runningForMs(job, limits) };
}

/**
 * Which of a slot's two tasks comes first while it is updated. With `if-room` the new one, unless no node takes it beside the old one.
 * What holds a volume, or a port of the one node it may be on, cannot run twice.
 */
export function orderOf({ spec, boundTo }: Pick<Slot, 'spec' | 'boundTo'>, job: JobSpec): 'start-first' | 'stop-first' | 'if-room' {
  const isFixed = spec.ports.some((port) => port.host !== undefined);
  if (runKind(job.type) === 'batch' || (spec.volumes ?? []).length > 0 || (isFixed && boundTo !== undefined)) return 'stop-first';
  const { order } = job.update ?? {};
  if (isFixed) return order === 'start-first' ? 'if-room' : 'stop-first';
  return order ?? 'if-room';
}

/** When a task will have been well for long enough, ms since the epoch; undefined while it is not well. @param now ms since the epoch */
export function steadyAt(task: TaskRecord, slot: Slot, patience: Patience, now: number): number | undefined {
  if (!isUp(task, slot)) return undefined;
  const isChecked = task.hasCheck === true || typeof slot.spec.health === 'object';
  return past(task.stateAt ?? 0, now) + (isChecked ? patience.checkedMs : patience.uncheckedMs);
}

/** A time that lies in the future was noted before the clock was set back: it is long ago. */
function past(at: number, now: number): number {
  return at > now ? 0 : at;
}

/** What the slots of a job say of its deployment. */
export interface RolloutSignal {
  readonly event?: 'slots.updated' | 'canaries.healthy' | 'deployment.failed';
  /** Why it failed. */
  readonly reason?: string;
  /** Instances that are what they should be, and have been for long enough. */
  readonly updated: number;
  /** When to look again if nothing changes before, ms since the epoch. */
  readonly lookAt?: number;
}

/** What the time is, and how far a deployment has got. */
interface Times {
  /** Ms since the epoch. */
  readonly now: number;
  /** The most instances that were what they should be, and how long ago there were more than ever before, by a clock that nobody sets. */
  readonly most: number;
  readonly quietMs: number;
}

/** Draws it. */
export function rolloutSignal(job: JobRecord, deployment: Deployment, all: readonly Slot[], times: Times, limits: Limits): RolloutSignal {
  const { now } = times;
  const update = updateOf(job.spec, limits);
  const patience = patienceOf(job, limits);
  const slots = all.filter((slot) => !isExcused(slot));
  let updated = 0;
  let lookAt = Number.POSITIVE_INFINITY;
  let failure: string | undefined;
  let canariesWait = false;
  for (const slot of slots) {
    const at = settledAt(slot, patience, now);
    if (at !== undefined && at <= now && slot.outdated.length === 0) {
      updated++;
      continue;
    }
    // Then the task before it may go.
    if (at !== undefined && at > now) lookAt = Math.min(lookAt, at);
    if (slot.rank <= update.canary) canariesWait = true;
    failure ??= failureOf(slot, job, deployment);
  }
  const next = { updated, ...(lookAt < Number.POSITIVE_INFINITY ? { lookAt } : {}) };
  if (updated === slots.length) return { updated, event: 'slots.updated' };
  if (deployment.state !== 'rolling' && deployment.state !== 'awaitingPromotion') return next;
  if (failure !== undefined && update.onFailure !== 'continue') return { ...next, event: 'deployment.failed', reason: failure };
  if (deployment.state === 'awaitingPromotion') return next;
  if (waitsForPromotion(deployment, update) && !canariesWait) return { ...next, event: 'canaries.healthy' };
  const leftMs = update.deadlineMs - (updated > times.most ? 0 : times.quietMs);
  if (leftMs <= 0) {
    const reason = failure ?? `no progress for ${formatDuration(update.deadlineMs)}: ${updated} of ${slots.length} are well`;
    return { ...next, event: 'deployment.failed', reason };
  }
  return { updated, lookAt: Math.min(lookAt, now + leftMs) };
}

/** When a slot's task of the wanted version is what it should be. */
function settledAt(slot: Slot, patience: Patience, now: number): number | undefined {
  return isDone(slot) ? 0 : slotSteadyAt(slot, patience, now);
}

/** When a slot will have been well for long enough, ms since the epoch; undefined while nothing of it is well. */
export function slotSteadyAt(slot: Slot, patience: Patience, now: number): number | undefined {
  if (slot.upAt === undefined) return undefined;
  const isChecked = slot.isChecked || typeof slot.spec.health === 'object';
  return past(slot.upAt, now) + (isChecked ? patience.checkedMs : patience.uncheckedMs);
}

/**
 * Whether a slot is bound to a node that can have no new task now: it is down, or takes none. Nobody waits for that node; it follows
 * when it is back.
 */
export function isExcused({ boundTo, current, live }: Slot): boolean {
  if (boundTo === undefined || live.length === 0) return false;
  if (current.length === 0) return live.every((task) => !isReachable(task));
  return current.every((task) => task.state === 'pending' && task.wantsRoom === false);
}

/** Whether a deployment has canaries that nobody has found good yet. */
export function waitsForPromotion({ promoted }: Deployment, { canary }: UpdateSpec): boolean {
  return canary > 0 && promoted !== true;
}

/** Why a slot makes its deployment fail: of a first one, that nothing will come of it; of an update already that it was tried in vain. */
function failureOf(slot: Slot, job: JobRecord, { replaces, startedAt }: Deployment): string | undefined {
  const { ended } = slot;
  if (ended === undefined || ended.specHash !== slot.specHash || ended.createdAt < startedAt) return undefined;
  const isTried = replaces === true && (ended.state === 'failed' || ended.state === 'rejected');
  if (!isTried && !isStuck(slot, job)) return undefined;
  return `${slot.name} ${ended.state === 'rejected' ? 'is rejected' : 'failed'}: ${ended.reason ?? `exit code ${ended.exitCode ?? 'unknown'}`}`;
}

/** Whether more slots may begin their update, for all that the deployment says. */
export function goesOn(job: JobRecord, update: UpdateSpec): boolean {
  const { deployment } = job;
  if (deployment === undefined || deployment.state === 'rolling' || deployment.state === 'succeeded') return true;
  if (deployment.state !== 'failed') return false;
  // Where there is nothing good to go back to, what was begun is the best there is.
  const hasGood = deployment.goodVersion !== undefined && deployment.rollbackOf === undefined;
  return update.onFailure === 'continue' || (update.onFailure === 'rollback' && !hasGood);
}
