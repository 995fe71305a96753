import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemas } from '../../src/api/schemas.ts';
import type { VolumeJson } from '../../src/core/volume-view.ts';
import type { SchemaName } from '../../src/api/schemas.ts';
import { routesOf } from '../../src/api/index.ts';
import type { JobJson, JobsJson, RebalanceJson, StatusJson, SubmittedJson, TaskJson } from '../../src/core/views.ts';
import { isoTime } from '../../src/core/views.ts';
import { problem } from '../../src/core/errors.ts';
import { jobDocument, makeRig } from './harness.ts';
import type { Rig } from './harness.ts';

/** An answer, held against the shape that /openapi.json promises: nothing missing, nothing more. */
async function shaped<T>(response: Response, name: SchemaName): Promise<T> {
  const value: unknown = await response.json();
  assert.deepEqual(schemas[name].parse(value), value, `${name}: ${JSON.stringify(value)}`);
  return value as T;
}

async function withShop(more: Readonly<Record<string, unknown>> = {}): Promise<Rig> {
  const rig = makeRig();
  await rig.ask('POST', '/v1/jobs', { body: { job: jobDocument('shop', more) } });
  rig.control.asked.length = 0;
  return rig;
}

test('a submit makes a job, finds it unchanged, changes it, starts it', async () => {
  const { ask } = makeRig();
  const submit = async (job: unknown) => {
    const response = await ask('POST', '/v1/jobs', { body: { job } });
    const { change, job: made } = await shaped<SubmittedJson>(response, 'Submitted');
    return [response.status, change, made.version] as const;
  };
  assert.deepEqual(await submit(jobDocument()), [201, 'created', 1]);
  assert.deepEqual(await submit(jobDocument()), [200, 'unchanged', 1]);
  assert.deepEqual(await submit(jobDocument('shop', { count: 3 })), [200, 'updated', 2]);
  await ask('POST', '/v1/jobs/shop/stop', { body: {} });
  assert.deepEqual(await submit(jobDocument('shop', { count: 3 })), [200, 'started', 2]);
});

test('a submit answers with the counts of its job', async () => {
  const { ask } = makeRig();
  const { job } = (await (await ask('POST', '/v1/jobs', { body: { job: jobDocument() } })).json()) as SubmittedJson;
  assert.deepEqual([job.desired, job.running], [2, 2]);
});

test('a submit hands on its conditions and its origin', async () => {
  const { ask, control } = makeRig();
  const submit = async (more: object) => (await ask('POST', '/v1/jobs', { body: { job: jobDocument(), ...more } })).status;
  assert.equal(await submit({ checkIndex: 5 }), 409);
  assert.equal(await submit({ checkIndex: 0, origin: { kind: 'run' } }), 201);
  assert.deepEqual(control.jobs.get('shop')?.origin, { kind: 'run' });
  assert.equal(await submit({ mustBeNew: true }), 409);
  assert.equal(await submit({ checkIndex: 1 }), 200);
});

test('a submit tells its warnings, and a strict one is refused for them', async () => {
  const { ask, control } = makeRig();
  const submit = async (more: object = {}) => ask('POST', '/v1/jobs', { body: { job: jobDocument(), ...more } });
  assert.deepEqual((await shaped<SubmittedJson>(await submit({ strict: true }), 'Submitted')).warnings, []);
  control.warnings = ['task web: no node has the label gpu'];
  assert.deepEqual((await shaped<SubmittedJson>(await submit(), 'Submitted')).warnings, control.warnings);
  assert.equal((await submit({ strict: false })).status, 200);
  assert.equal((await submit({ strict: true })).status, 400);
});

test('a wrong job is 400 with all its problems, and nothing is accepted', async () => {
  const { ask, control } = makeRig();
  const job = { name: 'a b', type: 'srevice', tasks: { web: { image: 'x', count: -1, cuont: 2 } } };
  const response = await ask('POST', '/v1/jobs', { body: { job } });
  assert.equal(response.status, 400);
  const { error } = await shaped<{ error: { code: string; problems: readonly { message: string }[] } }>(response, 'Error');
  assert.equal(error.code, 'invalid-file');
  assert.equal(error.problems.length, 4);
  assert.match(error.problems.map((one) => one.message).join('\n'), /tasks\.web.*cuont/);
  assert.equal((await ask('POST', '/v1/jobs', { body: { job: null } })).status, 400);
  assert.deepEqual(control.asked, []);
});

