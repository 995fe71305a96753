/**
 * The task actor's effects on a worker: one container, from looking for it to its end. Each effect drives the runtime and says
 * what it saw as a `report.*` event; the machine decides nothing else.
 */
import { fromCallback, raise, sendParent } from 'xstate';
import { taskMachine, type EffectInput, type Observation, type TaskEvent } from '../machines/task.ts';
import { asCubeError, type CubeError, type ErrorCode } from '../src/core/errors.ts';
import type { Limits } from '../src/core/limits.ts';
import { afterExit } from '../src/core/restart.ts';
import type { Order } from '../src/core/task.ts';
import type { Ambient } from '../src/ports/ambient.ts';
import type { ContainerRef, Exit, Found, Runtime } from '../src/ports/runtime.ts';
import { pause, untilEngineAnswers } from './patience.ts';

/** What task actors work with. */
export interface TaskDeps {
  readonly ambient: Ambient;
  readonly limits: Limits;
  readonly runtime: Runtime;
  /** Containers of a task that were there when the worker started; later ones it made itself. */
  readonly found: (taskId: string) => readonly Found[];
  /** What a task was last ordered: its terms may change while an effect is under way. */
  readonly orderOf: (taskId: string) => Order | undefined;
}

type Send = (event: TaskEvent) => void;

/** What can be mended by nobody but the user: the task is rejected at once. */
const hopeless: ReadonlySet<ErrorCode> = new Set([
  'image-not-found',
  'image-denied',
  'image-bad-name',
  'image-unavailable',
  'bad-command',
  'bad-settings',
]);

/** The exit code shells and Docker give when a container could not be run at all. */
const couldNotRun = 125;

/** The task machine with its effects; what it tells goes to its worker. */
export function createTaskLogic(deps: TaskDeps): typeof taskMachine {
  /** Effects under way, by task: the next one of a task begins when the one before has let go of the engine. */
  const underWay = new Map<string, Promise<void>>();
  const effect = (run: (deps: TaskDeps, task: EffectRun) => Promise<void>) =>
    fromCallback<TaskEvent, EffectInput>(({ sendBack, input }) => {
      const abort = new AbortController();
      const send: Send = (event) => {
        if (!abort.signal.aborted) sendBack(event);
      };
      const { id } = input.order;
      const task: EffectRun = {
        ...input,
        get order() {
          return deps.orderOf(id) ?? input.order;
        },
        send,
        signal: abort.signal,
      };
      const work = (underWay.get(id) ?? Promise.resolve())
        .then(() => run(deps, task))
        .catch((thrown: unknown) => {
          if (!abort.signal.aborted) giveUp(deps, task, asCubeError(thrown, 'engine-error'));
        })
        .finally(() => {
          if (underWay.get(id) === work) underWay.delete(id);
        });
      underWay.set(id, work);
      return () => abort.abort();
    });
  return taskMachine.provide({
    actions: {
      beginStopping: raise({ type: 'report.stopping' }),
      tell: sendParent(({ context }, told) => ({ type: 'task.told', id: context.order.id, ...told, observed: context.observed })),
      tellProgress: sendParent(({ context }) => ({ type: 'task.progressed', id: context.order.id, observed: context.observed })),
    },
    actors: {
      adopt: effect(adopt),
      prepare: effect(prepare),
      start: effect(start),
      watch: effect(watch),
      stop: effect(stop),
    },
  });
}

interface EffectRun extends EffectInput {
  readonly send: Send;
  readonly signal: AbortSignal;
}

