/** TaskEvents of the seeds' API, done by the manager: for its own `POST /tasks`, and for a worker that hands one on. */
import { CubeError, problem } from '../core/errors.ts';
import { shortId } from '../core/ids.ts';
import type { JobOrigin, JobSpec } from '../core/job.ts';
import type { Limits } from '../core/limits.ts';
import { readTaskEvent, seedsTask } from '../core/seeds.ts';
import type { SeedsTask } from '../core/seeds.ts';
import type { TaskRecord } from '../core/task.ts';
import type { Control, StatusView, WorkerControl } from '../ports/control.ts';
import { newestOfSlots } from './convert.ts';

/** Longest job name (CLI.md) less `-` and eight characters. */
const nameLengthMax = 63 - 9;

/** Another client's task has the name: the job gets the id's first characters appended, and keeps the name it was given as the task's. */
function renamed(spec: JobSpec, origin: JobOrigin): { readonly spec: JobSpec; readonly origin: JobOrigin } {
  const name = `${spec.name.slice(0, nameLengthMax)}-${shortId(origin.clientTaskId!)}`;
  return { spec: { ...spec, name }, origin: { ...origin, clientTaskName: origin.clientTaskName ?? spec.name } };
}

async function create(control: Control, spec: JobSpec, origin: JobOrigin): Promise<StatusView> {
  const submit = async (request: { readonly spec: JobSpec; readonly origin: JobOrigin }) => {
    const { job } = await control.submit({ ...request, mustBeNew: true });
    return control.status({ job: job.name });
  };
  try {
    return await submit({ spec, origin });
  } catch (thrown) {
    if (!(thrown instanceof CubeError) || thrown.code !== 'conflict' || origin.clientTaskId === undefined) throw thrown;
    // Either the name is taken, and another will do, or the Task.ID is known, and this is refused for that again.
    return submit(renamed(spec, origin));
  }
}

/**
 * Does what a TaskEvent says: makes a job of one task, or (State 3) stops the task.
 * @param event the body as it came
 * @param onNode name of the node the task is bound to: the worker that was asked
 * @returns the task, or null for one that was stopped; plain JSON, so that it can travel to a worker that asked
 * @throws CubeError `invalid-file` for a bad event, `conflict` for a Task.ID that is known, `not-found` for one to stop that is not
 */
export async function runTaskEvent(control: Control, limits: Limits, event: unknown, onNode?: string): Promise<SeedsTask | null> {
  const read = readTaskEvent(event, limits);
  if (read.kind === 'stop') {
    await control.stopTask(read.clientTaskId);
    return null;
  }
  const spec = onNode === undefined ? read.spec : { ...read.spec, onNode };
  const [task] = seedsTasks(await create(control, spec, read.origin));
  if (task === undefined) throw problem('failed', 'the job was taken, but has no task');
  return task;
}

/** The newest record of each slot as the seeds show it: their Task lives as long as a slot. */
export function seedsTasks(status: StatusView): readonly SeedsTask[] {
  const jobs = new Map(status.jobs.map((job) => [job.name, job]));
  return newestOfSlots(status.tasks).map((task) => {
    const job = jobs.get(task.job);
    return seedsTask(task, job?.spec.tasks[task.task], job?.origin);
  });
}

/** A worker's own task as the seeds show it: what it was ordered, and what it says of it. */
export function seedsWorkerTask({ order, report }: ReturnType<WorkerControl['tasks']>[number]): SeedsTask {
  const record: TaskRecord = {
    ...order,
    specHash: '',
    run: 1,
    image: order.spec.image,
    state: 'scheduled',
    health: 'unknown',
    attempt: 0,
    restarts: 0,
    failures: 0,
    createdAt: 0,
    ...report,
  };
  return seedsTask(record, order.spec, order.origin);
}