test('jobs are listed with the index they are read at, and shown with their tasks', async () => {
  const { ask } = await withShop();
  await ask('POST', '/v1/jobs', { body: { job: jobDocument('other') } });
  const { index, jobs } = await shaped<JobsJson>(await ask('GET', '/v1/jobs'), 'Jobs');
  assert.deepEqual([index, jobs.map((job) => job.name)], [2, ['shop', 'other']]);
  const one = await shaped<StatusJson>(await ask('GET', '/v1/jobs/shop'), 'Status');
  assert.deepEqual([one.jobs.length, one.tasks.map((task) => task.slot)], [1, ['shop/web.1', 'shop/web.2']]);
  assert.equal((await ask('GET', '/v1/jobs/nosuch')).status, 404);
});

test('a job is stopped, purged and started; one that is not there is 404', async () => {
  const { ask, control } = await withShop();
  assert.equal((await shaped<JobJson>(await ask('POST', '/v1/jobs/shop/stop'), 'Job')).status, 'stopped');
  assert.equal((await shaped<JobJson>(await ask('POST', '/v1/jobs/shop/start', { body: {} }), 'Job')).status, 'running');
  assert.equal((await ask('POST', '/v1/jobs/shop/stop', { body: { purge: true } })).status, 200);
  assert.deepEqual(control.asked, ['stopJob shop', 'startJob shop', 'stopJob shop purge']);
  for (const verb of ['stop', 'start']) assert.equal((await ask('POST', `/v1/jobs/shop/${verb}`, { body: {} })).status, 404);
});

test('the state is told whole, of a job, or of a task', async () => {
  const { ask } = await withShop();
  await ask('POST', '/v1/jobs', { body: { job: jobDocument('other') } });
  const read = async (query: string) => {
    const { jobs, tasks } = await shaped<StatusJson>(await ask('GET', `/v1/status${query}`), 'Status');
    return [jobs.length, tasks.length];
  };
  assert.deepEqual(await read(''), [2, 4]);
  assert.deepEqual(await read('?job=other'), [1, 2]);
  assert.deepEqual(await read('?task=other%2Fweb.2'), [1, 1]);
  assert.deepEqual(await read('?task=other/web.2'), [1, 1]);
  assert.equal((await ask('GET', '/v1/status?job=nosuch')).status, 404);
  assert.equal((await ask('GET', '/v1/status?task=nosuch')).status, 404);
});

test('a task is found by its id, a prefix and its slot', async () => {
  const { ask, control } = await withShop();
  const { id } = control.tasksKept[1]!;
  for (const ref of [id, id.slice(0, 8), 'shop%2Fweb.2', 'shop%2fweb%2E2']) {
    const task = await shaped<TaskJson>(await ask('GET', `/v1/tasks/${ref}`), 'Task');
    assert.equal(task.id, id, ref);
  }
  assert.equal((await ask('GET', '/v1/tasks/nosuch')).status, 404);
  assert.equal((await ask('GET', '/v1/tasks/shop/web.2')).status, 404, 'a bare slash parts the path');
});

test('of a slot with several records the newest is the task', async () => {
  const { ask, control } = await withShop({ count: 1 });
  const old = control.tasksKept[0]!;
  control.tasksKept = [
    { ...old, id: 'newer', createdAt: old.createdAt + 5 },
    { ...old, state: 'failed' },
  ];
  assert.equal(((await (await ask('GET', '/v1/tasks/shop%2Fweb.1')).json()) as TaskJson).id, 'newer');
});

test('a name that needs encoding arrives as it was', async () => {
  const { ask, control } = makeRig();
  control.failure = undefined;
  for (const name of ['a b', 'ü', '100%', 'a%2Fb', 'a+b', 'a?b', '..']) {
    await ask('POST', `/v1/tasks/${encodeURIComponent(name)}/stop`, { body: {} });
    if (name !== '..') assert.equal(control.asked.pop(), `stopTask ${name}`);
  }
  assert.deepEqual(control.asked, [], 'a path of dots is folded before anybody reads it');
});

