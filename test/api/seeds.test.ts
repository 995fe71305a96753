import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemas } from '../../src/api/schemas.ts';
import { runTaskEvent } from '../../src/api/seeds.ts';
import { problem } from '../../src/core/errors.ts';
import type { SeedsTask } from '../../src/core/seeds.ts';
import type { Order } from '../../src/core/task.ts';
import { makeRig } from './harness.ts';
import type { Rig } from './harness.ts';

const id = 'bb1d59ef-9fc1-4e4b-a44d-db571eeed203';

function taskEvent(taskId = id, more: Readonly<Record<string, unknown>> = {}, state = 2): unknown {
  return {
    ID: 'a7aa1d44-08f6-443e-9378-f5884311019e',
    State: state,
    Task: {
      State: 1,
      ID: taskId,
      Name: 'test-chapter-9.1',
      Image: 'timboring/echo-server:latest',
      Cpu: 0.5,
      Memory: 67_108_864,
      Disk: 0,
      RestartPolicy: 'on-failure',
      ExposedPorts: { '7777/tcp': {} },
      PortBindings: { '7777/tcp': '7777' },
      HealthCheck: '/health',
      ...more,
    },
  };
}

async function refusal(response: Response): Promise<readonly [number, string]> {
  const body = (await response.json()) as { HTTPStatusCode: number; Message: string };
  assert.deepEqual(Object.keys(body), ['HTTPStatusCode', 'Message']);
  assert.equal(body.HTTPStatusCode, response.status);
  return [response.status, body.Message];
}

const post = (rig: Rig, body: unknown, path = '/tasks') => rig.ask('POST', path, { body });

async function tasksOf(rig: Rig, path = '/tasks'): Promise<readonly SeedsTask[]> {
  const response = await rig.ask('GET', path);
  assert.equal(response.status, 200);
  const tasks: unknown = await response.json();
  assert.deepEqual(schemas.SeedsTasks.parse(tasks), tasks);
  return tasks as readonly SeedsTask[];
}

test("the contract's own TaskEvent makes a task: 201 with the task", async () => {
  const rig = makeRig();
  const response = await post(rig, taskEvent());
  assert.equal(response.status, 201);
  const task = schemas.SeedsTask.parse(await response.json());
  assert.deepEqual([task.ID, task.Name, task.State, task.Image], [id, 'test-chapter-9.1', 2, 'timboring/echo-server:latest']);
  assert.deepEqual([task.Cpu, task.Memory, task.RestartPolicy], [0.5, 67_108_864, 'on-failure']);
  assert.deepEqual([task.ExposedPorts, task.PortBindings], [{ '7777/tcp': {} }, { '7777/tcp': '7777' }]);
  assert.deepEqual(task.HostPorts, { '7777/tcp': [{ HostIp: '127.0.0.1', HostPort: '7777' }] });
});

test('a task is listed under the ID that its client gave, also after its slot moved', async () => {
  const rig = makeRig();
  await post(rig, taskEvent());
  const [record] = rig.control.tasksKept;
  rig.control.tasksKept = [
    { ...record!, id: 'second', createdAt: record!.createdAt + 1, state: 'scheduled' },
    { ...record!, state: 'failed' },
  ];
  const tasks = await tasksOf(rig);
  assert.deepEqual(
    tasks.map((task) => [task.ID, task.State]),
    [[id, 1]],
  );
});

test('an ID that is known is 409, also when it comes with another name', async () => {
  const rig = makeRig();
  await post(rig, taskEvent());
  for (const more of [{}, { Name: 'other' }]) {
    const [status] = await refusal(await post(rig, taskEvent(id, more)));
    assert.equal(status, 409);
  }
  assert.equal((await tasksOf(rig)).length, 1);
});

test("a name that another client's task has gets the ID's first characters appended, and both keep their Name", async () => {
  const rig = makeRig();
  await post(rig, taskEvent());
  const other = 'cc1d59ef-9fc1-4e4b-a44d-db571eeed204';
  const response = await post(rig, taskEvent(other));
  assert.equal(response.status, 201);
  const task = (await response.json()) as SeedsTask;
  assert.deepEqual([task.ID, task.Name], [other, 'test-chapter-9.1']);
  assert.deepEqual([...rig.control.jobs.keys()], ['test-chapter-9.1', 'test-chapter-9.1-cc1d59ef']);
});

