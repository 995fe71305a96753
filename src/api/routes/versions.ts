/** Versions and runs of a job: scale, restart, history, rollback, promote, dispatch. */
import { jobViewJson, versionJson } from '../convert.ts';
import { inBody } from '../fields.ts';
import { json, route } from '../route.ts';
import type { Route } from '../route.ts';
import type { Control } from '../../ports/control.ts';
import { submitted } from './jobs.ts';

const versioned = {
  200: { says: 'the job; `unchanged` where it stood so already', schema: 'Submitted' },
} as const;

/** The routes that change what runs of a job that is there. */
export function versionRoutes(control: Control): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/jobs/{name}/scale',
      need: 'admin',
      says: 'Wants other numbers of instances: a new version that replaces none of those that stay',
      body: {
        tasks: inBody.counts('how many instances of each task; what is not named stays as it is'),
        checkIndex: inBody.count('refuse unless the job stands at this index'),
      },
      answers: versioned,
      handle: async ({ params, body: { tasks, checkIndex } }) =>
        submitted(control, await control.scale(params['name']!, tasks, checkIndex === undefined ? {} : { checkIndex })),
    }),
    route({
      method: 'POST',
      path: '/v1/jobs/{name}/restart',
      need: 'admin',
      says: 'Replaces all instances of a job, a few at a time, as an update does',
      answers: { 200: { says: 'the job', schema: 'Job' } },
      handle: async ({ params }) => json(jobViewJson(await control.restartJob(params['name']!))),
    }),
    route({
      method: 'POST',
      path: '/v1/jobs/{name}/rollback',
      need: 'admin',
      says: 'Wants an earlier version again, as a new one',
      body: { version: inBody.count('which one; the last good one before the current unless told') },
      answers: versioned,
      handle: async ({ params, body }) => submitted(control, await control.rollback(params['name']!, body.version)),
    }),
    route({
      method: 'POST',
      path: '/v1/jobs/{name}/promote',
      need: 'admin',
      says: 'Lets an update go on that waits after its canaries, or was paused',
      answers: { 200: { says: 'the job', schema: 'Job' } },
      handle: async ({ params }) => json(jobViewJson(await control.promote(params['name']!))),
    }),
    route({
      method: 'POST',
      path: '/v1/jobs/{name}/dispatch',
      need: 'admin',
      says: 'Begins a run of a parameterized job: a batch job of its own',
      body: {
        set: inBody.texts('values for its parameters'),
        payload: inBody.base64('what its tasks find where the job says'),
      },
      answers: { 201: { says: 'the run', schema: 'Job' } },
      handle: async ({ params, body: { set = {}, payload } }) =>
        json(jobViewJson(await control.dispatch(params['name']!, { set, ...(payload === undefined ? {} : { payload }) })), 201),
    }),
    route({
      method: 'GET',
      path: '/v1/jobs/{name}/history',
      // Not for viewers: specs hold values of the environment.
      need: 'admin',
      says: 'The kept versions of a job, newest first, each with what it changed',
      answers: { 200: { says: 'the versions', schema: 'Versions' } },
      handle: async ({ params }) => json((await control.history(params['name']!)).map(versionJson)),
    }),
  ];
}
