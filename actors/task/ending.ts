/** How attempts end: what follows by the restart policy, and what becomes of containers that are over. */
import type { Observation } from '../../src/core/attempts.ts';
import { asCubeError, type CubeError, type ErrorCode } from '../../src/core/errors.ts';
import type { PortSpec } from '../../src/core/job.ts';
import { afterExit, recentRestarts } from '../../src/core/restart.ts';
import type { Order } from '../../src/core/task.ts';
import type { ContainerRef, Exit } from '../../src/ports/runtime.ts';
import { pause, untilEngineAnswers } from '../patience.ts';
import { refOf, type EffectRun, type TaskDeps } from './run.ts';

/** What can be mended by nobody but the user, ever. */
const hopeless: ReadonlySet<ErrorCode> = new Set([
  'image-not-found',
  'image-denied',
  'image-bad-name',
  'bad-command',
  'bad-settings',
  'bad-mount',
]);

/** The exit code shells and Docker give when a container could not be run at all. */
const couldNotRun = 125;

/** What more is known of an end. */
interface Circumstances {
  /** Why its health had it ended; that is a failure whatever the exit code says. */
  readonly unwell?: string | undefined;
  /** What else was seen with it. */
  readonly seen?: Partial<Observation>;
}

/** An attempt has ended: decides by the restart policy what follows, and says it. */
export function ended(deps: TaskDeps, task: EffectRun, exit: Exit, { unwell, seen: more }: Circumstances = {}): void {
  const { order, observed, send } = task;
  const { clock, random } = deps.ambient;
  const now = clock.now();
  const restartedAt = recentRestarts(order.spec.restart, observed.restartedAt ?? [], now);
  const verdict = afterExit(
    order.jobType,
    order.spec.restart,
    { exitCode: exit.exitCode, unwell: unwell !== undefined, foreign: exit.foreign === true, restartedAt, now, chance: random() },
    deps.limits.restartJitter,
  );
  const why = unwell ?? exit.reason;
  const seen: Partial<Observation> = {
    ...more,
    exitCode: exit.exitCode,
    finishedAt: exit.finishedAt,
    detail: undefined,
    reason: why,
    wentWell: undefined,
    unwell: undefined,
  };
  if (verdict.then === 'completed') return send({ type: 'report.completed', observed: seen });
  if (verdict.then === 'failed') {
    return send({ type: 'report.failed', observed: { ...seen, reason: why ? `${why}; ${verdict.reason}` : verdict.reason } });
  }
  const reason = why ?? `exit code ${exit.exitCode}`;
  return send({
    type: 'report.backingOff',
    restartDelayMs: verdict.delayMs,
    observed: {
      ...seen,
      lastEnd: reason,
      reason: `${reason}; restart ${verdict.attemptsUsed} of ${order.spec.restart.attempts} in ${verdict.delayMs} ms`,
      // Never more than the policy's attempts: with so many it would have failed.
      restartedAt: [...restartedAt, now],
    },
  });
}

/** What becomes of a task whose attempt could not be run. */
type Consequence = 'rejected' | 'failed' | 'attempt';

/**
 * The rule for errors:
 * - what is hopeless rejects the task, whenever it happens.
 * - `image-unavailable`, and `port-taken` of a port that is written in the job, reject a task that was never there: its user is
 *   waiting, and has most likely mistyped. Once it has run, or its slot has failed before, they are troubles that pass.
 * - `port-taken` of a port that Cube chose fails a service at once: it is placed again, with another port. A batch task would not be.
 * - Everything else is a failed attempt by the restart policy.
 */
function consequenceOf(error: CubeError, { observed, order }: EffectRun): Consequence {
  if (hopeless.has(error.code)) return 'rejected';
  const isNew = observed.restarts === 0 && observed.startedAt === undefined && (order.failures ?? 0) === 0;
  if (error.code === 'image-unavailable') return isNew ? 'rejected' : 'attempt';
  if (error.code !== 'port-taken') return 'attempt';
  if (isWritten(error, order)) return isNew ? 'rejected' : 'attempt';
  return order.jobType === 'service' ? 'failed' : 'attempt';
}

/** Whether the port that is taken is one the job names. Of several only the message tells which it is. */
function isWritten({ message }: CubeError, { spec: { ports } }: Order): boolean {
  const named = ({ host, protocol }: PortSpec): boolean =>
    message.includes(` ${host}/${protocol} `) || message.includes(`:${host}/${protocol} `);
  const written = ports.filter(({ host }) => host !== undefined);
  return written.some(named) || (written.length > 0 && written.length === ports.length);
}

