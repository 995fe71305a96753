/** How a job follows its file's changes: `update`, as it is written and as it is meant. */
import { z } from 'zod';
import type { UpdateSpec } from '../job.ts';
import type { Limits } from '../limits.ts';
import { duration, expected, oneOf, wholeNumber } from './values.ts';

/** The schema of `update`. */
export function updateSchema(limits: Limits) {
  const time = duration(limits.jobDurationMsMax);
  return z
    .strictObject(
      {
        parallel: wholeNumber(limits.jobInstancesMax, 1).optional().describe('Instances of a task that are replaced at once; default: 1'),
        order: oneOf(['start-first', 'stop-first'])
          .optional()
          .describe('Default: stop-first where a fixed port or a volume needs it, else start-first'),
        healthyFor: time
          .optional()
          .describe('How long a new instance must have been well; default: 5s where there is a health check, else 0s'),
        deadline: time
          .refine((ms) => ms > 0, 'expected a duration longer than 0')
          .optional()
          .describe('Without progress for so long the update has failed; default: 5m'),
        onFailure: oneOf(['rollback', 'pause', 'continue']).optional().describe('Default: rollback'),
        canary: wholeNumber(limits.jobInstancesMax)
          .optional()
          .describe('Instances of each task that are updated first; the others wait for `cube promote`; default: 0'),
      },
      expected('a map like {parallel: 1, healthyFor: 5s}'),
    )
    .describe('How a service or system job follows changes of its file');
}

/** The update policy with its defaults filled in. */
export function updateSpec(written: z.output<ReturnType<typeof updateSchema>>, limits: Limits): UpdateSpec {
  const { order, healthyFor } = written;
  return {
    parallel: written.parallel ?? limits.updateParallel,
    ...(order === undefined ? {} : { order }),
    ...(healthyFor === undefined ? {} : { healthyForMs: healthyFor }),
    deadlineMs: written.deadline ?? limits.updateDeadlineMs,
    onFailure: written.onFailure ?? 'rollback',
    canary: written.canary ?? 0,
  };
}
