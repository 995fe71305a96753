/** How every state of every machine is reached: what it is started with, and the events that lead on, those of helpers and timers too. */
import type { EventObject } from 'xstate';
import { order } from './order.ts';

/** What each machine is started with. */
export const inputs: Readonly<Record<string, unknown>> = {
  task: { order },
  link: { id: 'manager', peer: 'ws://127.0.0.1:5555', redials: true },
};

/** A way through a machine: the input, and all events that may come. */
export interface Journey {
  readonly input?: unknown;
  readonly events: readonly (EventObject & Record<string, unknown>)[];
}

const done = (actor: string, output?: unknown) => ({ type: `xstate.done.actor.${actor}`, output, actorId: actor });
const failed = (actor: string) => ({ type: `xstate.error.actor.${actor}`, error: new Error('no'), actorId: actor });
const after = (delay: string, state: string) => ({ type: `xstate.after.${delay}.${state}` });
const reports = ['preparing', 'starting', 'running', 'healthy', 'unhealthy', 'backingOff', 'stopping', 'completed', 'failed', 'stopped'];

/** What leads to each state of each machine. */
export const journeys: Readonly<Record<string, readonly Journey[]>> = {
  manager: [
    {
      events: [
        done('elect', { epoch: { generation: 1, revision: 1 } }),
        failed('elect'),
        done('recover'),
        failed('recover'),
        { type: 'store.failed', reason: 'disk full' },
        done('release'),
        failed('release'),
        after('electionDelay', 'manager.following'),
        { type: 'manager.stop' },
      ],
    },
  ],
  scheduler: [
    {
      events: [
        { type: 'tasks.pending' },
        after('collectTime', 'scheduler.collecting'),
        done('score', { placements: [], unplaced: [], cursor: 0 }),
        failed('score'),
        after('retryDelay', 'scheduler.failing'),
        { type: 'plan.committed' },
      ],
    },
  ],
  worker: [
    {
      events: [
        done('recover'),
        failed('recover'),
        after('recoverDelay', 'worker.waiting'),
        { type: 'link.opened', id: 'one' },
        { type: 'link.lost', id: 'one', reason: 'silence' },
        { type: 'worker.stop', stopTasks: false },
        done('drain'),
        failed('drain'),
      ],
    },
  ],
  task: [
    {
      input: inputs['task'],
      events: [
        ...['order.schedule', 'order.stop', 'order.reject', 'node.down', 'node.removed'].map((type) => ({ type })),
        ...[...reports, 'lost', 'rejected'].map((state) => ({ type: `report.${state}` })),
        after('restartDelay', 'task.backingOff'),
      ],
    },
  ],
  job: [
    {
      events: ['changed', 'waiting', 'placed', 'healthy', 'short', 'completed', 'failed', 'gone'].map((verb) => ({
        type: verb === 'changed' ? 'job.changed' : `tasks.${verb}`,
      })),
    },
  ],
  deployment: [
    {
      events: [
        { type: 'slots.updated' },
        { type: 'canaries.healthy' },
        ...['promoted', 'failed', 'paused', 'superseded'].map((verb) => ({ type: `deployment.${verb}` })),
      ],
    },
  ],
  node: [{ events: ['link.welcomed', 'beat.heard', 'deadline.suspect', 'deadline.down', 'node.bye'].map((type) => ({ type })) }],
  link: [
    { redials: true, events: 5 },
    { redials: false, events: 5 },
  ].map(({ redials }) => ({
    input: { id: 'manager', peer: 'ws://127.0.0.1:5555', redials },
    events: [
      done('dial'),
      failed('dial'),
      { type: 'greeting.done' },
      { type: 'greeting.refused', reason: 'another cluster' },
      { type: 'connection.closed', reason: 'gone' },
      { type: 'connection.silent', reason: 'silence' },
      after('greetTimeout', 'link.connected.greeting'),
      after('redialDelay', 'link.backingOff'),
      { type: 'link.close', reason: 'no longer wanted' },
    ],
  })),
};
