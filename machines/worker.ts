/**
 * The worker machine: a host that runs tasks. It keeps them running whether or not a manager hears it; what it was ordered and what
 * it observed are on its own disk.
 */
import { assign, fromPromise, setup } from 'xstate';

export interface WorkerContext {
  /** Tasks it supervises. */
  readonly tasks: number;
  /** Why it is cut off. */
  readonly reason: string | null;
}

export type WorkerEvent =
  | { readonly type: 'link.opened' }
  | { readonly type: 'link.lost'; readonly reason: string }
  | { readonly type: 'tasks.counted'; readonly tasks: number }
  /** The node is told to stop; its tasks go on unless they are to stop, too. */
  | { readonly type: 'worker.stop'; readonly stopTasks: boolean };

export const workerMachine = setup({
  types: {
    context: {} as WorkerContext,
    events: {} as WorkerEvent,
  },
  actions: {
    noteLost: assign({ reason: ({ event }) => (event.type === 'link.lost' ? event.reason : null) }),
    noteError: assign({
      reason: (_, params: { readonly error: unknown }) => (params.error instanceof Error ? params.error.message : String(params.error)),
    }),
    noteFound: assign({ reason: null }),
    noteTasks: assign({ tasks: ({ context, event }) => (event.type === 'tasks.counted' ? event.tasks : context.tasks) }),
    /** Lets reports flow to the manager. */
    startReporting: () => undefined,
    /** Keeps them until it is heard again. */
    stopReporting: () => undefined,
  },
  delays: {
    recoverDelay: 1_000,
  },
  actors: {
    recover: fromPromise<void>(() => Promise.resolve()),
    drain: fromPromise<void, { readonly stopTasks: boolean }>(() => Promise.resolve()),
  },
}).createMachine({
  id: 'worker',
  description: 'A host that runs tasks.',
  context: { tasks: 0, reason: null },
  initial: 'recovering',
  on: {
    'tasks.counted': { actions: 'noteTasks' },
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
      entry: ['noteFound', 'startReporting'],
      exit: 'stopReporting',
      on: { 'link.lost': { target: 'cutOff', actions: 'noteLost' } },
    },
    cutOff: {
      description: 'Its manager is out of reach. Tasks go on, restarts too; reports wait.',
      on: { 'link.opened': { target: 'serving' } },
    },
    draining: {
      description: 'About to stop: says goodbye, and stops its tasks if it was told to.',
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
