import assert from 'node:assert/strict';
import test from 'node:test';
import { limitsDefault } from '../../src/core/limits.ts';
import { readTaskEvent, seedsError, seedsNode, seedsState, seedsStats, seedsTask } from '../../src/core/seeds.ts';
import { taskStates, type TaskRecord } from '../../src/core/task.ts';
import type { NodeJson } from '../../src/core/views.ts';
import { taskOf } from './job-files.ts';

const record: TaskRecord = {
  id: '11111111-2222-4333-8444-555555555555',
  job: 'shop',
  task: 'web',
  index: 2,
  slot: 'shop/web.2',
  version: 1,
  specHash: 'x',
  run: 1,
  image: 'nginx',
  state: 'running',
  health: 'unknown',
  desired: 'running',
  ports: [],
  sequence: 1,
  attempt: 1,
  restarts: 3,
  failures: 0,
  createdAt: 0,
};

test('every state has its number of the seeds', () => {
  assert.deepEqual(Object.fromEntries(taskStates.map((state) => [state, seedsState(state)])), {
    pending: 0,
    scheduled: 1,
    preparing: 1,
    starting: 1,
    running: 2,
    backingOff: 1,
    stopping: 2,
    unreachable: 2,
    completed: 3,
    failed: 4,
    stopped: 3,
    lost: 4,
    rejected: 4,
  });
});

test('a task of a file is shown by its own id and slot', () => {
  assert.deepEqual(seedsTask(record, taskOf(), { kind: 'file' }), {
    ID: record.id,
    ContainerID: '',
    Name: 'shop/web.2',
    State: 2,
    Image: 'nginx',
    Cpu: 0,
    Memory: 0,
    Disk: 0,
    ExposedPorts: {},
    HostPorts: {},
    PortBindings: {},
    RestartPolicy: 'always',
    StartTime: '0001-01-01T00:00:00Z',
    FinishTime: '0001-01-01T00:00:00Z',
    HealthCheck: '',
    RestartCount: 3,
  });
});

test("a client's task is shown as the client knows it", () => {
  const read = readTaskEvent(
    {
      Task: {
        ID: 'client-1',
        Name: 'my task',
        Image: 'nginx',
        Cpu: 0.5,
        Memory: 64,
        Disk: 32,
        RestartPolicy: 'on-failure',
        PortBindings: { '7777/tcp': '7777' },
      },
    },
    limitsDefault,
  );
  assert.equal(read.kind, 'run');
  const task: TaskRecord = {
    ...record,
    job: 'my-task',
    containerId: 'abc',
    ports: [{ ip: '0.0.0.0', host: 7777, container: 7777, protocol: 'tcp' }],
    startedAt: Date.UTC(2026, 0, 31, 12),
    finishedAt: Date.UTC(2026, 0, 31, 13),
    state: 'failed',
  };
  const shown = seedsTask(task, read.spec.tasks['task'], read.origin);
  assert.deepEqual(
    [shown.ID, shown.Name, shown.ContainerID, shown.State, shown.Cpu, shown.Memory, shown.Disk, shown.RestartPolicy],
    ['client-1', 'my task', 'abc', 4, 0.5, 64, 32, 'on-failure'],
  );
  assert.deepEqual(shown.ExposedPorts, { '7777/tcp': {} });
  assert.deepEqual(shown.PortBindings, { '7777/tcp': '7777' });
  assert.deepEqual(shown.HostPorts, { '7777/tcp': [{ HostIp: '0.0.0.0', HostPort: '7777' }] });
  assert.deepEqual([shown.StartTime, shown.FinishTime], ['2026-01-31T12:00:00.000Z', '2026-01-31T13:00:00.000Z']);
  assert.equal(seedsTask(task, undefined, { kind: 'seeds', clientTaskId: 'client-1' }).Name, 'my-task');
});

