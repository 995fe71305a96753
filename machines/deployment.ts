/**
 * The deployment machine: a job's instances on their way from one version to the next. The manager moves deployment records along its
 * flat table; the events are drawn from the job's slots by `rolloutSignal` in src/core/rollout.ts.
 */
import { setup } from 'xstate';

/** What a deployment is told. */
export type DeploymentEvent =
  /** Every instance is what it should be, and has been well for long enough. */
  | { readonly type: 'slots.updated' }
  /** The canaries are, and the others wait. */
  | { readonly type: 'canaries.healthy' }
  /** Somebody lets it go on. */
  | { readonly type: 'deployment.promoted' }
  /** A new instance failed, or there was no progress for too long. */
  | { readonly type: 'deployment.failed' }
  /** The same, of a job whose updates are to pause then. */
  | { readonly type: 'deployment.paused' }
  /** The next one has begun, or the job was stopped. */
  | { readonly type: 'deployment.superseded' };

/** The deployment machine. */
export const deploymentMachine = setup({
  types: { events: {} as DeploymentEvent },
}).createMachine({
  id: 'deployment',
  description: 'One roll-out of a job. A failed one begins another that rolls back, if its job says so.',
  initial: 'rolling',
  states: {
    rolling: {
      description: 'Instances are replaced or started, a few at a time, each gated by its health.',
      on: {
        'slots.updated': { target: 'succeeded' },
        'canaries.healthy': { target: 'awaitingPromotion' },
        'deployment.failed': { target: 'failed' },
        'deployment.paused': { target: 'paused' },
        'deployment.superseded': { target: 'superseded' },
      },
    },
    awaitingPromotion: {
      description: 'The canaries are well; the others wait for `cube promote`.',
      on: {
        'slots.updated': { target: 'succeeded' },
        'deployment.promoted': { target: 'rolling' },
        'deployment.failed': { target: 'failed' },
        'deployment.paused': { target: 'paused' },
        'deployment.superseded': { target: 'superseded' },
      },
    },
    paused: {
      description: 'An instance failed; the others stay as they are until somebody promotes, rolls back or submits.',
      on: {
        'slots.updated': { target: 'succeeded' },
        'deployment.promoted': { target: 'rolling' },
        'deployment.superseded': { target: 'superseded' },
      },
    },
    failed: {
      description: 'It did not get there. Should its instances become well after all, it has succeeded.',
      on: { 'slots.updated': { target: 'succeeded' } },
    },
    succeeded: {
      description: 'Every instance is what it should be: the version is a good one.',
    },
    superseded: { type: 'final', description: 'Another began before it was done.' },
  },
});
