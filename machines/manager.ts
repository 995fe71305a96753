/**
 * The manager machine: leadership. What a leader does for its clients and workers is in actors/manager/; here is only whether it
 * may. A failed commit is never retried blindly: the manager steps down, lets the store go, and starts anew from what is on disk.
 */
import { assign, fromPromise, setup } from 'xstate';
import type { Epoch } from '../src/core/events.ts';

export interface ManagerContext {
  readonly epoch: Epoch | null;
  /** Why it does not lead. */
  readonly reason: string | null;
}

/** What electing gives: the epoch of this leadership, on disk. */
export interface Leadership {
  readonly epoch: Epoch;
}

export type ManagerEvent =
  /** A client's request; its answer goes back through it. */
  | { readonly type: 'client.request'; readonly request: ClientRequest }
  /** A frame of a worker, or its link opened or closed. */
  | { readonly type: 'worker.message'; readonly message: WorkerMessage }
  | { readonly type: 'plan.ready'; readonly plan: unknown }
  | { readonly type: 'deadline.passed' }
  | { readonly type: 'store.failed'; readonly reason: string }
  | { readonly type: 'manager.stop' };

/** A request as the machine sees it: opaque, but for a way to say no. */
export interface ClientRequest {
  readonly kind: string;
  readonly run: () => void;
  readonly refuse: (reason: string) => void;
}

/** A worker's message as the machine sees it: opaque. */
export interface WorkerMessage {
  readonly kind: string;
  readonly run: () => void;
}

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
    /** Takes a worker's message. */
    hear: () => undefined,
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
      on: {
        'client.request': { actions: 'serve' },
        'worker.message': { actions: 'hear' },
        'plan.ready': { actions: 'takePlan' },
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
