import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CubeError, problem } from '../../src/core/errors.ts';
import { jobDocument, makeRig, serve, until } from '../api/harness.ts';
import { all, clientOf, requesters } from './harness.ts';

const taskId = 'bb1d59ef-9fc1-4e4b-a44d-db571eeed203';
const event = { ID: 'e', State: 2, Task: { ID: taskId, Name: 'echo', Image: 'busybox' } };

/** The error of a promise. */
async function errorOf(promise: Promise<unknown>): Promise<CubeError> {
  const thrown: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof CubeError, String(thrown));
  return thrown;
}

for (const kind of Object.keys(requesters) as (keyof typeof requesters)[]) {
  test(`over ${kind}, every function reaches its route`, async (t) => {
    const rig = makeRig();
    const client = clientOf(await serve(t, rig.api), { kind });
    assert.equal((await client.info()).name, 'bar');
    const { job, change } = await client.submit({ job: jobDocument(), origin: { kind: 'run' }, checkIndex: 0 });
    assert.deepEqual([job.name, change], ['shop', 'created']);
    assert.equal((await client.status()).tasks.length, 2);
    assert.equal((await client.status({ job: 'shop' })).jobs.length, 1);
    assert.equal((await client.status({ task: 'shop/web.2' })).tasks.length, 1);
    assert.equal((await client.jobs()).jobs.length, 1);
    assert.equal((await client.tasks()).length, 2);
    assert.equal((await client.task('shop/web.2')).slot, 'shop/web.2');
    assert.equal((await client.nodes())[0]?.name, 'bar');
    assert.equal((await client.explain('shop/web.1')).picked, 'bar');
    assert.deepEqual([(await client.rebalance()).moves.length, (await client.rebalance(0)).moves.length], [1, 0]);
    assert.equal((await client.stopTask('shop/web.1')).state, 'stopping');
    assert.equal((await client.stopJob('shop')).status, 'stopped');
    assert.equal((await client.startJob('shop')).status, 'running');
    assert.equal((await client.stopJob('shop', { purge: true })).name, 'shop');
    assert.equal((await client.runSeedsEvent(event))?.ID, taskId);
    assert.equal(await client.runSeedsEvent({ ...event, State: 3 }), undefined);
    assert.equal((await client.openapi())['openapi'], '3.1.0');
    assert.deepEqual(rig.control.asked, [
      'submit shop',
      'stopTask shop/web.1',
      'stopJob shop',
      'startJob shop',
      'stopJob shop purge',
      'submit echo',
      `stopTask ${taskId}`,
    ]);
  });

  test(`over ${kind}, logs and events arrive as they are said`, async (t) => {
    const rig = makeRig();
    const client = clientOf(await serve(t, rig.api), { kind });
    await client.submit({ job: jobDocument() });
    rig.control.output.set('shop/web.1', [{ at: 1_000, slot: 'shop/web.1', task: 'i', stream: 'stderr', text: 'grüße 🎲\n' }]);
    rig.control.emit({ job: 'shop', cause: 'größer als 1' });
    rig.control.emit();
    assert.deepEqual(
      (await all(client.logs({ task: 'shop/web.1' }))).map((line) => [line.stream, line.text]),
      [['stderr', 'grüße 🎲\n']],
    );
    assert.equal((await all(client.logs({ job: 'shop' }, { tail: 3, since: '10m' }))).length, 1);
    assert.equal(rig.control.lastLogRequests.at(-1)?.tail, 3);
    assert.deepEqual(
      (await all(client.events())).map((one) => one.seq),
      [1, 2],
    );
    assert.equal((await all(client.events({ job: 'shop' })))[0]?.cause, 'größer als 1');
    assert.deepEqual(await all(client.events({ after: 2 })), []);
  });

  test(`over ${kind}, who stops reading closes the connection`, async (t) => {
    const rig = makeRig();
    const client = clientOf(await serve(t, rig.api), { kind });
    rig.control.emit();
    for await (const one of client.events({ follow: true })) {
      assert.equal(one.seq, 1);
      break;
    }
    await until(() => rig.control.streamsOpen === 0);
    const leaving = new AbortController();
    const rest = all(client.events({ follow: true, signal: leaving.signal }));
    await until(() => rig.control.streamsOpen === 1);
    leaving.abort();
    await rest;
    await until(() => rig.control.streamsOpen === 0);
  });

  test(`over ${kind}, a large answer arrives whole`, async (t) => {
    const rig = makeRig();
    const client = clientOf(await serve(t, rig.api), { kind });
    await client.submit({ job: { name: 'big', tasks: { t: { image: 'a', count: 5_000 } } } });
    assert.equal((await client.status()).tasks.length, 5_000);
  });
}

