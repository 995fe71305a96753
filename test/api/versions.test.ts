/** Versions and runs of a job over HTTP: scale, restart, history, rollback, promote, dispatch. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemas } from '../../src/api/schemas.ts';
import type { SchemaName } from '../../src/api/schemas.ts';
import type { VersionJson } from '../../src/core/deployment-view.ts';
import type { ErrorBody } from '../../src/core/errors.ts';
import type { JobJson, SubmittedJson } from '../../src/core/views.ts';
import { jobDocument, makeRig, waitForPromotion } from './harness.ts';
import type { Rig } from './harness.ts';

/** An answer, held against the shape that /openapi.json promises: nothing missing, nothing more. */
async function shaped<T>(response: Response, name: SchemaName): Promise<T> {
  const value: unknown = await response.json();
  assert.deepEqual(schemas[name].parse(value), value, `${name}: ${JSON.stringify(value)}`);
  return value as T;
}

async function withShop(): Promise<Rig> {
  const rig = makeRig();
  await rig.ask('POST', '/v1/jobs', { body: { job: jobDocument() } });
  rig.control.asked.length = 0;
  return rig;
}

async function withEncode(): Promise<Rig> {
  const rig = await withShop();
  const shop = rig.control.jobs.get('shop')!;
  rig.control.jobs.set('encode', { ...shop, name: 'encode', spec: { ...shop.spec, name: 'encode', type: 'parameterized' } });
  return rig;
}

async function refusal(response: Response): Promise<readonly [status: number, code: string, message: string]> {
  const { error } = (await response.json()) as ErrorBody;
  return [response.status, error.code, error.message];
}

test('a job is scaled, which makes a version, and the same again changes nothing', async () => {
  const { ask, control } = await withShop();
  const scale = async (body: unknown) => shaped<SubmittedJson>(await ask('POST', '/v1/jobs/shop/scale', { body }), 'Submitted');
  const { job, change } = await scale({ tasks: { web: 5 } });
  assert.deepEqual([change, job.version, job.desired], ['updated', 2, 5]);
  assert.equal((await scale({ tasks: { web: 5 }, checkIndex: job.index })).change, 'unchanged');
  assert.deepEqual(control.asked, ['scale shop {"web":5}', 'scale shop {"web":5}']);
});

test('a scale at another index is 409, of a job or task that is not there 404', async () => {
  const { ask } = await withShop();
  const status = async (path: string, body: unknown) => (await refusal(await ask('POST', path, { body })))[0];
  assert.equal(await status('/v1/jobs/shop/scale', { tasks: { web: 5 }, checkIndex: 99 }), 409);
  assert.equal(await status('/v1/jobs/nosuch/scale', { tasks: { web: 5 } }), 404);
  assert.equal(await status('/v1/jobs/shop/scale', { tasks: { wbe: 5 } }), 404);
});

test('counts that are none are 400, and the manager is not asked', async () => {
  const { ask, control } = await withShop();
  for (const tasks of [undefined, null, {}, [], 5, { web: -1 }, { web: 1.5 }, { web: '5' }, { web: null }, { web: 5, db: -1 }]) {
    const [status, code, message] = await refusal(await ask('POST', '/v1/jobs/shop/scale', { body: { tasks } }));
    assert.deepEqual([status, code], [400, 'usage'], JSON.stringify(tasks));
    assert.match(message, /"tasks" must be an object of whole numbers/);
  }
  assert.equal((await ask('POST', '/v1/jobs/shop/scale', { body: { task: { web: 5 } } })).status, 400);
  assert.equal((await ask('POST', '/v1/jobs/shop/scale', { body: { tasks: { web: 5 }, checkIndex: 'x' } })).status, 400);
  assert.deepEqual(control.asked, []);
});

test('a task of a strange name arrives as it was', async () => {
  const { ask, control } = await withShop();
  await ask('POST', '/v1/jobs/shop/scale', { body: '{"tasks":{"__proto__":3}}', headers: { 'content-type': 'application/json' } });
  assert.deepEqual(control.asked, ['scale shop {"__proto__":3}']);
});

test('a job is restarted', async () => {
  const { ask, control } = await withShop();
  assert.equal((await shaped<JobJson>(await ask('POST', '/v1/jobs/shop/restart', { body: {} }), 'Job')).name, 'shop');
  assert.deepEqual(control.asked, ['restartJob shop']);
  assert.equal((await ask('POST', '/v1/jobs/nosuch/restart')).status, 404);
});

test('the history tells each version, newest first, with what it changed', async () => {
  const { ask } = await withShop();
  await ask('POST', '/v1/jobs', { body: { job: jobDocument('shop', { env: { MODE: 'b' } }) } });
  await ask('POST', '/v1/jobs/shop/scale', { body: { tasks: { web: 3 } } });
  const versions = await shaped<readonly VersionJson[]>(await ask('GET', '/v1/jobs/shop/history'), 'Versions');
  assert.deepEqual(
    versions.map(({ version, isCurrent, cause, state, createdAt }) => [version, isCurrent, cause, state, createdAt]),
    [
      [3, true, 'scaled', null, '1970-01-01T00:00:03.000Z'],
      [2, false, 'submitted', null, '1970-01-01T00:00:02.000Z'],
      [1, false, 'submitted', null, '1970-01-01T00:00:01.000Z'],
    ],
  );
  assert.deepEqual(versions[0]?.diff, [{ path: 'tasks.web.count', from: 2, to: 3 }]);
  assert.deepEqual(versions[1]?.diff, [{ path: 'tasks.web.env.MODE', from: null, to: 'b' }]);
  assert.equal(versions[0]?.spec.tasks['web']?.count, 3);
  assert.equal((await ask('GET', '/v1/jobs/nosuch/history')).status, 404);
});

