/**
 * The task machine: one placement of a slot on a node, from pending to its end.
 *
 * Two drive it. The manager holds no actor for a task: it moves its records along this machine's flat table (flat-table.ts) by
 * `order.*` and `node.*` events, and by the worker's `report.*`. On a worker each task is a live actor that supervises one
 * container: its invoked effects (adopt, prepare, start, watch, stop) send the `report.*` events. `watch` follows its health, too.
 *
 * Reports name the observed state and may skip states (they are coalesced on the way), so the root takes every one of them from
 * every state that is not final. The edges inside the states are the usual path; they lead to the same places.
 */
import { assign, fromCallback, setup } from 'xstate';
import { nextAttempt, type Observation } from '../src/core/attempts.ts';
import type { Desired, Health, Order, ReportedState } from '../src/core/task.ts';

/** What a task is started with on its worker. */
export interface TaskInput {
  readonly order: Order;
  /** What was observed before a crash, if anything. */
  readonly observed?: Observation;
  /** The state it was in then. */
  readonly lastState?: ReportedState;
}

/** What a task knows of itself. */
export interface TaskContext {
  readonly order: Order;
  readonly desired: Desired;
  readonly observed: Observation;
  readonly lastState: ReportedState | null;
  /** How long to wait before the next attempt. */
  readonly restartDelayMs: number;
}

/** A worker's word: the observed state is the event's name, what else was seen is in `observed`. */
export interface Report<Name extends string> {
  readonly type: Name;
  readonly observed?: Partial<Observation>;
}

/** What moves a task; the prefix names whose edge it is. */
export type TaskEvent =
  | { readonly type: 'order.schedule' }
  | { readonly type: 'order.stop' }
  /** The same container under changed terms: another restart policy, another grace. */
  | { readonly type: 'order.update'; readonly order: Order }
  | { readonly type: 'order.reject' }
  | { readonly type: 'node.down' }
  | { readonly type: 'node.removed' }
  | Report<'report.preparing'>
  | Report<'report.starting'>
  | Report<'report.running'>
  | Report<'report.healthy'>
  | Report<'report.unhealthy'>
  | (Report<'report.backingOff'> & { readonly restartDelayMs?: number })
  | Report<'report.stopping'>
  | Report<'report.completed'>
  | Report<'report.failed'>
  | Report<'report.stopped'>
  | Report<'report.lost'>
  | Report<'report.rejected'>
  | Report<'report.progress'>;

/** What the invoked effects get. */
export interface EffectInput {
  readonly order: Order;
  readonly desired: Desired;
  readonly observed: Observation;
  readonly lastState: ReportedState | null;
}

/** What a task tells its worker with each state it enters. */
export interface Told {
  readonly state: ReportedState;
  readonly health: Health;
}

/** Stands for an effect until `actors/` provides it: it is told what to do and sends reports back. */
const effect = fromCallback<TaskEvent, EffectInput>(() => undefined);

