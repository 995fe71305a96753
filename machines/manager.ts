/**
 * The manager machine: leadership. What a leader does for its clients and workers is in actors/manager/; here is only whether it
 * may. A failed commit is never retried blindly: the manager steps down, lets the store go, and starts anew from what is on disk.
 */
import { assign, fromPromise, sendTo, setup, spawnChild, stopChild } from 'xstate';
import type { Epoch } from '../src/core/events.ts';
import type { Plan } from '../src/core/placement.ts';
import { linkMachine, type LinkWanted } from './link.ts';
import { schedulerMachine } from './scheduler.ts';

/** What a manager knows of its leadership. */
export interface ManagerContext {
  readonly epoch: Epoch | null;
  /** Why it does not lead. */
  readonly reason: string | null;
}

/** What electing gives: the epoch of this leadership, on disk. */
export interface Leadership {
  readonly epoch: Epoch;
}

/** What a manager is told. */
export type ManagerEvent =
  /** A client's request; `ask` names who waits for the answer. */
  | { readonly type: 'client.request'; readonly ask: number; readonly kind: string }
  /** A link is to be kept: a worker to dial, or one that was accepted. */
  | LinkWanted
  | { readonly type: 'link.opened'; readonly id: string }
  | { readonly type: 'link.lost'; readonly id: string; readonly reason: string }
  /** A link that was closed for good, to be dropped. */
  | { readonly type: 'link.gone'; readonly id: string }
  /** A frame of a worker. */
  | { readonly type: 'frame.received'; readonly id: string; readonly frame: unknown }
  /** Tasks wait for a place, or there is more room. */
  | { readonly type: 'placing.wanted' }
  /** The scheduler's answer. */
  | { readonly type: 'plan.ready'; readonly plan: Plan }
  | { readonly type: 'plan.committed' }
  /** The first of the deadlines is due. */
  | { readonly type: 'deadline.passed' }
  | { readonly type: 'store.failed'; readonly reason: string }
  | { readonly type: 'manager.stop' };

/** The manager machine. */
export const managerMachine = setup({
  types: {
    context: {} as ManagerContext,
    events: {} as ManagerEvent,
  },
  actions: {
    noteEpoch: assign({ epoch: (_, params: { readonly epoch: Epoch }) => params.epoch, reason: null }),
    noteReason: assign({
      reason: (_, params: { readonly error: unknown }) => (params.error instanceof Error ? params.error.message : String(params.error)),
    }),
    noteStoreFailure: assign({ reason: ({ event }) => (event.type === 'store.failed' ? event.reason : null) }),
    /** Answers a request. */
    serve: () => undefined,
    /** Says that this is not the leader. */
    refuse: () => undefined,
    dropLink: stopChild(({ event }) => (event.type === 'link.gone' ? event.id : '')),
    keepLink: spawnChild('link', {
      id: ({ event }) => (event.type === 'link.wanted' ? event.id : 'link'),
      input: ({ event }) => event as LinkWanted,
    }),
    /** Takes a worker's frame. */
    hear: () => undefined,
    /** The session on that link is over. */
    noteLinkLost: () => undefined,
    wakeScheduler: sendTo('scheduler', { type: 'tasks.pending' }),
    releaseScheduler: sendTo('scheduler', { type: 'plan.committed' }),
    /** Checks a plan against now and commits what holds. */
    takePlan: () => undefined,
    /** Looks at the deadlines that have passed. */
    checkDeadlines: () => undefined,
    /** Begins to act: links may be welcomed, pending tasks are placed, deadlines run. */
    takeOffice: () => undefined,
    /** Stops acting: all that waits is refused. */
    leaveOffice: () => undefined,
  },
  delays: {
    electionDelay: 1_000,
  },
  actors: {
    link: linkMachine,
    scheduler: schedulerMachine,
    elect: fromPromise<Leadership>(() => Promise.reject(new Error('no election is provided'))),
    recover: fromPromise<void>(() => Promise.resolve()),
    release: fromPromise<void>(() => Promise.resolve()),
  },
}).createMachine({
  id: 'manager',
  description: 'Who leads the cluster. With an embedded store there is one manager, which is elected by opening the store.',
  context: { epoch: null, reason: null },
  initial: 'electing',
  on: {
    'client.request': { actions: 'refuse' },
    'link.wanted': { actions: 'keepLink' },
    'link.gone': { actions: 'dropLink' },
    'manager.stop': { target: '.stopped' },
  },
  states: {
    following: {
      description: 'Does not lead, and will try to after a pause.',
      after: { electionDelay: { target: 'electing' } },
    },
    electing: {
      description: 'Opens the store, which only one can, and raises the epoch there.',
      invoke: {
        id: 'elect',
        src: 'elect',
        onDone: { target: 'recovering', actions: { type: 'noteEpoch', params: ({ event }) => ({ epoch: event.output.epoch }) } },
        onError: { target: 'steppingDown', actions: { type: 'noteReason', params: ({ event }) => ({ error: event.error }) } },
      },
    },
    recovering: {
      description: 'Rebuilds its state from what is on disk.',
      invoke: {
        id: 'recover',
        src: 'recover',
        onDone: { target: 'leading' },
        onError: { target: 'steppingDown', actions: { type: 'noteReason', params: ({ event }) => ({ error: event.error }) } },
      },
    },
    leading: {
      description: 'Decides, commits, then tells.',
      entry: 'takeOffice',
      exit: 'leaveOffice',
      invoke: { id: 'scheduler', src: 'scheduler' },
      on: {
        'client.request': { actions: 'serve' },
        'link.lost': { actions: 'noteLinkLost' },
        'frame.received': { actions: 'hear' },
        'placing.wanted': { actions: 'wakeScheduler' },
        'plan.ready': { actions: 'takePlan' },
        'plan.committed': { actions: 'releaseScheduler' },
        'deadline.passed': { actions: 'checkDeadlines' },
        'store.failed': { target: 'steppingDown', actions: 'noteStoreFailure' },
      },
    },
    steppingDown: {
      description: 'Lets the store go.',
      invoke: {
        id: 'release',
        src: 'release',
        onDone: { target: 'following' },
        onError: { target: 'following', actions: { type: 'noteReason', params: ({ event }) => ({ error: event.error }) } },
      },
    },
    stopped: {
      type: 'final',
      description: 'Ended with its node.',
    },
  },
});
