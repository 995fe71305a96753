/**
 * The task actor's effects on a worker: one container, from looking for it to its end. Each effect drives the runtime and says
 * what it saw as a `report.*` event; the machine decides nothing else.
 */
import { fromCallback, raise, sendParent, sendTo } from 'xstate';
import { taskMachine, type EffectInput, type TaskEvent } from '../machines/task.ts';
import { asCubeError } from '../src/core/errors.ts';
import { adopt, prepare, start } from './task/beginning.ts';
import { giveUp, stop } from './task/ending.ts';
import type { EffectRun, TaskDeps } from './task/run.ts';
import { watch } from './task/watching.ts';

/** The task machine with its effects; what it tells goes to its worker. */
export function createTaskLogic(deps: TaskDeps): typeof taskMachine {
  /** Effects under way, by task: the next one of a task begins when the one before has let go of the engine. */
  const underWay = new Map<string, Promise<void>>();
  const effect = (run: (deps: TaskDeps, task: EffectRun) => Promise<void>) =>
    fromCallback<TaskEvent, EffectInput>(({ sendBack, receive, input }) => {
      const abort = new AbortController();
      const listeners = new Set<() => void>();
      receive((event) => {
        if (event.type === 'order.update') for (const listener of listeners) listener();
      });
      const { id } = input.order;
      const task: EffectRun = {
        ...input,
        get order() {
          return deps.orderOf(id) ?? input.order;
        },
        send: (event) => {
          if (!abort.signal.aborted) sendBack(event);
        },
        signal: abort.signal,
        onUpdate(listener) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      };
      const work = (underWay.get(id) ?? Promise.resolve())
        .then(() => run(deps, task))
        .catch(async (thrown: unknown) => {
          if (!abort.signal.aborted) await giveUp(deps, task, asCubeError(thrown, 'engine-error'));
        })
        .catch((thrown: unknown) => {
          if (!abort.signal.aborted) deps.ambient.log.error(`${task.order.slot}: ${asCubeError(thrown).message}`, { task: id });
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
      passUpdate: sendTo('watch', ({ event }) => event),
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