test('what is shown of a task can be posted again', () => {
  const spec = taskOf('ports: ["8080:80", "53/udp", "127.0.0.1:81:81", "[::1]:82:82"]', 'restart: {on: failure}');
  const shown = seedsTask({ ...record, state: 'pending' }, spec, undefined);
  assert.deepEqual(shown.PortBindings, { '80/tcp': '8080', '53/udp': '', '81/tcp': '127.0.0.1:81', '82/tcp': '[::1]:82' });
  const read = readTaskEvent({ State: 2, Task: shown }, limitsDefault);
  assert.equal(read.kind, 'run');
  assert.deepEqual(read.spec.tasks['task']?.ports, spec.ports);
  assert.equal(read.spec.tasks['task']?.restart.on, 'failure');
});

test('a free port is shown once it is chosen, with and without the spec', () => {
  const bound = { ...record, ports: [{ ip: '127.0.0.1', host: 20_001, container: 80, protocol: 'tcp' as const }] };
  assert.deepEqual(seedsTask(bound, taskOf('ports: [80]'), undefined).PortBindings, { '80/tcp': '20001' });
  const without = seedsTask(bound, undefined, undefined);
  assert.deepEqual([without.PortBindings, without.ExposedPorts, without.RestartPolicy], [{ '80/tcp': '20001' }, { '80/tcp': {} }, '']);
});

test('a container port bound twice shows both host ports', () => {
  const ports = [8080, 8081].map((host) => ({ ip: '0.0.0.0', host, container: 80, protocol: 'tcp' as const }));
  const shown = seedsTask({ ...record, ports }, taskOf('ports: ["8080:80", "8081:80"]'), undefined);
  assert.deepEqual(shown.HostPorts, {
    '80/tcp': [
      { HostIp: '0.0.0.0', HostPort: '8080' },
      { HostIp: '0.0.0.0', HostPort: '8081' },
    ],
  });
});

test('a node is shown with its capacity and what is reserved of it', () => {
  const none = { cpu: 0, memoryBytes: 0, diskBytes: 0, custom: {} };
  const node: NodeJson = {
    id: 'n1',
    name: 'bar',
    dc: 'dc1',
    state: 'ready',
    reason: null,
    engineAway: false,
    eligible: true,
    role: 'manager,worker',
    labels: {},
    capacity: { cpu: 2, memoryBytes: 1_000, diskBytes: 5_000, custom: {} },
    reserved: { cpu: 1, memoryBytes: 100, diskBytes: 50, custom: {} },
    used: none,
    tasks: 4,
    version: '0.1.0',
    os: 'linux',
    arch: 'x64',
    cpuModel: null,
    runtime: { name: 'docker', version: '20' },
  };
  const shown = {
    Name: 'bar',
    Ip: '',
    Api: '',
    Cores: 2,
    Memory: 1_000,
    MemoryAllocated: 100,
    Disk: 5_000,
    DiskAllocated: 50,
    Role: 'manager,worker',
    TaskCount: 4,
  };
  assert.deepEqual(seedsNode(node), shown);
  assert.deepEqual(seedsNode(node, { ip: '10.0.0.1', api: 'http://10.0.0.1:5555' }), {
    ...shown,
    Ip: '10.0.0.1',
    Api: 'http://10.0.0.1:5555',
  });
});

test("statistics have the book's shape, in whole numbers of its units", () => {
  const sample = {
    memory: { totalBytes: 8 * 2 ** 30, availableBytes: 2 ** 30 + 1 },
    disk: { totalBytes: 100, freeBytes: 40 },
    cpuTicks: { user: 1_000, nice: 1, system: 500, idle: 9_000, iowait: 20, irq: 3, softirq: 40, steal: 5 },
    load: [0.5, 1, 1.5] as const,
  };
  assert.deepEqual(seedsStats(sample, 3), {
    MemStats: { MemTotal: 8_388_608, MemAvailable: 1_048_576, mem_total: 8_388_608, mem_available: 1_048_576 },
    DiskStats: { All: 100, Used: 60, Free: 40 },
    CpuStats: { User: 1_000, Nice: 1, System: 500, Idle: 9_000, IOWait: 20, IRQ: 3, SoftIRQ: 40, Steal: 5 },
    LoadStats: { Last1Min: 0.5, Last5Min: 1, Last15Min: 1.5 },
    TaskCount: 3,
  });
});

test("errors are the seeds' own", () => {
  assert.deepEqual(seedsError(404, 'no such task'), { HTTPStatusCode: 404, Message: 'no such task' });
});
