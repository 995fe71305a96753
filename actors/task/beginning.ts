/** How attempts begin: a container is looked for, made, and started. */
import type { Observation } from '../../src/core/attempts.ts';
import { asCubeError } from '../../src/core/errors.ts';
import { isChecked } from '../../src/core/health.ts';
import { containerName } from '../../src/core/ids.ts';
import { filledOrder } from '../../src/core/placeholders.ts';
import { delayLeft } from '../../src/core/restart.ts';
import { pause, untilEngineAnswers } from '../patience.ts';
import { clear, ended } from './ending.ts';
import { refOf, type EffectRun, type TaskDeps } from './run.ts';

/** Looks for a container that is already there: after a crash of the node, or when the answer to a create was lost. */
export async function adopt(deps: TaskDeps, task: EffectRun): Promise<void> {
  const [newest, ...older] = deps.found(task.order.id).toSorted((a, b) => b.attempt - a.attempt);
  for (const { ref, attempt, state } of older) {
    const gone = deps.upkeep.retire(task.order.id, attempt, ref, { atOnce: true });
    // No two of a task may run.
    if (state === 'running') await gone;
  }
  const { observed, order, send } = task;
  if (newest === undefined) {
    if (task.desired === 'stopped') return send({ type: 'report.stopping' });
    // What waits for its next attempt needs no container for that.
    if (task.lastState === 'backingOff') return backOffAgain(deps, task, { containerId: undefined, containerName: undefined });
    const ranBefore = task.lastState === 'running' || task.lastState === 'starting';
    if (!ranBefore) return send({ type: 'report.preparing' });
    const now = deps.ambient.clock.now();
    const reason = 'its container was removed while the node was down';
    return ended(deps, task, { exitCode: 137, reason, finishedAt: now }, { unwell: observed.unwell });
  }
  if (newest.attempt < observed.attempt && task.desired === 'running') {
    // Its end was dealt with before the crash; the attempt after it has no container yet.
    if (newest.state !== 'exited') await clear(deps, task, newest.ref);
    const last = { endedContainerId: newest.ref.id, endedAttempt: newest.attempt };
    if (task.lastState !== 'backingOff') return send({ type: 'report.preparing', observed: last });
    return backOffAgain(deps, task, { ...last, containerId: undefined, containerName: undefined });
  }
  // What its health was is told of the attempt that was noted, and of no other.
  const isNoted = newest.attempt === observed.attempt;
  const seen: Partial<Observation> = {
    attempt: newest.attempt,
    restarts: Math.max(observed.restarts, newest.attempt - 1),
    containerId: newest.ref.id,
    containerName: newest.ref.name,
    hasCheck: isChecked(order.spec.health, newest.hasCheck),
    ...(newest.startedAt === undefined ? {} : { startedAt: newest.startedAt }),
    ...(newest.digest === undefined ? {} : { digest: newest.digest }),
    ...(isNoted ? {} : { wentWell: undefined, unwell: undefined }),
  };
  if (task.desired === 'stopped') {
    // One that never ran is removed, not stopped: its start may have been asked for before the crash, and still be under way.
    const gone = newest.state === 'created' ? { containerId: undefined, containerName: undefined } : {};
    return send({ type: 'report.stopping', observed: { ...seen, ...gone } });
  }
  if (newest.state === 'created') return send({ type: 'report.starting', observed: seen });
  if (newest.state === 'running') {
    // The last word on its health stands until there is a new one: a node that starts again makes no task unwell.
    const isWell = isNoted && observed.wentWell === true && seen.hasCheck === true;
    return send({ type: isWell ? 'report.healthy' : 'report.running', observed: seen });
  }
  if (task.lastState === 'backingOff' && isNoted) {
    return backOffAgain(deps, task, seen);
  }
  return ended(deps, task, newest.exit!, { seen, unwell: isNoted ? observed.unwell : undefined });
}

/** Waits for the rest of the delay that began before the crash. */
function backOffAgain({ ambient }: TaskDeps, { observed, order, send }: EffectRun, seen: Partial<Observation>): void {
  const restartDelayMs = delayLeft(order.spec.restart, observed.restartedAt ?? [], ambient.clock.now());
  send({ type: 'report.backingOff', observed: seen, restartDelayMs });
}

/** Pulls and creates. The container of the attempt before is kept for now: its removal would hold the next one up. */
export async function prepare(deps: TaskDeps, task: EffectRun): Promise<void> {
  const { order, observed, signal, send } = task;
  await deps.files.ready(order, task);
  const work = { order: filledOrder(order, deps.nodeName()), attempt: observed.attempt };
  const made = untilEngineAnswers(deps, task, () =>
    deps.runtime.prepare(work, {
      signal,
      onProgress: (detail) => send({ type: 'report.progress', observed: { detail } }),
      onPulled: (image) => deps.upkeep.images.pulled(image),
    }),
  );
  const [ref] = await Promise.all([made, keepLastDown(deps, task)]);
  deps.upkeep.images.used(order.spec.image);
  send({
    type: 'report.starting',
    observed: { containerId: ref.id, containerName: ref.name, detail: undefined, reason: undefined, reasonCode: undefined },
  });
}

/** Ends the container of the attempt before, should somebody have started it again: it would run beside this one, and hold its ports. */
async function keepLastDown(deps: TaskDeps, task: EffectRun): Promise<void> {
  const { endedContainerId: id, endedAttempt = task.observed.attempt - 1 } = task.observed;
  if (id === undefined) return;
  const name = containerName(task.order, endedAttempt);
  try {
    await untilEngineAnswers(deps, task, () => deps.runtime.stop({ id, name }, { graceMs: 0 }));
  } catch (thrown) {
    if (task.signal.aborted) throw thrown;
    // Most likely it is down all the same: that is no reason to count an attempt that never ran.
    deps.ambient.log.warn(`container ${name} could not be stopped: ${asCubeError(thrown).message}`);
  }
}

/** Starts. A port that is taken is tried a few times: its holder may just be on its way out. */
export async function start(deps: TaskDeps, task: EffectRun): Promise<void> {
  const { limits } = deps;
  // A start is never cut short: whether it happened would be unknown, and the stop that waits for it would find nothing.
  const uncut = new AbortController().signal;
  // One that was made before the host itself was started again finds them gone.
  await deps.files.ready(task.order, task);
  for (let tried = 1; ; tried++) {
    try {
      const { startedAt, digest, hasCheck } = await untilEngineAnswers(deps, task, () => deps.runtime.start(refOf(task.observed), uncut));
      const fresh = { exitCode: undefined, reason: undefined, reasonCode: undefined, detail: undefined };
      return task.send({
        type: 'report.running',
        observed: { ...fresh, startedAt, digest, hasCheck: isChecked(task.order.spec.health, hasCheck) },
      });
    } catch (thrown) {
      const error = asCubeError(thrown, 'engine-error');
      if (error.code !== 'port-taken' || tried >= limits.startTries) throw error;
      task.send({ type: 'report.progress', observed: { detail: error.message } });
      await pause(deps, limits.startRetryMs, task.signal);
    }
  }
}