/** Looks for a container that is already there: after a crash of the node, or when the answer to a create was lost. */
async function adopt(deps: TaskDeps, task: EffectRun): Promise<void> {
  const [newest, ...older] = deps.found(task.order.id).toSorted((a, b) => b.attempt - a.attempt);
  for (const { ref } of older) await clear(deps, task, ref);
  if (newest === undefined) {
    if (task.desired === 'stopped') return task.send({ type: 'report.stopping' });
    const ranBefore = task.lastState === 'running' || task.lastState === 'starting';
    if (!ranBefore) return task.send({ type: 'report.preparing' });
    return ended(deps, task, {
      exitCode: 137,
      reason: 'its container was removed while the node was down',
      finishedAt: deps.ambient.clock.now(),
    });
  }
  if (newest.attempt < task.observed.attempt && task.desired === 'running') {
    // Its end was dealt with before the crash; the attempt after it has no container yet.
    return task.send({ type: 'report.preparing', observed: { endedContainerId: newest.ref.id } });
  }
  const observed: Partial<Observation> = {
    attempt: newest.attempt,
    restarts: Math.max(task.observed.restarts, newest.attempt - 1),
    containerId: newest.ref.id,
    containerName: newest.ref.name,
    ...(newest.startedAt === undefined ? {} : { startedAt: newest.startedAt }),
  };
  if (task.desired === 'stopped') {
    // One that never ran is removed, not stopped: its start may have been asked for before the crash, and still be under way.
    const gone = newest.state === 'created' ? { containerId: undefined, containerName: undefined } : {};
    return task.send({ type: 'report.stopping', observed: { ...observed, ...gone } });
  }
  if (newest.state === 'created') return task.send({ type: 'report.starting', observed });
  if (newest.state === 'running') return task.send({ type: 'report.running', observed });
  if (task.lastState === 'backingOff' && task.observed.attempt === newest.attempt) {
    return task.send({ type: 'report.backingOff', observed, restartDelayMs: task.order.spec.restart.delayMs });
  }
  return ended(deps, { ...task, observed: { ...task.observed, ...observed } }, newest.exit!);
}

/** Pulls and creates. The container of the attempt before is kept until the new one is made. */
async function prepare(deps: TaskDeps, task: EffectRun): Promise<void> {
  const { order, observed, signal, send } = task;
  const ref = await untilEngineAnswers(deps, task, () =>
    deps.runtime.prepare(
      { order, attempt: observed.attempt },
      { signal, onProgress: (detail) => send({ type: 'report.progress', observed: { detail } }) },
    ),
  );
  if (observed.endedContainerId !== undefined) await clear(deps, task, { id: observed.endedContainerId, name: 'of the attempt before' });
  send({
    type: 'report.starting',
    observed: {
      containerId: ref.id,
      containerName: ref.name,
      detail: undefined,
      reason: undefined,
      reasonCode: undefined,
      endedContainerId: undefined,
    },
  });
}

/** Starts. A port that is taken is tried a few times: its holder may just be on its way out. */
async function start(deps: TaskDeps, task: EffectRun): Promise<void> {
  const { limits } = deps;
  // A start is never cut short: whether it happened would be unknown, and the stop that waits for it would find nothing.
  const uncut = new AbortController().signal;
  for (let tried = 1; ; tried++) {
    try {
      const { startedAt } = await untilEngineAnswers(deps, task, () => deps.runtime.start(refOf(task.observed), uncut));
      return task.send({
        type: 'report.running',
        observed: { startedAt, exitCode: undefined, reason: undefined, reasonCode: undefined, detail: undefined },
      });
    } catch (thrown) {
      const error = asCubeError(thrown, 'engine-error');
      if (error.code !== 'port-taken' || tried >= limits.pullTries) throw error;
      task.send({ type: 'report.progress', observed: { detail: error.message } });
      await pause(deps, limits.engineRetryMs, task.signal);
    }
  }
}

/** Waits for the end, and decides by the restart policy what follows. */
async function watch(deps: TaskDeps, task: EffectRun): Promise<void> {
  const exit = await untilEngineAnswers(deps, task, () => deps.runtime.wait(refOf(task.observed), task.signal));
  ended(deps, task, exit);
}