test('errors come back as they were thrown: code, message, hint, place and all problems', async (t) => {
  const rig = makeRig();
  const client = clientOf(await serve(t, rig.api));
  const at = { file: 'shop.yaml', line: 3, column: 5 };
  rig.control.failure = problem('conflict', 'taken', { hint: 'wait', at, problems: [{ message: 'a', at }, { message: 'b' }] });
  const error = await errorOf(client.status());
  assert.deepEqual([error.code, error.message, error.hint, error.at], ['conflict', 'taken', 'wait', at]);
  assert.deepEqual(error.problems, [
    { message: 'a', at },
    { message: 'b', at: undefined },
  ]);
  rig.control.failure = undefined;
  const bad = await errorOf(client.submit({ job: { name: 'a b', tasks: {} } }));
  assert.equal(bad.code, 'invalid-file');
  assert.equal((await errorOf(client.startJob('nosuch'))).code, 'not-found');
});

test("the seeds' errors come back by their status", async (t) => {
  const rig = makeRig();
  const client = clientOf(await serve(t, rig.api));
  await client.runSeedsEvent(event);
  assert.equal((await errorOf(client.runSeedsEvent(event))).code, 'conflict');
  assert.equal((await errorOf(client.runSeedsEvent({ Foo: 1 }))).code, 'usage');
  assert.equal((await errorOf(client.runSeedsEvent({ ...event, State: 3, Task: { ...event.Task, ID: 'unknown' } }))).code, 'not-found');
  rig.control.failure = problem('busy', 'full');
  assert.equal((await errorOf(client.runSeedsEvent(event))).code, 'busy');
});

test('credentials that will not do are told apart', async (t) => {
  const url = await serve(t, makeRig().api);
  assert.equal((await errorOf(clientOf(url, { token: 'wrong' }).status())).code, 'unauthorized');
  assert.equal((await errorOf(clientOf(url, { token: 'viewer-token' }).stopJob('x'))).code, 'forbidden');
  assert.equal((await errorOf(clientOf(url, { token: 'join-token' }).status())).code, 'forbidden');
  assert.equal((await errorOf(all(clientOf(url, { token: 'wrong' }).events({ follow: true })) as Promise<unknown>)).code, 'unauthorized');
});

test('a page logs in with a ticket and asks with what it got', async (t) => {
  const rig = makeRig();
  const url = await serve(t, rig.api);
  const { ticket } = await clientOf(url).ticket('viewer');
  const { token, scope } = await clientOf(url, { kind: 'fetch', token: undefined }).login(ticket);
  assert.equal(scope, 'viewer');
  const page = clientOf(url, { kind: 'fetch', token });
  assert.equal((await page.info()).scope, 'viewer');
  assert.equal((await errorOf(page.stopJob('x'))).code, 'forbidden');
  assert.equal((await errorOf(clientOf(url).login(ticket))).code, 'unauthorized', 'it was used');
});

test('names are encoded, and what no path can hold is not sent', async (t) => {
  const rig = makeRig();
  const client = clientOf(await serve(t, rig.api));
  for (const name of ['a/b', 'a b', 'ü', '100%', '?x', '#x']) await assert.rejects(client.stopTask(name), { code: 'not-found' });
  assert.deepEqual(
    rig.control.asked,
    ['a/b', 'a b', 'ü', '100%', '?x', '#x'].map((name) => `stopTask ${name}`),
  );
  for (const name of ['', '.', '..']) await assert.rejects(client.stopJob(name), { code: 'not-found' });
  assert.equal(rig.control.asked.length, 6);
});

test('a body over the limit is told as that', async (t) => {
  const rig = makeRig({ limits: { bodyBytesMax: 10_000 } });
  const client = clientOf(await serve(t, rig.api));
  const error = await errorOf(client.submit({ job: { name: 'a', tasks: { t: { image: 'x'.repeat(3_000_000) } } } }));
  assert.equal(error.code, 'too-large');
});

test('logs that break off say why', async (t) => {
  const rig = makeRig();
  const client = clientOf(await serve(t, rig.api));
  await client.submit({ job: jobDocument() });
  const reading = all(client.logs({ job: 'shop' }, { follow: true }));
  await until(() => rig.control.streamsOpen === 1);
  rig.control.failure = problem('cut-off', 'the node is gone');
  rig.control.wake();
  const error = await errorOf(reading);
  assert.deepEqual([error.code, error.message], ['cut-off', 'the node is gone']);
});
