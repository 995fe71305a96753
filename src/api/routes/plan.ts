/** What a submit would do, before it does. */
import type { Control } from '../../ports/control.ts';
import type { ApiDeps } from '../deps.ts';
import { json, route } from '../route.ts';
import type { Route } from '../route.ts';
import { readJob, submitBody } from './jobs.ts';

/** The route of plans. Not for viewers: what differs is told with its values, the environment's too. */
export function planRoutes(control: Control, deps: ApiDeps): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/plan',
      need: 'admin',
      says: 'What a submit of this job would change, and where each task would go and why, against now. Changes nothing. Takes what a submit takes',
      body: submitBody,
      yaml: true,
      // Asked again it is made again: answers may be large, and hold what is nobody else's.
      secret: true,
      answers: { 200: { says: 'the plan', schema: 'Plan' } },
      handle: async ({ body, yaml }) => {
        const spec = await readJob({ job: body.job, yaml }, deps);
        const { checkIndex, mustBeNew, strict, refreshImages } = body;
        return json(
          await control.plan({ spec, origin: { kind: body.origin?.kind ?? 'file' }, checkIndex, mustBeNew, strict, refreshImages }),
        );
      },
    }),
  ];
}
