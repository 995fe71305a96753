/** Jobs, tasks and nodes as the API shows them, for tests. */
import type { DeploymentJson, VersionJson } from '../../src/core/deployment-view.ts';
import type { EventJson, JobJson, NodeJson, StatusJson, TaskJson } from '../../src/core/views.ts';
import { order } from '../machines/order.ts';

export const at = '2026-01-31T12:00:00.000Z';

export function aJob(changes: Partial<JobJson> = {}): JobJson {
  return {
    name: 'shop',
    type: 'service',
    version: 1,
    index: 7,
    status: 'running',
    reason: null,
    datacenters: [],
    labels: {},
    desired: 1,
    running: 1,
    healthy: 1,
    failed: 0,
    completed: 0,
    deployment: null,
    parent: null,
    nextTick: null,
    lastTick: null,
    createdAt: at,
    updatedAt: at,
    ...changes,
  };
}

export function aTask(changes: Partial<TaskJson> = {}): TaskJson {
  const job = changes.job ?? 'shop';
  return {
    id: '11111111-1111-4111-8111-111111111111',
    job,
    task: 'web',
    slot: `${job}/web.1`,
    version: 1,
    state: 'running',
    health: 'unknown',
    hasCheck: false,
    digest: null,
    desired: 'running',
    node: 'bar',
    nodeId: '99999999-9999-4999-8999-999999999999',
    image: 'busybox:latest',
    containerId: 'c0ffee',
    containerName: 'cube-shop-web-1-111111111111-1',
    attempt: 1,
    restarts: 0,
    lastEnd: null,
    exitCode: null,
    reason: null,
    reasonCode: null,
    detail: null,
    ports: [],
    usage: null,
    createdAt: at,
    scheduledAt: at,
    startedAt: at,
    finishedAt: null,
    ...changes,
  };
}

export function aNode(changes: Partial<NodeJson> = {}): NodeJson {
  const gib = 2 ** 30;
  return {
    id: '99999999-9999-4999-8999-999999999999',
    name: 'bar',
    dc: 'dc1',
    state: 'ready',
    reason: null,
    engineAway: false,
    eligible: true,
    role: 'manager,worker',
    labels: { disk: 'ssd' },
    capacity: { cpu: 4, memoryBytes: 8 * gib, diskBytes: 100 * gib, custom: { gpu: 2 } },
    reserved: { cpu: 0.5, memoryBytes: 1.5 * gib, diskBytes: 0, custom: {} },
    used: { cpu: 0.1, memoryBytes: gib, diskBytes: gib, custom: {} },
    tasks: 1,
    version: '0.1.0',
    os: 'linux',
    arch: 'x64',
    cpuModel: 'Some CPU @ 2.00GHz',
    runtime: { name: 'docker', version: '20.10' },
    ...changes,
  };
}

export function anEvent(changes: Partial<EventJson> = {}): EventJson {
  return {
    seq: 1,
    at,
    epoch: '1.1',
    machine: 'task',
    id: '11111111-1111-4111-8111-111111111111',
    from: 'pending',
    to: 'scheduled',
    event: 'order.place',
    cause: 'placed on bar',
    node: 'bar',
    job: 'shop',
    ...changes,
  };
}

export function aStatus(jobs: readonly JobJson[], tasks: readonly TaskJson[]): StatusJson {
  return { index: 7, jobs, tasks };
}

/** A deployment that goes on, as a service has one. */
export function aDeployment(changes: Partial<DeploymentJson> = {}): DeploymentJson {
  return {
    version: 1,
    state: 'rolling',
    cause: 'submitted',
    replaces: true,
    goodVersion: null,
    rollbackOf: null,
    updated: 0,
    desired: 1,
    reason: null,
    startedAt: at,
    endedAt: null,
    ...changes,
  };
}

/** A version in a job's history; its job has the tasks named, one instance each. */
export function aVersion(changes: Partial<VersionJson> = {}, tasks: readonly string[] = ['web']): VersionJson {
  const spec = {
    name: 'shop',
    type: 'service',
    datacenters: [],
    priority: 50,
    labels: {},
    tasks: Object.fromEntries(tasks.map((name) => [name, { ...order.spec, count: 1 }])),
  } as const;
  return { version: 1, createdAt: at, cause: 'submitted', state: 'succeeded', reason: null, isCurrent: true, spec, diff: [], ...changes };
}
