/**
 * The job machine: what became of a job as a whole. The manager moves job records along its flat table; the events are drawn from
 * the counts of the job's tasks by `jobEvent` in src/core/job-status.ts.
 */
import { setup } from 'xstate';

/** What a job is told. */
export type JobEvent =
  /** A new version was submitted, or a finished or stopped job was started. */
  | { readonly type: 'job.changed' }
  /** No task is placed. */
  | { readonly type: 'tasks.waiting' }
  /** Some are placed, and not all run yet. */
  | { readonly type: 'tasks.placed' }
  /** All wanted instances run, and none is unhealthy. */
  | { readonly type: 'tasks.healthy' }
  /** Fewer run than wanted, and what is missing will not come by itself. */
  | { readonly type: 'tasks.short' }
  /** Every instance has completed. */
  | { readonly type: 'tasks.completed' }
  /** An instance failed for good, and none is at work any more. */
  | { readonly type: 'tasks.failed' }
  /** Told to stop, and nothing of it lives any more. */
  | { readonly type: 'tasks.gone' };

/** The job machine. */
export const jobMachine = setup({
  types: { events: {} as JobEvent },
}).createMachine({
  id: 'job',
  description: 'A job as a whole. None of its states is final: a job can always be submitted again.',
  initial: 'pending',
  on: {
    'job.changed': { target: '.pending' },
    'tasks.completed': { target: '.completed' },
    'tasks.failed': { target: '.failed' },
    'tasks.gone': { target: '.stopped' },
  },
  states: {
    pending: {
      description: 'Accepted; none of its tasks has a node yet.',
      on: {
        'tasks.placed': { target: 'deploying' },
        'tasks.healthy': { target: 'running' },
        'tasks.short': { target: 'degraded' },
      },
    },
    deploying: {
      description: 'Tasks of this version are being placed and started.',
      on: {
        'tasks.waiting': { target: 'pending' },
        'tasks.healthy': { target: 'running' },
        'tasks.short': { target: 'degraded' },
      },
    },
    running: {
      description: 'All instances run and none is unhealthy.',
      on: {
        'tasks.short': { target: 'degraded' },
        'tasks.placed': { target: 'degraded' },
        'tasks.waiting': { target: 'degraded' },
      },
    },
    degraded: {
      description: 'Fewer instances run than wanted.',
      on: { 'tasks.healthy': { target: 'running' } },
    },
    completed: {
      description: 'A batch job whose instances have all completed.',
      on: { 'tasks.placed': { target: 'deploying' }, 'tasks.waiting': { target: 'pending' } },
    },
    failed: {
      description: 'An instance failed for good. `cube start` tries again, as does a submit of a changed file.',
      on: { 'tasks.placed': { target: 'deploying' }, 'tasks.short': { target: 'degraded' }, 'tasks.healthy': { target: 'running' } },
    },
    stopped: {
      description: 'Stopped by its user. `cube start` or a submit brings it back.',
    },
  },
});
