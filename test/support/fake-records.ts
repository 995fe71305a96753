/** Records as a manager keeps them of what runs at once. */
import { slotName } from '../../src/core/ids.ts';
import type { JobOrigin, JobRecord, JobSpec } from '../../src/core/job.ts';
import type { TaskRecord } from '../../src/core/task.ts';

/** A job that runs. @param known the same before */
export function fakeJob(spec: JobSpec, origin: JobOrigin, known: JobRecord | undefined, index: number): JobRecord {
  const isSame = known !== undefined && JSON.stringify(known.spec) === JSON.stringify(spec);
  return {
    name: spec.name,
    spec,
    origin,
    version: isSame ? known.version : (known?.version ?? 0) + 1,
    index,
    stopWanted: false,
    status: 'running',
    createdAt: known?.createdAt ?? 1_000,
    updatedAt: 2_000,
    hashes: {},
    run: 1,
    completedFrom: 0,
    purgeWanted: false,
  };
}

/** A task of it that runs. @param count how many there are with it */
export function fakeTask(spec: JobSpec, name: string, index: number, count: number): TaskRecord {
  const task = spec.tasks[name]!;
  return {
    id: `${String(count).padStart(8, '0')}-0000-4000-8000-000000000000`,
    job: spec.name,
    task: name,
    index,
    slot: slotName(spec.name, name, index),
    version: 1,
    specHash: 'hash',
    run: 1,
    image: task.image,
    state: 'running',
    health: 'healthy',
    desired: 'running',
    node: 'node-1',
    nodeName: spec.onNode ?? 'bar',
    ports: task.ports.map((port) => ({
      ip: '127.0.0.1',
      host: port.host ?? 20_000,
      container: port.container,
      protocol: port.protocol,
    })),
    sequence: 1,
    attempt: 1,
    restarts: 0,
    failures: 0,
    createdAt: 1_000 + count,
    startedAt: 2_000,
  };
}
