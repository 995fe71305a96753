/** Jobs and task records for tests of what is decided about them. */
import type { JobRecord, JobSpec, JobType, TaskSpec } from '../../src/core/job.ts';
import { slotName } from '../../src/core/ids.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import { noResources } from '../../src/core/resources.ts';
import { slotsOf, type SlotList } from '../../src/core/slots.ts';
import type { TaskRecord, TaskState } from '../../src/core/task.ts';

/** When everything happens, ms. */
export const now = 1_000_000;

/** A task of a job, with the defaults of its type. */
export function taskOf(type: JobType, count: number, changes: Partial<TaskSpec> = {}): TaskSpec {
  return {
    image: 'nginx',
    pull: 'missing',
    count,
    env: {},
    resources: noResources,
    ports: [],
    restart: {
      on: type === 'batch' ? 'failure' : 'always',
      attempts: 3,
      withinMs: 600_000,
      delayMs: 1_000,
      backoff: 2,
      delayMsMax: 60_000,
    },
    stopSignal: 'SIGTERM',
    stopDelayMs: 0,
    stopGraceMs: 10_000,
    ...changes,
  };
}

/** A job whose only task is `web`, at a version whose hash is `v<version>`. */
export function jobOf(type: JobType, count: number, changes: Partial<JobRecord> = {}, task: Partial<TaskSpec> = {}): JobRecord {
  const spec: JobSpec = { name: 'shop', type, datacenters: [], priority: 50, labels: {}, tasks: { web: taskOf(type, count, task) } };
  const version = changes.version ?? 1;
  return {
    name: 'shop',
    spec,
    origin: { kind: 'file' },
    version,
    hashes: { web: `v${version}` },
    index: 1,
    stopWanted: false,
    status: 'running',
    createdAt: 0,
    updatedAt: 0,
    run: 1,
    completedFrom: 0,
    purgeWanted: false,
    ...changes,
  };
}

let records = 0;

/** A record of `shop/web.<index>` of version 1, one that was made after all before it. */
export function record(index: number, state: TaskState, changes: Partial<TaskRecord> = {}): TaskRecord {
  const count = ++records;
  const placed = state !== 'pending';
  return {
    id: `${String(count).padStart(8, '0')}-record`,
    job: 'shop',
    task: 'web',
    index,
    slot: slotName('shop', 'web', index),
    version: 1,
    specHash: 'v1',
    run: 1,
    image: 'nginx',
    state,
    health: 'unknown',
    desired: 'running',
    ports: [],
    sequence: 0,
    attempt: 1,
    restarts: 0,
    failures: 0,
    createdAt: count,
    ...(placed ? { node: 'n1', nodeName: 'one' } : {}),
    ...changes,
  };
}

/** The slots of a job and what belongs to none. */
export function look(job: JobRecord, tasks: readonly TaskRecord[]): SlotList {
  return slotsOf(job, tasks);
}

/** The limits that decisions look at. */
export const limits = { ...limitsDefault, updateParallel: 1, replaceDelayMs: 1_000, replaceBackoff: 2, replaceDelayMsMax: 60_000 };
