/** What a submit makes of a job: pure, so that `plan` says what `submit` does. */
import type { JobOrigin, JobRecord, JobSpec, TaskSpec } from './job.ts';
import type { Change } from './reconcile.ts';
import { hashesOf, sameJob } from './spec-hash.ts';
import { isFinal, type TaskRecord } from './task.ts';

/** What a submit changes. */
export type SubmitChange = 'created' | 'updated' | 'unchanged' | 'started';

/** A job as it is after a submit. */
export interface Submission {
  readonly change: SubmitChange;
  readonly job: JobRecord;
}

/**
 * The job's record after a submit. A stopped job starts again; one that is to be purged is made anew, in its next version.
 * @param known the job of that name now
 * @param now ms since the epoch
 * @param nextIndex an index for a change; asked for only when there is one
 */
export function submission(
  known: JobRecord | undefined,
  { spec, origin }: { readonly spec: JobSpec; readonly origin: JobOrigin },
  now: number,
  nextIndex: () => number,
): Submission {
  if (known && !known.purgeWanted && sameJob(known.spec, spec)) {
    // Whose job it is may change without its spec: a file takes over what `run` began.
    const job = known.origin.kind === origin.kind ? known : { ...known, origin };
    return job.stopWanted ? { change: 'started', job: startedAgain(job, nextIndex()) } : { change: 'unchanged', job };
  }
  const job: JobRecord = {
    name: spec.name,
    spec,
    origin,
    version: (known?.version ?? 0) + 1,
    hashes: hashesOf(spec, known?.stamps),
    index: nextIndex(),
    stopWanted: false,
    purgeWanted: false,
    status: known?.status ?? 'pending',
    createdAt: known?.createdAt ?? now,
    updatedAt: now,
    run: (known?.run ?? 0) + 1,
    completedFrom: known?.completedFrom ?? 0,
  };
  return { change: known === undefined ? 'created' : 'updated', job };
}

/** A job in its next run. */
export function startedAgain(job: JobRecord, index: number): JobRecord {
  const run = job.run + 1;
  const completedFrom = job.status === 'completed' ? run : job.completedFrom;
  return { ...job, stopWanted: false, purgeWanted: false, run, completedFrom, index };
}

/** A record for a slot, as it waits for a place. */
export function newTask(job: JobRecord, change: Extract<Change, { kind: 'create' }>, id: string, createdAt: number): TaskRecord {
  const { slot, failures, placeAfter, avoid, reason } = change;
  return {
    id,
    job: job.name,
    task: slot.task,
    index: slot.index,
    slot: slot.name,
    version: job.version,
    specHash: slot.specHash,
    run: job.run,
    image: slot.spec.image,
    state: 'pending',
    health: 'unknown',
    desired: 'running',
    ports: [],
    sequence: 0,
    attempt: 0,
    restarts: 0,
    failures,
    ...(hasTerms(slot.spec) ? { hasCheck: true } : {}),
    createdAt,
    ...(reason === undefined ? {} : { reason }),
    ...(placeAfter === undefined ? {} : { placeAfter }),
    ...(avoid === undefined || avoid.length === 0 ? {} : { avoid }),
  };
}

/** A task whose container stays, under the terms of its job's new version; undefined for one that is not of that version, or has ended. */
export function underNewTerms(job: JobRecord, task: TaskRecord): TaskRecord | undefined {
  if (isFinal(task) || task.specHash !== job.hashes[task.task]) return undefined;
  // Of what has run its worker tells whether it has a check.
  const hasCheck = task.startedAt === undefined ? hasTerms(job.spec.tasks[task.task]) : task.hasCheck;
  return { ...task, version: job.version, ...(hasCheck === undefined ? {} : { hasCheck }) };
}

/** Whether a job names a check itself; whether an image has one is known when it runs. */
function hasTerms(spec: TaskSpec | undefined): boolean {
  return typeof spec?.health === 'object';
}
