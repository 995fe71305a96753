import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestIn } from '../../src/runtime/docker/digests.ts';
import { repositoryOf, shortName } from '../../src/runtime/docker/names.ts';
import { never, plainSpec, quietly, shellOf, started, workOf } from '../contracts/runtime-harness.ts';
import { imageWith, testEngine, testImage } from '../support/engine.ts';
import { skip, withDocker } from './docker-help.ts';
import { engineProxy } from './proxy.ts';
import { inspect, json, jsonLinesAnswer, onScript } from './scripted-engine.ts';

const forever = plainSpec({ command: shellOf({}) });
const web = plainSpec({ image: 'r.example:5000/web:1', pull: 'missing' });

/** Reads what was pulled for a prepare. */
function pullsOf(): { readonly pulled: string[]; readonly options: ReturnType<typeof quietly> } {
  const pulled: string[] = [];
  return { pulled, options: { ...quietly(), onPulled: (image) => pulled.push(image) } };
}

test('the digest of an image that no registry knows is its id', { skip }, async () => {
  await withDocker(async ({ runtime, docker }) => {
    const ref = await runtime.prepare(workOf(forever), quietly());
    const { digest } = await runtime.start(ref, never());
    const { Id, RepoDigests } = await docker.getImage(testImage).inspect();
    assert.equal(digest, digestIn(RepoDigests, testImage) ?? Id);
  });
});

