/** The worker actor: its machine with its effects. */
import { fromPromise } from 'xstate';
import { workerMachine, type WorkerEvent } from '../../machines/worker.ts';
import type { ManagerFrame } from '../../src/ports/transport.ts';
import { createLinkLogic } from '../link.ts';
import { createTaskLogic } from '../task.ts';
import { WorkerDesk, type WorkerDeps } from './desk.ts';

/** A worker, ready to be started, and its desk, through which others ask it things. */
export interface WorkerLogic {
  readonly logic: typeof workerMachine;
  readonly desk: WorkerDesk;
  /** To be called with the actor before it starts. */
  attach(self: { send(event: WorkerEvent): void }): void;
}

/** The worker machine with its effects. */
export function createWorkerLogic(deps: WorkerDeps): WorkerLogic {
  let self: { send(event: WorkerEvent): void } | undefined;
  const desk = new WorkerDesk(deps, { send: (event) => self?.send(event) });
  const { ambient, limits, runtime, dialer, connections } = deps;
  const logic = workerMachine.provide({
    delays: { recoverDelay: limits.engineRetryMs },
    actions: {
      obey: ({ event }) => {
        if (event.type === 'frame.received') desk.obey(event.id, event.frame as ManagerFrame);
      },
      noteTask: ({ event }) => {
        if (event.type === 'task.told') desk.noteTask(event);
      },
      noteProgress: ({ event }) => {
        if (event.type === 'task.progressed') desk.noteProgress(event);
      },
      startReporting: ({ event }) => {
        if (event.type === 'link.opened') desk.connect(event.id);
      },
      stopReporting: () => desk.disconnect(),
    },
    actors: {
      link: createLinkLogic({
        ambient,
        limits,
        dialer,
        connections,
        greeting: () => desk.greeting(),
        beat: () => desk.beat(),
        isServed: () => desk.isConnected,
      }),
      task: createTaskLogic({
        ambient,
        limits,
        runtime,
        found: (id) => desk.upkeep.foundOf(id),
        orderOf: (id) => desk.orderOf(id),
        nodeName: () => desk.facts!.name,
        upkeep: desk.upkeep,
        files: desk.upkeep.files,
      }),
      recover: fromPromise(() => desk.recover()),
      drain: fromPromise(({ input }: { input: { readonly stopTasks: boolean } }) => desk.drain(input.stopTasks)),
    },
  });
  return { logic, desk, attach: (actor) => (self = actor) };
}
