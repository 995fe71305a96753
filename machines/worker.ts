/**
 * The worker machine: a host that runs tasks. It keeps them running whether or not a manager hears it; what it was ordered and what
 * it observed are on its own disk.
 */
import { assign, fromPromise, sendTo, setup, spawnChild, stopChild } from 'xstate';
import type { Health, Order, ReportedState } from '../src/core/task.ts';
import { linkMachine, type LinkWanted } from './link.ts';
import type { Observation } from '../src/core/attempts.ts';
import { taskMachine } from './task.ts';

/** What a worker knows of itself. */
export interface WorkerContext {
  /** Tasks it supervises. */
  readonly tasks: number;
  /** The open link, the newest if there are two. */
  readonly link: string | null;
  /** Why it is cut off. */
  readonly reason: string | null;
}

/** What a worker is told, by its node, its links and its tasks. */
export type WorkerEvent =
  /** A link is to be kept: one to dial, or one that was accepted. */
  | LinkWanted
  | { readonly type: 'link.opened'; readonly id: string }
  | { readonly type: 'link.lost'; readonly id: string; readonly reason: string }
  /** A link that was closed for good, to be dropped. */
  | { readonly type: 'link.gone'; readonly id: string }
  /** A frame of the manager. */
  | { readonly type: 'frame.received'; readonly id: string; readonly frame: unknown }
  /** A task to supervise, with what was observed of it before. */
  | { readonly type: 'task.ordered'; readonly order: Order; readonly observed?: Observation; readonly lastState?: ReportedState }
  | { readonly type: 'task.updated'; readonly order: Order }
  | { readonly type: 'task.stopOrdered'; readonly id: string }
  /** A task's word: the state it entered. */
  | {
      readonly type: 'task.told';
      readonly id: string;
      readonly state: ReportedState;
      readonly health: Health;
      readonly observed: Observation;
    }
  /** Something changed within its state: the progress of a pull. */
  | { readonly type: 'task.progressed'; readonly id: string; readonly observed: Observation }
  /** A task that ended is no longer kept. */
  | { readonly type: 'task.dismissed'; readonly id: string }
  /** The node is told to stop; its tasks go on unless they are to stop, too. */
  | { readonly type: 'worker.stop'; readonly stopTasks: boolean };

/** The worker machine. */
export const workerMachine = setup({
  types: {
    context: {} as WorkerContext,
    events: {} as WorkerEvent,
  },
  actions: {
    noteLost: assign({ link: null, reason: ({ event }) => (event.type === 'link.lost' ? event.reason : null) }),
    noteError: assign({
      reason: (_, params: { readonly error: unknown }) => (params.error instanceof Error ? params.error.message : String(params.error)),
    }),
    noteOpened: assign({ link: ({ event }) => (event.type === 'link.opened' ? event.id : null), reason: null }),
    dropLink: stopChild(({ event }) => (event.type === 'link.gone' ? event.id : '')),
    keepLink: spawnChild('link', {
      id: ({ event }) => (event.type === 'link.wanted' ? event.id : 'link'),
      input: ({ event }) => event as LinkWanted,
    }),
    supervise: spawnChild('task', {
      id: ({ event }) => (event.type === 'task.ordered' ? event.order.id : 'task'),
      input: ({ event }) => event as Extract<WorkerEvent, { type: 'task.ordered' }>,
    }),
    countUp: assign({ tasks: ({ context }) => context.tasks + 1 }),
    countDown: assign({ tasks: ({ context }) => context.tasks - 1 }),
    begin: sendTo(({ event }) => (event.type === 'task.ordered' ? event.order.id : ''), { type: 'order.schedule' }),
    passUpdate: sendTo(
      ({ event }) => (event.type === 'task.updated' ? event.order.id : ''),
      ({ event }) => ({ type: 'order.update', order: (event as Extract<WorkerEvent, { type: 'task.updated' }>).order }),
    ),
    passStop: sendTo(({ event }) => (event.type === 'task.stopOrdered' ? event.id : ''), { type: 'order.stop' }),
    dismiss: stopChild(({ event }) => (event.type === 'task.dismissed' ? event.id : '')),
    /** Takes a frame of the manager: orders, acknowledgements, requests for streams. */
    obey: () => undefined,
    /** Writes down what a task told, and passes it on. */
    noteTask: () => undefined,
    noteProgress: () => undefined,
    /** Lets reports flow to the manager. */
    startReporting: () => undefined,
    /** Keeps them until it is heard again. */
    stopReporting: () => undefined,
  },
  guards: {
    isOurLink: ({ context, event }) => event.type === 'link.lost' && event.id === context.link,
  },
  delays: {
    recoverDelay: 1_000,
  },
  actors: {
    link: linkMachine,
    task: taskMachine,
    recover: fromPromise<void>(() => Promise.resolve()),
    drain: fromPromise<void, { readonly stopTasks: boolean }>(() => Promise.resolve()),
  },
}).createMachine({
  id: 'worker',
  description: 'A host that runs tasks.',
  context: { tasks: 0, link: null, reason: null },
  initial: 'recovering',
  on: {
    'link.wanted': { actions: 'keepLink' },
    'link.gone': { actions: 'dropLink' },
    'frame.received': { actions: 'obey' },
    'task.ordered': { actions: ['supervise', 'countUp', 'begin'] },
    'task.updated': { actions: 'passUpdate' },
    'task.stopOrdered': { actions: 'passStop' },
    'task.told': { actions: 'noteTask' },
    'task.progressed': { actions: 'noteProgress' },
    'task.dismissed': { actions: ['dismiss', 'countDown'] },
    'worker.stop': { target: '.draining' },
  },
  states: {
    recovering: {
      description: 'Reads what it was ordered, looks at what runs, and takes it up again.',
      invoke: {
        id: 'recover',
        src: 'recover',
        onDone: { target: 'joining' },
        onError: { target: 'waiting', actions: { type: 'noteError', params: ({ event }) => ({ error: event.error }) } },
      },
    },
    waiting: {
      description: 'The engine or the disk did not answer; tries again after a pause.',
      after: { recoverDelay: { target: 'recovering' } },
    },
    joining: {
      description: 'Looks for its manager.',
      on: { 'link.opened': { target: 'serving' } },
    },
    serving: {
      description: 'Heard by its manager: takes orders and reports.',
      entry: ['noteOpened', 'startReporting'],
      on: {
        'link.opened': { target: 'serving', reenter: true },
        'link.lost': { guard: 'isOurLink', target: 'cutOff', actions: ['noteLost', 'stopReporting'] },
      },
    },
    cutOff: {
      description: 'Its manager is out of reach. Tasks go on, restarts too; reports wait.',
      on: { 'link.opened': { target: 'serving' } },
    },
    draining: {
      description: 'About to stop: says goodbye, and stops its tasks if it was told to.',
      on: { 'link.lost': { guard: 'isOurLink', actions: ['noteLost', 'stopReporting'] } },
      invoke: {
        id: 'drain',
        src: 'drain',
        input: ({ event }) => ({ stopTasks: event.type === 'worker.stop' && event.stopTasks }),
        onDone: { target: 'stopped' },
        onError: { target: 'stopped', actions: { type: 'noteError', params: ({ event }) => ({ error: event.error }) } },
      },
    },
    stopped: {
      type: 'final',
      description: 'Ended with its node.',
    },
  },
});
