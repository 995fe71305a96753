/** A job as it was written, with every default filled in (CLI.md). */
import { runKind } from '../job.ts';
import type { JobSpec, JobType, RestartSpec, TaskSpec } from '../job.ts';
import type { Limits } from '../limits.ts';
import type { Resources } from '../resources.ts';
import { healthSpec } from './health.ts';
import { mountsSpec } from './mounts.ts';
import { payloadSpec } from './parameters.ts';
import { scheduleSpec } from './schedule.ts';
import type { WrittenJob } from './schema.ts';
import { updateSpec } from './update.ts';

type WrittenTask = WrittenJob['tasks'][string];

function restartSpec(written: WrittenTask['restart'], type: JobType, limits: Limits): RestartSpec {
  const delayMs = written?.delay ?? Math.min(limits.restartDelayMs, written?.delayMax ?? Number.POSITIVE_INFINITY);
  return {
    on: written?.on ?? (runKind(type) === 'service' ? 'always' : 'failure'),
    attempts: written?.attempts ?? limits.restartAttempts,
    withinMs: written?.within ?? limits.restartWithinMs,
    delayMs,
    backoff: written?.backoff ?? limits.restartBackoff,
    delayMsMax: written?.delayMax ?? Math.max(limits.restartDelayMsMax, delayMs),
  };
}

function resourcesOf(written: WrittenTask['resources']): Resources {
  const { cpu = 0, memory = 0, disk = 0, ...custom } = written ?? {};
  return { cpu, memoryBytes: memory, diskBytes: disk, custom };
}

/** What it asks of its nodes; what asks nothing is left out, as in the records of versions that had none of it. */
function placingOf({ constraints = [], affinity = [], spread, maxPerNode }: WrittenTask): Partial<TaskSpec> {
  return {
    ...(constraints.length === 0 ? {} : { constraints }),
    ...(affinity.length === 0 ? {} : { affinity }),
    ...(spread === undefined ? {} : { spread }),
    ...(maxPerNode === undefined ? {} : { maxPerNode }),
  };
}

function taskSpec(written: WrittenTask, type: JobType, countDefault: number, limits: Limits): TaskSpec {
  const { command, user, workdir, health, dependsOn = {}, stopSignal } = written;
  return {
    image: written.image,
    pull: written.pull ?? 'missing',
    ...(command === undefined ? {} : { command }),
    count: written.count ?? countDefault,
    env: written.env ?? {},
    ...(user === undefined ? {} : { user }),
    ...(workdir === undefined ? {} : { workdir }),
    resources: resourcesOf(written.resources),
    ports: written.ports ?? [],
    ...(health === undefined ? {} : { health: healthSpec(health, limits) }),
    restart: restartSpec(written.restart, type, limits),
    ...placingOf(written),
    ...mountsSpec(written),
    ...(Object.keys(dependsOn).length === 0 ? {} : { dependsOn }),
    ...(stopSignal === undefined ? {} : { stopSignal }),
    stopDelayMs: written.stopDelay ?? 0,
    stopGraceMs: written.stopGrace ?? limits.stopGraceMs,
  };
}

/** When and how it runs; what is not told is left out, as in the records of versions that had none of it. */
function runsOf({ update, parallelism, deadline, schedule, parameters, payload }: WrittenJob, limits: Limits): Partial<JobSpec> {
  return {
    ...(update === undefined ? {} : { update: updateSpec(update, limits) }),
    ...(parallelism === undefined ? {} : { parallelism }),
    ...(deadline === undefined ? {} : { deadlineMs: deadline }),
    ...(schedule === undefined ? {} : { schedule: scheduleSpec(schedule) }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(payload === undefined ? {} : { payload: payloadSpec(payload) }),
  };
}

/** The spec of a job whose values were read. */
export function jobSpecOf(written: WrittenJob, limits: Limits): JobSpec {
  const type = written.type ?? 'service';
  const tasks = Object.entries(written.tasks).map(
    ([name, task]) => [name, taskSpec(task, type, written.completions ?? 1, limits)] as const,
  );
  return {
    name: written.name,
    type,
    datacenters: written.datacenters ?? [],
    priority: written.priority ?? limits.jobPriority,
    ...(written.preemptible === true ? { preemptible: true } : {}),
    labels: written.labels ?? {},
    tasks: Object.fromEntries(tasks),
    ...runsOf(written, limits),
  };
}