/** The task machine. */
export const taskMachine = setup({
  types: {
    input: {} as TaskInput,
    context: {} as TaskContext,
    events: {} as TaskEvent,
  },
  actions: {
    observe: assign({
      observed: ({ context, event }) =>
        'observed' in event && event.observed ? { ...context.observed, ...event.observed } : context.observed,
      restartDelayMs: ({ context, event }) =>
        event.type === 'report.backingOff' && event.restartDelayMs !== undefined ? event.restartDelayMs : context.restartDelayMs,
    }),
    wantStopped: assign({ desired: 'stopped' as const }),
    /** On a worker: begins to stop. The manager only writes what it wants; its order travels to the worker. */
    beginStopping: () => undefined,
    /** On a worker: tells who follows the container's health. */
    passUpdate: () => undefined,
    takeUpdate: assign({ order: ({ context, event }) => (event.type === 'order.update' ? event.order : context.order) }),
    nextAttempt: assign({ observed: ({ context }) => nextAttempt(context.observed) }),
    /** Tells the worker, which tells the manager. */
    tell: (_, _told: Told) => undefined,
    /** Tells that something changed within the state. */
    tellProgress: () => undefined,
  },
  delays: {
    restartDelay: ({ context }) => context.restartDelayMs,
  },
  actors: {
    adopt: effect,
    prepare: effect,
    start: effect,
    watch: effect,
    stop: effect,
  },
}).createMachine({
  id: 'task',
  description: 'One placement of a slot on a node. Replaced by a new one, never revived, once it is final.',
  context: ({ input }) => ({
    order: input.order,
    desired: input.order.desired,
    observed: input.observed ?? { attempt: 1, restarts: 0 },
    lastState: input.lastState ?? null,
    restartDelayMs: 0,
  }),
  initial: 'pending',
  on: {
    'order.stop': { actions: ['wantStopped', 'beginStopping'] },
    'report.preparing': { target: '.preparing', actions: 'observe' },
    'report.starting': { target: '.starting', actions: 'observe' },
    'report.running': { target: '.running', actions: 'observe' },
    'report.healthy': { target: '.running.healthy', actions: 'observe' },
    'report.unhealthy': { target: '.running.unhealthy', actions: 'observe' },
    'report.backingOff': { target: '.backingOff', actions: 'observe' },
    'report.stopping': { target: '.stopping', actions: 'observe' },
    'report.completed': { target: '.completed', actions: 'observe' },
    'report.failed': { target: '.failed', actions: 'observe' },
    'report.stopped': { target: '.stopped', actions: 'observe' },
    'report.lost': { target: '.lost', actions: 'observe' },
    'report.rejected': { target: '.rejected', actions: 'observe' },
    'report.progress': { actions: ['observe', 'tellProgress'] },
    'order.update': { actions: 'takeUpdate' },
    'node.removed': { target: '.lost' },
  },
  states: {
    pending: {
      description: 'Accepted and on disk; waits for a node. The reason why it still waits is in its record.',
      tags: ['manager'],
      on: {
        'order.schedule': { target: 'scheduled' },
        'order.stop': { target: 'stopped', actions: 'wantStopped' },
        'order.reject': { target: 'rejected' },
      },
    },
    scheduled: {
      description: 'Placed on a node; the worker has the order or is about to get it. It looks for a container that is already there.',
      tags: ['manager'],
      invoke: { id: 'adopt', src: 'adopt', input: ({ context }) => context },
      on: {
        'report.preparing': { target: 'preparing', actions: 'observe' },
        'node.down': { target: 'unreachable' },
      },
    },
    preparing: {
      description: 'The image is pulled if it must be, and the container is made.',
      tags: ['worker'],
      entry: { type: 'tell', params: { state: 'preparing', health: 'unknown' } },
      invoke: { id: 'prepare', src: 'prepare', input: ({ context }) => context },
      on: {
        'report.starting': { target: 'starting', actions: 'observe' },
        'report.rejected': { target: 'rejected', actions: 'observe' },
        'node.down': { target: 'unreachable' },
      },
    },
    starting: {
      description: 'The container is made and is being started.',
      tags: ['worker'],
      entry: { type: 'tell', params: { state: 'starting', health: 'unknown' } },
      invoke: { id: 'start', src: 'start', input: ({ context }) => context },
      on: {
        'report.running': { target: 'running', actions: 'observe' },
        'node.down': { target: 'unreachable' },
      },
    },
    running: {
      description: 'The container runs. Its health, where there is a check, is a state of its own.',
      tags: ['worker'],
      invoke: { id: 'watch', src: 'watch', input: ({ context }) => context },
      initial: 'unknown',
      on: {
        'report.completed': { target: 'completed', actions: 'observe' },
        'report.failed': { target: 'failed', actions: 'observe' },
        'report.backingOff': { target: 'backingOff', actions: 'observe' },
        'report.stopping': { target: 'stopping', actions: 'observe' },
        'order.update': { actions: ['takeUpdate', 'passUpdate'] },
        'node.down': { target: 'unreachable' },
      },
      states: {
        unknown: {
          description: 'No health check, or no answer of it yet.',
          entry: { type: 'tell', params: { state: 'running', health: 'unknown' } },
          on: {
            'report.healthy': { target: 'healthy', actions: 'observe' },
            'report.unhealthy': { target: 'unhealthy', actions: 'observe' },
          },
        },
        healthy: {
          description: 'Its health check passes.',
          entry: { type: 'tell', params: { state: 'running', health: 'healthy' } },
          on: { 'report.unhealthy': { target: 'unhealthy', actions: 'observe' } },
        },
        unhealthy: {
          description: 'Its health check fails. By its restart policy it is stopped and started again, or goes on as it is.',
          entry: { type: 'tell', params: { state: 'running', health: 'unhealthy' } },
          on: { 'report.healthy': { target: 'healthy', actions: 'observe' } },
        },
      },
    },
    backingOff: {
      description: 'The last attempt ended; the next one waits for its delay.',
      tags: ['worker'],
      entry: { type: 'tell', params: { state: 'backingOff', health: 'unknown' } },
      after: { restartDelay: { target: 'preparing', actions: 'nextAttempt' } },
      on: {
        'report.preparing': { target: 'preparing', actions: 'observe' },
        'node.down': { target: 'unreachable' },
      },
    },
    stopping: {
      description: 'Told to stop: first the stop delay, then the signal, then the grace, then SIGKILL.',
      tags: ['worker'],
      entry: { type: 'tell', params: { state: 'stopping', health: 'unknown' } },
      invoke: { id: 'stop', src: 'stop', input: ({ context }) => context },
      on: {
        'order.stop': { actions: 'wantStopped' },
        'report.stopped': { target: 'stopped', actions: 'observe' },
        'node.down': { target: 'unreachable' },
      },
    },
    unreachable: {
      description: 'Its node is down. A replacement is placed; what becomes of this one is decided when the node returns.',
      tags: ['manager'],
      on: {
        // Nobody can say whether it stopped: its slot is let go, and the worker is told to stop it when it returns.
        'order.stop': { target: 'lost', actions: 'wantStopped' },
      },
    },
    completed: {
      type: 'final',
      description: 'Ended by itself, as it should.',
      entry: { type: 'tell', params: { state: 'completed', health: 'unknown' } },
    },
    failed: {
      type: 'final',
      description: 'Ended by itself, as it should not, and its attempts are used up.',
      entry: { type: 'tell', params: { state: 'failed', health: 'unknown' } },
    },
    stopped: {
      type: 'final',
      description: 'Ended because it was told to.',
      entry: { type: 'tell', params: { state: 'stopped', health: 'unknown' } },
    },
    lost: {
      type: 'final',
      description: 'Its node was removed, or came back without it.',
      entry: { type: 'tell', params: { state: 'lost', health: 'unknown' } },
    },
    rejected: {
      type: 'final',
      description: 'It can never run as it is: no such image, a bad command, a port that is taken.',
      entry: { type: 'tell', params: { state: 'rejected', health: 'unknown' } },
    },
  },
});