test('a task is stopped, and explained', async () => {
  const { ask, control } = await withShop();
  const stopped = await shaped<TaskJson>(await ask('POST', '/v1/tasks/shop%2Fweb.1/stop', { body: {} }), 'Task');
  assert.deepEqual([stopped.state, stopped.desired], ['stopping', 'stopped']);
  assert.deepEqual(control.asked, ['stopTask shop/web.1']);
  const explained = await shaped<{ picked: string; nodes: unknown[] }>(await ask('GET', '/v1/tasks/shop%2Fweb.1/explain'), 'Explain');
  assert.deepEqual([explained.picked, explained.nodes.length], ['bar', 2]);
  assert.equal((await ask('GET', '/v1/tasks/nosuch/explain')).status, 404);
  assert.equal((await ask('POST', '/v1/tasks/nosuch/stop', { body: {} })).status, 404);
});

test('moves worth making are told, no more than are asked for', async () => {
  const { ask, control } = await withShop();
  const all = await shaped<RebalanceJson>(await ask('GET', '/v1/rebalance'), 'Rebalance');
  assert.deepEqual(all, await control.rebalance());
  assert.equal(all.moves.length, 1);
  assert.deepEqual((await shaped<RebalanceJson>(await ask('GET', '/v1/rebalance?max=0'), 'Rebalance')).moves, []);
  assert.equal((await ask('GET', '/v1/rebalance?max=many')).status, 400);
});

test('the data of slots is told, and let go of by its slot', async () => {
  const { ask, control } = await withShop();
  const all = await shaped<readonly VolumeJson[]>(await ask('GET', '/v1/volumes'), 'Volumes');
  const one: VolumeJson = {
    name: 'shop_cache',
    job: 'shop',
    slot: 'shop/web.1',
    node: 'bar',
    nodeId: 'node-1',
    nodeGone: false,
    volumes: ['shop_cache', 'shop_data'],
    inUse: false,
    since: '1970-01-01T00:00:01.000Z',
  };
  assert.deepEqual(all, [one]);
  assert.deepEqual(await shaped<VolumeJson>(await ask('POST', '/v1/volumes/shop%2Fweb.1/release', { body: {} }), 'Volume'), one);
  assert.deepEqual(control.asked, ['releaseVolume shop/web.1']);
  assert.equal((await ask('POST', '/v1/volumes/shop%2Fweb.2/release', { body: {} })).status, 404);
});

test('every field of a task that has happened is told', async () => {
  const { ask, control } = await withShop({ ports: ['8080:80'] });
  control.change('shop/web.1', {
    exitCode: 137,
    reason: 'out of memory',
    reasonCode: 'engine-error',
    detail: 'pulling',
    containerId: 'c1',
    containerName: 'cube-shop',
    scheduledAt: 1_500,
    finishedAt: 3_000,
  });
  const task = await shaped<TaskJson>(await ask('GET', '/v1/tasks/shop%2Fweb.1'), 'Task');
  assert.deepEqual(task.ports, [{ ip: '127.0.0.1', host: 8080, container: 80, protocol: 'tcp' }]);
  assert.deepEqual([task.exitCode, task.reason, task.finishedAt], [137, 'out of memory', isoTime(3_000)]);
});

test('every answer of JSON has the shape that is promised', async () => {
  const rig = await withShop();
  for (const row of routesOf(rig.deps)) {
    const name = row.answers[200]?.schema;
    if (row.method !== 'GET' || name === undefined || row.answers[200]?.types) continue;
    await shaped(await rig.ask('GET', row.path.replace('{name}', 'shop').replace('{ref}', 'shop%2Fweb.1')), name);
  }
});

test('what fails after a submit was taken is not told as if it had not', async () => {
  const { ask, control } = makeRig();
  const status = control.status.bind(control);
  control.status = async (filter) => {
    if (control.jobs.size > 0) throw problem('not-found', 'purged meanwhile');
    return status(filter);
  };
  const response = await ask('POST', '/v1/jobs', { body: { job: jobDocument() } });
  assert.equal(response.status, 201);
  assert.equal((await shaped<SubmittedJson>(response, 'Submitted')).job.desired, 0);
});