function ended(deps: TaskDeps, task: EffectRun, exit: Exit): void {
  const { order, observed, send } = task;
  const { clock, random } = deps.ambient;
  const now = clock.now();
  const restartedAt = (observed.restartedAt ?? []).filter((at) => at > now - order.spec.restart.withinMs);
  const verdict = afterExit(
    order.jobType,
    order.spec.restart,
    { exitCode: exit.exitCode, restartedAt, now, chance: random() },
    deps.limits.restartJitter,
  );
  const seen: Partial<Observation> = {
    ...observed,
    exitCode: exit.exitCode,
    finishedAt: exit.finishedAt,
    detail: undefined,
    reason: exit.reason,
  };
  if (verdict.then === 'completed') return send({ type: 'report.completed', observed: seen });
  if (verdict.then === 'failed') {
    return send({
      type: 'report.failed',
      observed: { ...seen, reason: exit.reason ? `${exit.reason} (${verdict.reason})` : verdict.reason },
    });
  }
  const reason = exit.reason ?? `exit code ${exit.exitCode}`;
  return send({
    type: 'report.backingOff',
    restartDelayMs: verdict.delayMs,
    observed: {
      ...seen,
      reason: `${reason}; restart ${verdict.attemptsUsed} of ${order.spec.restart.attempts} in ${verdict.delayMs} ms`,
      restartedAt: [...restartedAt, now],
    },
  });
}

/** Stop delay, signal, grace, kill; repeated until the engine has done it, for there is nothing else to do. */
async function stop(deps: TaskDeps, task: EffectRun): Promise<void> {
  if (task.order.spec.stopDelayMs > 0 && task.observed.containerId !== undefined)
    await pause(deps, task.order.spec.stopDelayMs, task.signal);
  for (;;) {
    try {
      return task.send({ type: 'report.stopped', observed: await stopContainer(deps, task) });
    } catch (thrown) {
      if (task.signal.aborted) throw thrown;
      task.send({ type: 'report.progress', observed: { detail: asCubeError(thrown).message } });
      await pause(deps, deps.limits.engineRetryMs, task.signal);
    }
  }
}

/** Stops what runs; what was half-made when the order came is looked for and removed. */
async function stopContainer(deps: TaskDeps, { order, observed }: EffectRun): Promise<Partial<Observation>> {
  const cleared = { detail: undefined, reason: undefined, reasonCode: undefined };
  if (observed.containerId !== undefined) {
    const how = { stopSignal: order.spec.stopSignal, graceMs: order.spec.stopGraceMs };
    const exit = await deps.runtime.stop(refOf(observed), how);
    return { ...cleared, exitCode: exit.exitCode, finishedAt: exit.finishedAt };
  }
  for (const { ref, taskId } of await deps.runtime.list()) {
    if (taskId === order.id) await deps.runtime.remove(ref);
  }
  return { ...cleared, finishedAt: deps.ambient.clock.now() };
}

/** An effect's error: what is hopeless is rejected; the rest counts as an attempt that could not be run. */
function giveUp(deps: TaskDeps, task: EffectRun, error: CubeError): void {
  const finishedAt = deps.ambient.clock.now();
  const observed: Partial<Observation> = { reason: error.message, reasonCode: error.code, detail: undefined, finishedAt };
  const neverRan = task.observed.restarts === 0 && task.observed.startedAt === undefined;
  if (hopeless.has(error.code) || (error.code === 'port-taken' && neverRan)) {
    if (task.observed.containerId !== undefined) void removeQuietly(deps, refOf(task.observed));
    return task.send({ type: 'report.rejected', observed });
  }
  deps.ambient.log.warn(`${task.order.slot}: ${error.message}`, { task: task.order.id, code: error.code });
  return ended(
    deps,
    { ...task, observed: { ...task.observed, reasonCode: error.code } },
    { exitCode: couldNotRun, reason: error.message, finishedAt },
  );
}

/** Removes what an earlier attempt left, and waits for it: no two of a task may run. */
async function clear(deps: TaskDeps, task: EffectRun, ref: ContainerRef): Promise<void> {
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

function refOf(observed: Observation): ContainerRef {
  return { id: observed.containerId ?? '', name: observed.containerName ?? '' };
}
