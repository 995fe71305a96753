/**
 * The scheduler machine: collects pending tasks, has them scored, and waits until the manager has committed what it took of the
 * plan. One batch is under way at a time, so that no two plans count on the same room.
 */
import { assign, fromPromise, setup } from 'xstate';
import type { Plan } from '../src/core/placement.ts';

/** What a scheduler counts. */
export interface SchedulerContext {
  /** Whether tasks became pending, or room became free, since the last batch was drawn. */
  readonly more: boolean;
  /** Batches, and placements asked for, since the start. */
  readonly batches: number;
  readonly placed: number;
  readonly unplaced: number;
}

/** What a scheduler is told. */
export type SchedulerEvent =
  /** Something relevant changed: tasks wait, or a node has more room. */
  | { readonly type: 'tasks.pending' }
  /** The manager has committed what it took of the plan. */
  | { readonly type: 'plan.committed' };

/** The scheduler machine. */
export const schedulerMachine = setup({
  types: {
    context: {} as SchedulerContext,
    events: {} as SchedulerEvent,
  },
  actions: {
    noteMore: assign({ more: true }),
    drawBatch: assign({ more: false, batches: ({ context }) => context.batches + 1 }),
    notePlan: assign({
      placed: ({ context }, params: { readonly plan: Plan }) => context.placed + params.plan.placements.length,
      unplaced: ({ context }, params: { readonly plan: Plan }) => context.unplaced + params.plan.unplaced.length,
    }),
    /** Hands the plan to the manager, which checks it against now. */
    sendPlan: (_, _params: { readonly plan: Plan }) => undefined,
    /** Says that the batch failed; its tasks stay pending. */
    reportFailure: (_, _params: { readonly error: unknown }) => undefined,
  },
  guards: {
    hasMore: ({ context }) => context.more,
  },
  delays: {
    collectTime: 0,
    retryDelay: 1_000,
  },
  actors: {
    score: fromPromise<Plan>(() => Promise.resolve({ placements: [], unplaced: [], cursor: 0 })),
  },
}).createMachine({
  id: 'scheduler',
  description: 'Places pending tasks, a batch at a time.',
  context: { more: false, batches: 0, placed: 0, unplaced: 0 },
  initial: 'idle',
  on: {
    'tasks.pending': { actions: 'noteMore' },
  },
  states: {
    idle: {
      description: 'Nothing waits.',
      on: { 'tasks.pending': { target: 'collecting' } },
    },
    collecting: {
      description: 'Gathers what becomes pending at the same moment, so that it is scored together.',
      after: { collectTime: { target: 'scoring' } },
    },
    scoring: {
      description: 'The pool filters and scores all nodes for the batch.',
      entry: 'drawBatch',
      invoke: {
        id: 'score',
        src: 'score',
        onDone: {
          target: 'committing',
          actions: [
            { type: 'notePlan', params: ({ event }) => ({ plan: event.output }) },
            { type: 'sendPlan', params: ({ event }) => ({ plan: event.output }) },
          ],
        },
        onError: { target: 'failing', actions: { type: 'reportFailure', params: ({ event }) => ({ error: event.error }) } },
      },
    },
    committing: {
      description: 'The manager checks each placement against now and commits those that hold.',
      on: {
        'plan.committed': [{ guard: 'hasMore', target: 'collecting' }, { target: 'idle' }],
      },
    },
    failing: {
      description: 'Scoring failed; the batch is tried again after a pause.',
      after: { retryDelay: { target: 'scoring' } },
    },
  },
});