test('many starts cost a create, a start and a look each, and one look at their image', { skip }, async () => {
  const proxy = await engineProxy((await testEngine()).socketPath);
  try {
    await withDocker(
      async ({ runtime }) => {
        const works = Array.from({ length: 6 }, () => workOf(forever));
        await Promise.all(works.map((work) => started(runtime, work)));
        const count = (pattern: RegExp): number => proxy.requests.filter((line) => pattern.test(line)).length;
        assert.equal(count(/^POST \/containers\/create/), 6);
        assert.equal(count(/^POST \/containers\/\w+\/start/), 6);
        assert.equal(count(/^GET \/containers\/\w+\/json/), 6);
        assert.equal(count(/^GET \/images\//), 1);
        const watching = count(/^GET \/(events|containers\/json)/);
        assert.equal(proxy.requests.length - watching, 20, 'and the engine is asked once what it can do');
      },
      { dockerHost: proxy.socketPath },
    );
  } finally {
    await proxy.close();
  }
});

test("the digest is that of the image's own repository", () => {
  const names = ['other@sha256:aa', 'r.example:5000/web@sha256:bb', 'web@sha256:cc'];
  assert.equal(digestIn(names, 'r.example:5000/web:1'), 'sha256:bb');
  assert.equal(digestIn(names, 'docker.io/library/web'), 'sha256:cc');
  assert.equal(digestIn(names, 'web@sha256:cc'), 'sha256:cc');
  assert.equal(digestIn(names, 'r.example/web'), undefined);
});

test('an image has one short name, however it is written', () => {
  for (const image of ['nginx', 'nginx:latest', 'library/nginx', 'docker.io/library/nginx:latest', 'index.docker.io/library/nginx'])
    assert.equal(shortName(image), 'nginx:latest', image);
  assert.equal(shortName('localhost:5000/a/b:2'), 'localhost:5000/a/b:2');
  assert.equal(shortName('r.example:5000/a'), 'r.example:5000/a:latest');
  assert.equal(shortName('a:1@sha256:aa'), 'a@sha256:aa');
  assert.equal(repositoryOf('r.example:5000/a'), 'r.example:5000/a');
});

test('an image that no container has is unused, and goes when it is told to', { skip }, async () => {
  const { docker } = await testEngine();
  const image = await imageWith(docker, 'LABEL unused=1');
  const { Id } = await docker.getImage(image).inspect();
  await withDocker(async ({ runtime }) => {
    const work = workOf({ ...forever, image });
    const ref = await runtime.prepare(work, quietly());
    assert.equal(
      (await runtime.unusedImages()).find(({ id }) => id === Id),
      undefined,
      'a container that never ran counts',
    );
    assert.equal(await runtime.removeImage(Id), false);
    await runtime.remove(ref);
    const unused = (await runtime.unusedImages()).find(({ id }) => id === Id);
    assert.deepEqual(unused?.names, [image]);
    assert.ok(unused.sizeBytes > 0);
    // A second name, as `docker tag` gives one, in another repository.
    await docker.getImage(image).tag({ repo: `${image.split(':')[0]}-too`, tag: 'x' });
    assert.equal(await runtime.removeImage(Id), true);
    await assert.rejects(docker.getImage(Id).inspect(), { statusCode: 404 });
    assert.equal(await runtime.removeImage(Id), true);
  });
});

test('what was missing was pulled for this; what was there and is the same was not', async () => {
  const upToDate = [{ status: 'Pulling from web', id: '1' }, { status: 'Status: Image is up to date for web:1' }];
  const newer = [{ status: 'Pulling from web', id: '1' }, { status: 'Status: Downloaded newer image for web:1' }];
  for (const [pull, isThere, answer, expected] of [
    ['missing', false, newer, [web.image]],
    ['missing', true, newer, []],
    ['always', true, upToDate, []],
    ['always', true, newer, [web.image]],
  ] as const) {
    await onScript(async (engine, runtime) => {
      const made = json(201, { Id: 'made' });
      engine.on('POST /containers/create', isThere ? made : json(404, { message: 'No such image' }));
      engine.on('POST /images/create', (request, response, body) => {
        engine.on('POST /containers/create', made);
        jsonLinesAnswer(...answer)(request, response, body);
      });
      const { pulled, options } = pullsOf();
      await runtime.prepare(workOf({ ...web, pull }), options);
      assert.deepEqual(pulled, expected, `${pull}, ${isThere ? 'there' : 'missing'}`);
    });
  }
});

test('who was told that an image is missing while it was being pulled does not pull it again', async () => {
  await onScript(async (engine, runtime) => {
    let late = (): void => undefined;
    let creates = 0;
    engine.on('POST /containers/create', (request, response, body) => {
      creates++;
      const missing = (): void => json(404, { message: 'No such image' })(request, response, body);
      // The second one hears it only after the first one's pull.
      if (creates === 2) late = missing;
      else if (creates === 1) missing();
      else json(201, { Id: `made${creates}` })(request, response, body);
    });
    engine.on('POST /images/create', jsonLinesAnswer({ status: 'Status: Downloaded newer image' }));
    const second = pullsOf();
    const prepares = [runtime.prepare(workOf(web), quietly())];
    while (creates === 0) await new Promise((resolve) => setImmediate(resolve));
    prepares.push(runtime.prepare(workOf(web), second.options));
    await prepares[0];
    while (creates < 2) await new Promise((resolve) => setImmediate(resolve));
    late();
    await prepares[1];
    assert.equal(engine.requests.filter((line) => line.startsWith('POST /images/create')).length, 1);
    assert.deepEqual(second.pulled, [web.image]);
  });
});

test('an image that a container is being made of is not removed before it is', async () => {
  await onScript(async (engine, runtime) => {
    const image = { Id: 'sha256:1', RepoTags: [web.image], RepoDigests: ['<none>@<none>'] };
    engine.on('GET /images/', json(200, image));
    engine.on('DELETE /images/', json(200, []));
    let make = (): void => undefined;
    engine.on('POST /containers/create', (request, response, body) => {
      make = () => json(201, { Id: 'made' })(request, response, body);
    });
    const made = runtime.prepare(workOf(web), quietly());
    while (!engine.requests.some((line) => line.startsWith('POST /containers/create')))
      await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await runtime.removeImage('sha256:1'), false);
    make();
    await made;
    assert.equal(await runtime.removeImage('sha256:1'), true);
    assert.ok(engine.requests.includes('DELETE /images/sha256:1'));
  });
});

test('an image that the engine refuses to remove stays, without an error', async () => {
  await onScript(async (engine, runtime) => {
    engine.on('GET /images/', json(200, { Id: 'sha256:1', RepoTags: ['a:1'], RepoDigests: [] }));
    engine.on(
      'DELETE /images/',
      json(409, { message: 'conflict: unable to delete (cannot be forced) - image has dependent child images' }),
    );
    assert.equal(await runtime.removeImage('sha256:1'), false);
    engine.on('DELETE /images/', json(500, { message: 'input/output error' }));
    await assert.rejects(runtime.removeImage('sha256:1'), { code: 'engine-error', message: /input\/output error/ });
  });
});

test('the digest of an image whose registry knows it comes with the start, and again after a pull', async () => {
  await onScript(async (engine, runtime) => {
    const container = inspect('running', '2026-01-01T00:00:00Z');
    engine.on('GET /containers/', json(200, { ...container, Config: { Labels: {}, Image: web.image } }));
    engine.on('GET /images/', json(500, { message: 'not now' }));
    const ref = { id: 'a', name: 'a' };
    assert.equal((await runtime.start(ref, never())).digest, 'sha256:1', 'an engine that cannot tell stops no start');
    engine.on('GET /images/', json(200, { Id: 'sha256:1', RepoDigests: ['r.example:5000/web@sha256:22'] }));
    assert.equal((await runtime.start(ref, never())).digest, 'sha256:22');
    assert.equal((await runtime.start(ref, never())).digest, 'sha256:22');
    assert.equal(engine.requests.filter((line) => line.startsWith('GET /images/')).length, 2);
  });
});
