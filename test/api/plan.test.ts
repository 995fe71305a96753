import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemas } from '../../src/api/schemas.ts';
import type { ErrorBody } from '../../src/core/errors.ts';
import { problem } from '../../src/core/errors.ts';
import type { PlanJson } from '../../src/core/views.ts';
import { jobDocument, makeRig } from './harness.ts';

async function planned(response: Response): Promise<PlanJson> {
  assert.equal(response.status, 200);
  const value: unknown = await response.json();
  assert.deepEqual(schemas.Plan.parse(value), value, 'nothing missing, nothing more');
  return value as PlanJson;
}

test('a plan is what the manager says, of a job that is new and of one that is there, and nothing is submitted', async () => {
  const { ask, control } = makeRig();
  const fresh = await planned(await ask('POST', '/v1/plan', { body: { job: jobDocument() } }));
  assert.deepEqual([fresh.index, fresh.change, fresh.unplaced[0]!.slot], [0, 'created', 'shop/web.2']);
  assert.equal(control.jobs.size, 0);
  await ask('POST', '/v1/jobs', { body: { job: jobDocument() } });
  const changed = await planned(await ask('POST', '/v1/plan', { body: { job: jobDocument('shop', { user: 'me' }) } }));
  assert.deepEqual([changed.index, changed.change], [control.jobs.get('shop')!.index, 'updated']);
  assert.deepEqual(changed.diff, [{ path: 'tasks.web.user', from: null, to: 'me' }]);
  assert.equal(control.jobs.get('shop')!.version, 1);
});

test('a plan takes YAML, and hands on the conditions of a submit', async () => {
  const { ask, control } = makeRig();
  const yaml = 'name: shop\ntasks: {web: {image: busybox}}\n';
  const body = await planned(await ask('POST', '/v1/plan', { body: yaml, headers: { 'content-type': 'application/yaml' } }));
  assert.equal(body.job, 'shop');
  const requests: unknown[] = [];
  control.plan = (request) => {
    requests.push(request);
    return Promise.reject(problem('conflict', 'it is at index 7'));
  };
  const more = { checkIndex: 3, mustBeNew: true, strict: true, refreshImages: true, origin: { kind: 'run' } };
  const refused = await ask('POST', '/v1/plan', { body: { job: jobDocument(), ...more } });
  assert.deepEqual([refused.status, ((await refused.json()) as ErrorBody).error.code], [409, 'conflict']);
  const [{ spec, ...rest }] = requests as [{ spec: { name: string } }];
  assert.deepEqual([spec.name, rest], ['shop', more]);
});

test('a wrong job is 400 with all its problems, and the manager is not asked', async () => {
  const { ask, control } = makeRig();
  const response = await ask('POST', '/v1/plan', { body: { job: { name: 'a b', tasks: { web: { image: 'x', cuont: 2 } } } } });
  assert.equal(response.status, 400);
  assert.ok((((await response.json()) as ErrorBody).error.problems ?? []).length >= 2);
  assert.deepEqual(control.asked, []);
  assert.equal((await ask('POST', '/v1/plan', { body: {} })).status, 400);
});

test('with an Idempotency-Key a plan is made again: the cluster may have changed', async () => {
  const { ask } = makeRig();
  const asking = { body: { job: jobDocument() }, headers: { 'idempotency-key': 'k1' } };
  assert.equal((await planned(await ask('POST', '/v1/plan', asking))).change, 'created');
  await ask('POST', '/v1/jobs', { body: { job: jobDocument() } });
  assert.equal((await planned(await ask('POST', '/v1/plan', asking))).change, 'unchanged');
});
