/** The job file (CLI.md) as this version of Cube takes it: one schema for files, HTTP bodies and editors. */
import { z } from 'zod';
import { jobNamePattern, taskNamePattern } from '../ids.ts';
import { limitsDefault, type Limits } from '../limits.ts';
import { dependsOnSchema } from './depends.ts';
import { healthKeys, healthSchema } from './health.ts';
import { filesSchema, volumesSchema } from './mounts.ts';
import { parametersSchema, payloadSchema } from './parameters.ts';
import { affinitySchema, constraintsSchema, spreadSchema } from './placing.ts';
import { scheduleSchema } from './schedule.ts';
import { updateSchema } from './update.ts';
import * as value from './values.ts';

const { expected, oneOf, text, wholeNumber } = value;

/** Keys of a job that the contract names and this version does not run yet: refused by name, never ignored. */
export const laterKeys: readonly string[] = ['disconnect', 'network'];

const resources = z
  .object(
    {
      cpu: value.cpu.optional().describe('Cores'),
      memory: value.bytes.optional().describe('A size like 128MiB, or bytes'),
      disk: value.bytes.optional().describe('A size like 1GiB, or bytes'),
    },
    expected('a map like {cpu: 0.5, memory: 128MiB}'),
  )
  .catchall(value.numberFrom(0).describe('A resource of your own, as nodes offer it'))
  .describe('What is reserved, and the limit; nothing unless told');

function restartSchema(limits: Limits) {
  const duration = value.duration(limits.jobDurationMsMax);
  return z
    .strictObject(
      {
        on: oneOf(['always', 'failure', 'never']).optional(),
        attempts: wholeNumber().optional().describe('Restarts within `within` before the task is given up'),
        within: duration.optional(),
        delay: duration.optional().describe('Before the first restart'),
        backoff: value.numberFrom(1).optional().describe('Factor by which the delay grows'),
        delayMax: duration.optional(),
      },
      expected('a map like {on: failure, attempts: 3}'),
    )
    .check((context) => {
      const { delay, delayMax } = context.value;
      if (delay === undefined || delayMax === undefined || delay <= delayMax) return;
      context.issues.push({
        code: 'custom',
        input: delayMax,
        path: ['delayMax'],
        message: 'expected a duration of at least that of "delay"',
      });
    });
}

function taskSchema(limits: Limits) {
  const duration = value.duration(limits.jobDurationMsMax);
  return z.strictObject(
    {
      image: value.image,
      pull: oneOf(['missing', 'always', 'never']).optional().describe('Default: missing'),
      command: value.command.optional().describe("Arguments to the image's entrypoint"),
      count: wholeNumber(limits.jobInstancesMax).optional().describe('Instances; default: 1'),
      env: value.env.optional(),
      user: z
        .union([z.string(), z.number()], expected('a user name or number'))
        .transform(String)
        .refine((user) => /^\S+$/.test(user), expected('a user name or number without blanks'))
        .optional(),
      workdir: text('an absolute path like /srv', /^\/[^\0]*$/).optional(),
      resources: resources.optional(),
      ports: value.ports(limits.taskPortsMax).optional(),
      health: healthSchema(limits).optional(),
      restart: restartSchema(limits).optional(),
      constraints: constraintsSchema(limits).optional(),
      affinity: affinitySchema(limits).optional(),
      spread: spreadSchema.optional(),
      maxPerNode: wholeNumber(limits.jobInstancesMax, 1).optional().describe('Instances that one node takes at most; default: any number'),
      volumes: volumesSchema(limits).optional(),
      secrets: filesSchema('secret', limits).optional(),
      configs: filesSchema('config', limits).optional(),
      dependsOn: dependsOnSchema.optional(),
      stopSignal: value.signal.optional().describe("Default: the image's own, else SIGTERM"),
      stopDelay: duration.optional().describe('Before the signal; default: 0s'),
      stopGrace: duration.optional().describe('Between the signal and SIGKILL; default: 10s'),
    },
    expected('a map with at least "image"'),
  );
}

const jobName = text('a name of 1 to 63 letters, digits, ".", "_" and "-" that starts with a letter or digit', jobNamePattern);
const taskName = text('a task name of 1 to 63 letters, digits, "_" and "-" that starts with a letter or digit', taskNamePattern);

function makeSchema(limits: Limits) {
  return z
    .strictObject(
      {
        name: jobName,
        type: oneOf(['service', 'batch', 'system', 'periodic', 'parameterized']).optional().describe('Default: service'),
        datacenters: z
          .array(text('the name of a data center', /^\S+$/), expected('a list of data centers like [dc1]'))
          .optional()
          .describe('Default: any'),
        priority: wholeNumber(limits.jobPriorityMax, limits.jobPriorityMin).optional().describe('Higher is placed first; default: 50'),
        labels: value.labels.optional(),
        update: updateSchema(limits).optional(),
        tasks: z.record(taskName, taskSchema(limits), expected('a map of task names and tasks')),
        completions: wholeNumber(limits.jobInstancesMax, 1)
          .optional()
          .describe('Batch, periodic and parameterized: the count of every task that tells none'),
        parallelism: wholeNumber(limits.jobInstancesMax, 1)
          .optional()
          .describe('Batch, periodic and parameterized: instances that run at once; default: all'),
        deadline: value
          .duration(limits.jobDurationMsMax)
          .refine((ms) => ms > 0, 'expected a duration longer than 0')
          .optional()
          .describe('Batch, periodic and parameterized: a run that takes longer has failed; default: none'),
        preemptible: z
          .boolean(expected('true or false'))
          .optional()
          .describe(
            'Batch only: whether its tasks may be stopped, and run again later, to make room for jobs of a higher priority; default: false',
          ),
        schedule: scheduleSchema.optional(),
        parameters: parametersSchema(limits).optional(),
        payload: payloadSchema.optional(),
      },
      expected('a job with "name" and "tasks"'),
    )
    .describe('A job of Cube');
}

type JobSchema = ReturnType<typeof makeSchema>;

const made = new WeakMap<Limits, JobSchema>();

/** The schema with these bounds in it. */
export function jobSchemaFor(limits: Limits): JobSchema {
  const schema = made.get(limits) ?? makeSchema(limits);
  made.set(limits, schema);
  return schema;
}

/** The schema with the default bounds; `z.toJSONSchema(jobSchema, {io: 'input'})` is what editors read. */
export const jobSchema: JobSchema = jobSchemaFor(limitsDefault);

/** A job as it was written, its values read. */
export type WrittenJob = z.output<JobSchema>;

/** Keys of each level, in the order of the contract. */
export const knownKeys = {
  job: Object.keys(jobSchema.shape),
  task: Object.keys(taskSchema(limitsDefault).shape),
  restart: Object.keys(restartSchema(limitsDefault).shape),
  health: healthKeys(limitsDefault),
  update: Object.keys(updateSchema(limitsDefault).shape),
  schedule: Object.keys(scheduleSchema.shape),
  payload: Object.keys(payloadSchema.shape),
} as const;