test('a long name that is taken stays within the length of a name', async () => {
  const rig = makeRig();
  const Name = `n${'x'.repeat(62)}`;
  await post(rig, taskEvent(id, { Name }));
  assert.equal((await post(rig, taskEvent('cc1d59ef-9fc1-4e4b-a44d-db571eeed204', { Name }))).status, 201);
  const names = [...rig.control.jobs.keys()];
  assert.deepEqual(
    names.map((name) => name.length),
    [63, 63],
  );
  assert.ok(names[1]!.endsWith('-cc1d59ef'));
});

test('when the longer name is taken, too, it is 409', async () => {
  const rig = makeRig();
  for (const Name of ['a', 'a-cc1d59ef']) await post(rig, taskEvent(`id-of-${Name}`, { Name }));
  const [status] = await refusal(await post(rig, taskEvent('cc1d59ef-9fc1-4e4b-a44d-db571eeed204', { Name: 'a' })));
  assert.equal(status, 409);
  assert.equal(rig.control.jobs.size, 2);
});

test('bad and unknown fields are 400 and named', async () => {
  const rig = makeRig();
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [{ Foo: 1 }, /Foo/],
    [taskEvent(id, { Imagee: 'x' }), /Imagee/],
    [taskEvent(id, { Image: 7 }), /Image/],
    [taskEvent(id, { Memory: -1 }), /Memory/],
    [taskEvent(id, { RestartPolicy: 'sometimes' }), /RestartPolicy/],
    [taskEvent(id, { PortBindings: { '7777/tcp': 'x' } }), /7777\/tcp/],
    [taskEvent(''), /ID/],
    [[], /./],
    [null, /./],
  ];
  for (const [body, message] of cases) {
    const [status, said] = await refusal(await post(rig, body));
    assert.equal(status, 400, JSON.stringify(body));
    assert.match(said, message);
  }
  assert.equal((await refusal(await rig.ask('POST', '/tasks', { body: '{"ID":' })))[0], 400);
  assert.equal((await refusal(await rig.ask('POST', '/tasks')))[0], 400);
  assert.deepEqual(rig.control.asked, []);
});

test('State 3 stops the task: 204, and 404 for one that is not there', async () => {
  const rig = makeRig();
  await post(rig, taskEvent());
  rig.control.asked.length = 0;
  const response = await post(rig, taskEvent(id, {}, 3));
  assert.deepEqual([response.status, await response.text()], [204, '']);
  assert.deepEqual(rig.control.asked, [`stopTask ${id}`]);
  assert.equal((await refusal(await post(rig, taskEvent('unknown', {}, 3))))[0], 404);
});

test('DELETE stops a task by the ID its client gave: 204, and 404 for one that is not there', async () => {
  const rig = makeRig();
  await post(rig, taskEvent());
  const response = await rig.ask('DELETE', `/tasks/${id}`);
  assert.deepEqual([response.status, await response.text()], [204, '']);
  assert.equal(rig.control.tasksKept[0]!.desired, 'stopped');
  assert.equal((await refusal(await rig.ask('DELETE', '/tasks/unknown')))[0], 404);
});

test('other errors keep the shape of the seeds, before and after routing', async () => {
  const rig = makeRig();
  assert.equal((await refusal(await rig.ask('GET', '/tasks', { token: null })))[0], 401);
  assert.equal((await refusal(await rig.ask('POST', '/tasks', { token: 'viewer-token', body: taskEvent() })))[0], 403);
  assert.equal((await refusal(await rig.ask('GET', '/nodes', { headers: { host: 'evil.example' } })))[0], 421);
  rig.control.failure = problem('not-leading', 'electing');
  assert.equal((await refusal(await rig.ask('GET', '/nodes')))[0], 503);
  rig.control.failure = new Error('a defect');
  assert.equal((await refusal(await post(rig, taskEvent())))[0], 500);
});

test('nodes are shown as the seeds do', async () => {
  const nodes: unknown = await (await makeRig().ask('GET', '/nodes')).json();
  assert.deepEqual(schemas.SeedsNodes.parse(nodes), nodes);
  assert.equal((nodes as readonly { Name: string }[])[0]?.Name, 'bar');
});

