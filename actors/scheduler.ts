/** The scheduler actor's effects: a batch drawn from the leader's state, scored by the pool, and handed back. */
import { fromPromise, sendParent } from 'xstate';
import { schedulerMachine } from '../machines/scheduler.ts';
import { asCubeError } from '../src/core/errors.ts';
import type { Limits } from '../src/core/limits.ts';
import type { Plan, ScoreRequest } from '../src/core/placement.ts';
import type { Log } from '../src/ports/ambient.ts';
import type { Scorer } from '../src/ports/scorer.ts';

/** What a scheduler works with. */
export interface SchedulerDeps {
  readonly limits: Limits;
  readonly log: Log;
  readonly scorer: Scorer;
  /** The tasks to place now, and the cluster as it is. */
  readonly draw: () => ScoreRequest;
}

/** The scheduler machine with its effects; its plans go to its parent, the manager. */
export function createSchedulerLogic({ limits, log, scorer, draw }: SchedulerDeps): typeof schedulerMachine {
  return schedulerMachine.provide({
    // One batch is under way at a time, and what comes meanwhile gathers by itself: the next starts at once.
    delays: { collectTime: 0, retryDelay: limits.scoreRetryMs },
    actions: {
      sendPlan: sendParent((_, { plan }) => ({ type: 'plan.ready', plan })),
      reportFailure: (_, { error }) => log.error(`a batch could not be scored: ${asCubeError(error).message}`),
    },
    actors: {
      score: fromPromise<Plan>(() => {
        const request = draw();
        return request.groups.length === 0
          ? Promise.resolve({ placements: [], unplaced: [], cursor: request.cursor })
          : scorer.score(request);
      }),
    },
  });
}