test('a viewer is not told the history: it holds values of the environment', async () => {
  const { ask } = await withShop();
  assert.equal((await ask('GET', '/v1/jobs/shop/history', { token: 'viewer-token' })).status, 403);
});

test('a roll-back wants an earlier version again, as a new one', async () => {
  const { ask, control } = await withShop();
  await ask('POST', '/v1/jobs/shop/scale', { body: { tasks: { web: 3 } } });
  const back = async (body: unknown) => shaped<SubmittedJson>(await ask('POST', '/v1/jobs/shop/rollback', { body }), 'Submitted');
  const first = await back({});
  assert.deepEqual([first.change, first.job.version, control.jobs.get('shop')?.spec.tasks['web']?.count], ['updated', 3, 2]);
  const second = await back({ version: 2 });
  assert.deepEqual([second.job.version, control.jobs.get('shop')?.spec.tasks['web']?.count], [4, 3]);
  assert.deepEqual(control.asked.slice(1), ['rollback shop', 'rollback shop 2']);
  assert.equal((await ask('POST', '/v1/jobs/shop/rollback', { body: { version: 9 } })).status, 404);
  for (const version of ['2', -1, 1.5]) assert.equal((await ask('POST', '/v1/jobs/shop/rollback', { body: { version } })).status, 400);
});

test('a promotion lets an update go on that waits; where none does it is 409', async () => {
  const rig = await withShop();
  assert.deepEqual((await refusal(await rig.ask('POST', '/v1/jobs/shop/promote'))).slice(0, 2), [409, 'conflict']);
  waitForPromotion(rig, 'shop');
  const job = await shaped<JobJson>(await rig.ask('POST', '/v1/jobs/shop/promote', { body: {} }), 'Job');
  assert.equal(job.deployment?.state, 'rolling');
});

test('a job tells its deployment, and the job that it is a run of', async () => {
  const rig = await withEncode();
  waitForPromotion(rig, 'shop');
  const { jobs } = await shaped<{ jobs: JobJson[] }>(await rig.ask('GET', '/v1/jobs'), 'Jobs');
  assert.deepEqual(jobs[0]?.deployment, {
    version: 1,
    state: 'awaitingPromotion',
    cause: null,
    replaces: false,
    goodVersion: 0,
    rollbackOf: null,
    updated: 1,
    desired: 2,
    reason: null,
    startedAt: '1970-01-01T00:00:01.000Z',
    endedAt: null,
  });
  assert.deepEqual([jobs[1]?.deployment, jobs[1]?.parent], [null, null]);
  const shop = rig.control.jobs.get('shop')!;
  rig.control.jobs.set('shop', { ...shop, deployment: { ...shop.deployment!, cause: 'restarted by its user', replaces: true } });
  const { jobs: now } = await shaped<{ jobs: JobJson[] }>(await rig.ask('GET', '/v1/jobs'), 'Jobs');
  const restarted = now.find(({ name }) => name === 'shop')?.deployment;
  assert.deepEqual([restarted?.cause, restarted?.replaces], ['restarted by its user', true]);
});

test('a dispatch is 201 with its run, which is a job of its own', async () => {
  const { ask, control } = await withEncode();
  const payload = Buffer.from('grüße').toString('base64');
  const response = await ask('POST', '/v1/jobs/encode/dispatch', { body: { set: { quality: 'high' }, payload } });
  assert.equal(response.status, 201);
  const run = await shaped<JobJson>(response, 'Job');
  assert.deepEqual([run.name, run.type, run.parent], ['encode-00000001', 'batch', 'encode']);
  assert.deepEqual(control.jobs.get(run.name)?.spec.tasks['web']?.env, { quality: 'high', PAYLOAD: 'grüße' });
  const other = await shaped<JobJson>(await ask('POST', '/v1/jobs/encode/dispatch'), 'Job');
  assert.equal(other.name, 'encode-00000002');
});

test('a dispatch of what is not parameterized is 409, and one that cannot be read 400', async () => {
  const { ask, control } = await withEncode();
  assert.equal((await ask('POST', '/v1/jobs/shop/dispatch', { body: {} })).status, 409);
  assert.equal((await ask('POST', '/v1/jobs/nosuch/dispatch', { body: {} })).status, 404);
  control.asked.length = 0;
  const bodies = [{ set: { quality: 3 } }, { set: [] }, { set: 'a=b' }, { payload: 'no base64!' }, { payload: 'abc' }, { payload: 7 }];
  for (const body of bodies) {
    const [status, code] = await refusal(await ask('POST', '/v1/jobs/encode/dispatch', { body }));
    assert.deepEqual([status, code], [400, 'usage'], JSON.stringify(body));
  }
  assert.deepEqual(control.asked, []);
});

test('what changes something does it once for its key', async () => {
  const { ask, control } = await withEncode();
  const headers = { 'idempotency-key': 'k' };
  const twice = [1, 2].map(() => ask('POST', '/v1/jobs/encode/dispatch', { body: {}, headers }));
  const names = await Promise.all(twice.map(async (one) => ((await (await one).json()) as JobJson).name));
  assert.deepEqual([names, control.asked], [['encode-00000001', 'encode-00000001'], ['dispatch encode']]);
});