/** An effect's error: what follows for the task, and what was half-made goes. */
export async function giveUp(deps: TaskDeps, task: EffectRun, error: CubeError): Promise<void> {
  const finishedAt = deps.ambient.clock.now();
  const observed: Partial<Observation> = { reason: error.message, reasonCode: error.code, detail: undefined, finishedAt };
  const { containerId } = task.observed;
  const then = consequenceOf(error, task);
  if (then === 'rejected') {
    if (containerId !== undefined) void removeQuietly(deps, refOf(task.observed));
    return task.send({ type: 'report.rejected', observed });
  }
  deps.ambient.log.warn(`${task.order.slot}: ${error.message}`, { task: task.order.id, code: error.code });
  // Nobody saw this one end: it must be gone before another may run.
  if (containerId !== undefined) await clear(deps, task, refOf(task.observed));
  const seen = { reasonCode: error.code, containerId: undefined, containerName: undefined };
  if (then === 'failed') return task.send({ type: 'report.failed', observed: { ...observed, ...seen, exitCode: couldNotRun } });
  return ended(deps, task, { exitCode: couldNotRun, reason: error.message, finishedAt }, { seen });
}

/** Stop delay, signal, grace, kill; repeated until the engine has done it, for there is nothing else to do. */
export async function stop(deps: TaskDeps, task: EffectRun): Promise<void> {
  if (task.order.spec.stopDelayMs > 0 && task.observed.containerId !== undefined)
    await pause(deps, task.order.spec.stopDelayMs, task.signal);
  const observed = await insist(deps, task, task.signal, () => stopContainer(deps, task));
  task.send({ type: 'report.stopped', observed });
}

/** Ends a container that runs on, though it is not well. Its exit is for who waits for it. */
export async function endUnwell(deps: TaskDeps, task: EffectRun, signal: AbortSignal): Promise<void> {
  await insist(deps, task, signal, () => deps.runtime.stop(refOf(task.observed), howToStop(task)));
}

/** Repeats a call until it succeeds or nobody wants it any more. @throws what it threw last, once the signal has fired */
async function insist<T>(deps: TaskDeps, task: EffectRun, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      task.send({ type: 'report.progress', observed: { detail: asCubeError(thrown).message } });
      await pause(deps, deps.limits.engineRetryMs, signal);
    }
  }
}

function howToStop({ order }: EffectRun): Parameters<TaskDeps['runtime']['stop']>[1] {
  const { stopSignal, stopGraceMs } = order.spec;
  return { ...(stopSignal === undefined ? {} : { stopSignal }), graceMs: stopGraceMs };
}

/** Stops what runs; what was half-made when the order came is looked for and removed. */
async function stopContainer(deps: TaskDeps, task: EffectRun): Promise<Partial<Observation>> {
  const { order, observed } = task;
  const cleared = { detail: undefined, reason: undefined, reasonCode: undefined };
  if (observed.containerId !== undefined) {
    const exit = await deps.runtime.stop(refOf(observed), howToStop(task));
    return { ...cleared, exitCode: exit.exitCode, finishedAt: exit.finishedAt };
  }
  for (const { ref, taskId } of await deps.runtime.list()) {
    if (taskId === order.id) await deps.runtime.remove(ref);
  }
  return { ...cleared, finishedAt: deps.ambient.clock.now() };
}

/** Removes what an earlier attempt left, and waits for it. */
export async function clear(deps: TaskDeps, task: EffectRun, ref: ContainerRef): Promise<void> {
  try {
    await untilEngineAnswers(deps, task, () => deps.runtime.remove(ref));
  } catch (thrown) {
    if (task.signal.aborted) throw thrown;
    deps.ambient.log.warn(`container ${ref.name} could not be removed: ${asCubeError(thrown).message}`);
  }
}

async function removeQuietly(deps: TaskDeps, ref: ContainerRef): Promise<void> {
  try {
    await deps.runtime.remove(ref);
  } catch (thrown) {
    // A leftover costs disk, not correctness: it is removed with the task.
    deps.ambient.log.warn(`container ${ref.name} could not be removed: ${asCubeError(thrown).message}`);
  }
}
