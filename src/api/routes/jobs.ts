/** Jobs: submit, look, stop, start. */
import { CubeError, problem } from '../../core/errors.ts';
import type { JobSpec } from '../../core/job.ts';
import { jobViewJson, statusJson, submittedJson } from '../convert.ts';
import type { ApiDeps } from '../deps.ts';
import { inBody } from '../fields.ts';
import type { Values } from '../fields.ts';
import { json, route } from '../route.ts';
import type { Route } from '../route.ts';
import type { Control, JobView, SubmitAnswer } from '../../ports/control.ts';
import { logLines, logsQuery } from './logs.ts';

/** What a submit takes, and a plan of one. */
export const submitBody = {
  job: inBody.document('a job, in the form of the job file', { $ref: '#/components/schemas/JobDocument' }),
  origin: inBody.group('how the job came to be; from a file unless told', {
    kind: inBody.choice('`run`: it stops with its task', ['file', 'run']),
  }),
  checkIndex: inBody.count('refuse unless the job stands at this index; 0: unless it is new'),
  mustBeNew: inBody.flag('refuse when a job of this name exists'),
  strict: inBody.flag('refuse what there would be warnings about'),
  refreshImages: inBody.flag('an image whose name stands for something else by now is a change, too'),
};

/** The job named, or 404. */
async function jobStatus(control: Control, name: string) {
  const status = await control.status({ job: name });
  const job = status.jobs.find((one) => one.name === name);
  if (job === undefined) throw problem('not-found', `there is no job "${name}"`);
  return { job, status };
}

/** The same, or undefined when it was forgotten meanwhile. */
async function knownJob(control: Control, name: string): Promise<JobView | undefined> {
  try {
    return (await jobStatus(control, name)).job;
  } catch (thrown) {
    if (thrown instanceof CubeError && thrown.code === 'not-found') return undefined;
    throw thrown;
  }
}

/** The job that a request holds. @throws CubeError `invalid-file` with all problems */
export async function readJob(body: { readonly job: unknown; readonly yaml: string | undefined }, deps: ApiDeps): Promise<JobSpec> {
  // Loaded with the first submit: an idle node does not need a YAML parser.
  const { checkJob, parseJobFile } = await import('../../core/job-file/index.ts');
  return body.yaml === undefined ? checkJob(body.job, deps.limits) : parseJobFile(body.yaml, 'body', deps.limits).spec;
}

/** The answer to what made a version of a job, or found that there is one. */
export async function submitted(control: Control, { job, change, warnings }: SubmitAnswer) {
  return json({ job: submittedJson(job, await knownJob(control, job.name)), change, warnings }, change === 'created' ? 201 : 200);
}

async function submit(control: Control, spec: JobSpec, body: Omit<Values<typeof submitBody>, 'job'>) {
  const { checkIndex, mustBeNew, strict, refreshImages } = body;
  const origin = { kind: body.origin?.kind ?? 'file' };
  return submitted(control, await control.submit({ spec, origin, checkIndex, mustBeNew, strict, refreshImages }));
}

/** The routes of jobs. */
export function jobRoutes(control: Control, deps: ApiDeps): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/jobs',
      need: 'admin',
      says: 'Submits a job: makes it, changes it, starts it, or finds that nothing is to be done. Takes a job file as application/yaml, too',
      body: submitBody,
      yaml: true,
      answers: {
        200: { says: 'the job was there', schema: 'Submitted' },
        201: { says: 'the job is new', schema: 'Submitted' },
      },
      handle: async ({ body, yaml }) => submit(control, await readJob({ job: body.job, yaml }, deps), body),
    }),
    route({
      method: 'GET',
      path: '/v1/jobs',
      need: 'viewer',
      says: 'All jobs',
      answers: { 200: { says: 'the jobs', schema: 'Jobs' } },
      handle: async () => {
        const { index, jobs } = await control.status();
        return json({ index, jobs: jobs.map(jobViewJson) });
      },
    }),
    route({
      method: 'GET',
      path: '/v1/jobs/{name}',
      need: 'viewer',
      says: 'One job and its tasks',
      answers: { 200: { says: 'the job', schema: 'Status' } },
      handle: async ({ params }) => json(statusJson((await jobStatus(control, params['name']!)).status)),
    }),
    route({
      method: 'POST',
      path: '/v1/jobs/{name}/stop',
      need: 'admin',
      says: 'Orders all tasks of a job to stop; answers when the order is on disk',
      body: { purge: inBody.flag('forget the job once they have stopped') },
      answers: { 200: { says: 'the job', schema: 'Job' } },
      handle: async ({ params, body }) => json(jobViewJson(await control.stopJob(params['name']!, { purge: body.purge ?? false }))),
    }),
    route({
      method: 'POST',
      path: '/v1/jobs/{name}/start',
      need: 'admin',
      says: 'Starts a stopped or finished job',
      answers: { 200: { says: 'the job', schema: 'Job' } },
      handle: async ({ params }) => json(jobViewJson(await control.startJob(params['name']!))),
    }),
    route({
      method: 'GET',
      path: '/v1/jobs/{name}/logs',
      need: 'viewer',
      says: "Output of all of a job's tasks, a JSON document a line",
      query: logsQuery,
      answers: { 200: { says: 'lines', schema: 'LogLine', types: ['application/x-ndjson'] } },
      handle: async ({ params, query }) => {
        const { job } = await jobStatus(control, params['name']!);
        return logLines(control, job.name, query);
      },
    }),
  ];
}
