/** A running container: its end is waited for, its health is followed, and what the attempt before left is removed. */
import { asCubeError } from '../../src/core/errors.ts';
import { containerName } from '../../src/core/ids.ts';
import { untilEngineAnswers } from '../patience.ts';
import { endUnwell, ended } from './ending.ts';
import { untilUnwell } from './health.ts';
import { refOf, type EffectRun, type TaskDeps } from './run.ts';

/** Waits for the end, and decides by the restart policy what follows. */
export async function watch(deps: TaskDeps, task: EffectRun): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([task.signal, over.signal]);
  let { unwell } = task.observed;
  const looking = (unwell === undefined ? untilUnwell(deps, task, signal) : Promise.resolve(unwell)).then((reason) => {
    unwell = reason;
    return endUnwell(deps, task, signal);
  });
  retireLast(deps, task);
  const besides = [quietly(deps, task, signal, looking)];
  try {
    const exit = await untilEngineAnswers(deps, task, () => deps.runtime.wait(refOf(task.observed), task.signal));
    ended(deps, task, exit, { unwell });
  } finally {
    over.abort();
    await Promise.all(besides);
  }
}

/** Lets the container of the attempt before go, now that this one runs. Nobody waits for it: a crash leaves it to the next look. */
function retireLast({ upkeep }: TaskDeps, { observed, order, send }: EffectRun): void {
  const { endedContainerId, endedAttempt = observed.attempt - 1 } = observed;
  if (endedContainerId === undefined) return;
  void upkeep.retire(order.id, endedAttempt, { id: endedContainerId, name: containerName(order, endedAttempt) });
  send({ type: 'report.progress', observed: { endedContainerId: undefined, endedAttempt: undefined } });
}

/** What goes on beside the wait ends with it, and its errors end nothing. */
async function quietly(deps: TaskDeps, task: EffectRun, signal: AbortSignal, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (thrown) {
    if (signal.aborted) return;
    deps.ambient.log.warn(`${task.order.slot}: ${asCubeError(thrown).message}`, { task: task.order.id });
  }
}
