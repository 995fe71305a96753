import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobDocument, makeRig, serve, waitForPromotion } from '../api/harness.ts';
import { clientOf, requesters } from './harness.ts';

for (const kind of Object.keys(requesters) as (keyof typeof requesters)[]) {
  test(`over ${kind}, versions and runs of a job are asked for, and refused`, async (t) => {
    const rig = makeRig();
    const client = clientOf(await serve(t, rig.api), { kind });
    await client.submit({ job: jobDocument() });
    const scaled = await client.scale('shop', { web: 4 });
    assert.deepEqual([scaled.change, scaled.job.desired], ['updated', 4]);
    await assert.rejects(client.scale('shop', { web: 5 }, { checkIndex: scaled.job.index + 1 }), { code: 'conflict' });
    await assert.rejects(client.scale('shop', { web: 0.5 }), { code: 'usage' });
    assert.equal((await client.restartJob('shop')).version, 2);
    assert.deepEqual(
      (await client.history('shop')).map(({ version, isCurrent }) => [version, isCurrent]),
      [
        [2, true],
        [1, false],
      ],
    );
    assert.equal((await client.rollback('shop')).job.version, 3);
    assert.equal((await client.rollback('shop', 2)).job.version, 4);
    await assert.rejects(client.rollback('shop', 99), { code: 'not-found' });
    await assert.rejects(client.promote('shop'), { code: 'conflict' });
    waitForPromotion(rig, 'shop');
    assert.equal((await client.promote('shop')).deployment?.state, 'rolling');
    await assert.rejects(client.dispatch('shop'), { code: 'conflict' });
    const shop = rig.control.jobs.get('shop')!;
    rig.control.jobs.set('encode', { ...shop, name: 'encode', spec: { ...shop.spec, name: 'encode', type: 'parameterized' } });
    const run = await client.dispatch('encode', { set: { a: 'b=c' }, payload: Buffer.from([0, 255]).toString('base64') });
    assert.equal(run.parent, 'encode');
    assert.equal(rig.control.jobs.get(run.name)?.spec.tasks['web']?.env['a'], 'b=c');
    await assert.rejects(client.history('nosuch'), { code: 'not-found' });
  });
}
