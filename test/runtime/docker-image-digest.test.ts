/** What images stand for, asked of a scripted engine, and the pulls that follow from it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskSpec } from '../../src/core/job.ts';
import type { Work } from '../../src/ports/runtime.ts';
import { quietly, workOf } from '../contracts/runtime-harness.ts';
import { onScript, pullsOf, succeed, web } from './pull-help.ts';
import { json } from './scripted-engine.ts';

const signal = new AbortController().signal;

const image = (id: string, ...names: string[]) => json(200, { Id: `sha256:${id}`, RepoDigests: names });

test('the registry tells, through the engine; with `never` only the engine is asked', async () => {
  await onScript(async (engine, runtime) => {
    engine.on('GET /distribution/web:1/json', json(200, { Descriptor: { digest: 'sha256:far' } }));
    engine.on('GET /images/web:1/json', image('id', 'other@sha256:x', 'web@sha256:near'));
    for (const pull of ['missing', 'always'] as const) {
      assert.deepEqual(await runtime.imageDigest('web:1', pull, signal), { digest: 'sha256:far', isLocal: false });
    }
    engine.requests.length = 0;
    assert.deepEqual(await runtime.imageDigest('web:1', 'never', signal), { digest: 'sha256:near', isLocal: true });
    assert.ok(!engine.requests.some((line) => line.includes('/distribution/')));
  });
});

test('where the registry does not tell, what the engine has counts, and why is told; an image that neither knows is unavailable', async () => {
  await onScript(async (engine, runtime) => {
    for (const answer of [
      json(401, { message: 'unauthorized' }),
      json(500, { message: 'no such host' }),
      json(200, {}),
      json(200, { Descriptor: {} }),
    ]) {
      engine.on('GET /distribution/web:1/json', answer);
      engine.on('GET /images/web:1/json', image('id'));
      const { note, ...found } = (await runtime.imageDigest('web:1', 'missing', signal))!;
      assert.deepEqual(found, { digest: 'sha256:id', isLocal: true });
      assert.match(note ?? '', /unauthorized|no such host|no digest/);
      engine.on('GET /images/web:1/json', json(404, { message: 'No such image' }));
      await assert.rejects(runtime.imageDigest('web:1', 'missing', signal), { code: 'image-unavailable', message: /web:1/ });
    }
    assert.equal(await runtime.imageDigest('web:1', 'never', signal), undefined);
  });
});

test('what is no name is refused before the engine hears of it', async () => {
  await onScript(async (engine, runtime) => {
    for (const name of ['', 'a b', 'web:1?x=1', '../containers', 'a/../../containers', '-x', 'web#1', 'web%2f1']) {
      for (const pull of ['missing', 'never'] as const) {
        await assert.rejects(runtime.imageDigest(name, pull, signal), { code: 'image-bad-name' }, name);
      }
    }
    assert.deepEqual(engine.requests, []);
  });
});

test('nobody waits for an engine longer than it is asked', async () => {
  await onScript(async (engine, runtime) => {
    const given = new AbortController();
    engine.on('GET /distribution/', () => given.abort());
    await assert.rejects(runtime.imageDigest('web:1', 'missing', given.signal), { name: 'AbortError' });
  });
});

function ordered(digest: string, pull: TaskSpec['pull']): Work {
  const work = workOf({ ...web, pull });
  return { ...work, order: { ...work.order, digest } };
}

test('an order with a digest pulls when the engine has another image under the name, and only then', async () => {
  for (const [has, pull, pulls] of [
    [image('id', 'web@sha256:wanted'), 'missing', 0],
    [image('id', 'web@sha256:another', 'web@sha256:wanted'), 'missing', 0],
    [image('wanted'), 'missing', 0],
    [image('id', 'web@sha256:another'), 'missing', 1],
    [image('id', 'elsewhere@sha256:wanted'), 'missing', 1],
    [image('id'), 'missing', 1],
    [image('id', 'web@sha256:wanted'), 'always', 1],
    [image('id', 'web@sha256:another'), 'never', 0],
  ] as const) {
    await onScript(async (engine, runtime) => {
      succeed(engine);
      engine.on('POST /containers/create', json(201, { Id: 'made' }));
      engine.on('GET /images/web:1/json', has);
      await runtime.prepare(ordered('sha256:wanted', pull), quietly());
      assert.equal(pullsOf(engine), pulls);
    });
  }
});

test('an image with a digest to have that is not there at all is pulled once', async () => {
  await onScript(async (engine, runtime) => {
    succeed(engine);
    await runtime.prepare(ordered('sha256:wanted', 'missing'), quietly());
    assert.equal(pullsOf(engine), 1);
  });
});

test('the old image is not run in place of one that cannot be pulled', async () => {
  await onScript(async (engine, runtime) => {
    engine.on('GET /images/web:1/json', image('id', 'web@sha256:another'));
    engine.on('POST /images/create', json(404, { message: 'manifest for web:1 not found: manifest unknown' }));
    engine.on('POST /containers/create', json(201, { Id: 'made' }));
    await assert.rejects(runtime.prepare(ordered('sha256:wanted', 'missing'), quietly()), { code: 'image-not-found' });
    assert.ok(!engine.requests.some((line) => line.startsWith('POST /containers/create')));
  });
});