test('/stats is what the worker measured, and is not on a manager', async () => {
  const stats: unknown = await (await makeRig().ask('GET', '/stats')).json();
  assert.deepEqual(schemas.SeedsStats.parse(stats), stats);
  assert.equal((stats as { MemStats: { MemTotal: number } }).MemStats.MemTotal, 2_000);
  assert.equal((await makeRig({ role: 'worker' }).ask('GET', '/stats')).status, 200);
  assert.equal((await makeRig({ role: 'manager' }).ask('GET', '/stats')).status, 404);
});

const order: Order = {
  id: 'record-1',
  job: 'shop',
  jobType: 'service',
  task: 'task',
  index: 1,
  slot: 'shop/task.1',
  version: 1,
  desired: 'running',
  spec: {
    image: 'busybox',
    pull: 'missing',
    count: 1,
    env: {},
    resources: { cpu: 1, memoryBytes: 2, diskBytes: 3, custom: {} },
    ports: [],
    restart: { on: 'never', attempts: 0, withinMs: 1, delayMs: 1, backoff: 1, delayMsMax: 1 },
    stopSignal: 'SIGTERM',
    stopDelayMs: 0,
    stopGraceMs: 0,
  },
  labels: {},
  ports: [],
  sequence: 0,
};

for (const [role, prefix] of [
  ['both', '/worker'],
  ['worker', ''],
] as const) {
  test(`the worker's own API is at ${prefix}/tasks on a node with the role ${role}`, async () => {
    const rig = makeRig({ role });
    const created = await post(rig, taskEvent(), `${prefix}/tasks`);
    assert.deepEqual([created.status, await created.json()], [201, { ID: 'made' }]);
    assert.deepEqual(rig.worker.events, [taskEvent()]);
    rig.worker.answer = null;
    assert.equal((await post(rig, taskEvent(id, {}, 3), `${prefix}/tasks`)).status, 204);
    assert.equal((await rig.ask('DELETE', `${prefix}/tasks/${id}`)).status, 204);
    assert.deepEqual(rig.worker.stopped, [id]);
    assert.equal((await refusal(await rig.ask('DELETE', `${prefix}/tasks/unknown`)))[0], 404);
    assert.deepEqual(rig.control.asked, [], 'the manager of this node was not asked by itself');
  });

  test(`a worker (${role}) lists what it was ordered and what it says of it`, async () => {
    const rig = makeRig({ role });
    const report = {
      id: 'record-1',
      sequence: 3,
      state: 'running',
      health: 'unknown',
      attempt: 1,
      restarts: 2,
      containerId: 'c1',
      startedAt: 0,
    } as const;
    const origin = { kind: 'seeds', clientTaskId: id, clientTaskName: 'mine' } as const;
    rig.worker.kept = [
      { order, report: null },
      { order: { ...order, origin }, report },
    ];
    const tasks = await tasksOf(rig, `${prefix}/tasks`);
    assert.deepEqual(
      tasks.map((task) => [task.ID, task.Name, task.State, task.ContainerID, task.RestartCount]),
      [
        ['record-1', 'shop/task.1', 1, '', 0],
        [id, 'mine', 2, 'c1', 2],
      ],
    );
  });
}

test('a task that a worker handed on is bound to that worker', async () => {
  const { control, deps } = makeRig();
  const task = await runTaskEvent(control, deps.limits, taskEvent(), 'foo');
  assert.equal(task?.ID, id);
  assert.equal(control.jobs.get('test-chapter-9.1')?.spec.onNode, 'foo');
  assert.deepEqual(JSON.parse(JSON.stringify(task)), task, 'it can travel');
  assert.equal(await runTaskEvent(control, deps.limits, taskEvent(id, {}, 3), 'foo'), null);
});

test('two requests with one ID at once make one task', async () => {
  const rig = makeRig();
  const statuses = await Promise.all([post(rig, taskEvent()), post(rig, taskEvent())].map(async (one) => (await one).status));
  assert.deepEqual(new Set(statuses), new Set([201, 409]));
  assert.equal(rig.control.jobs.size, 1);
});
