import assert from 'node:assert/strict';
import { test } from 'node:test';
import { never, plainSpec, quietly, shellOf, workOf } from '../contracts/runtime-harness.ts';
import { skip, withDocker } from './docker-help.ts';
import { onScript, pullsOf, succeed, web } from './pull-help.ts';
import { json, jsonLinesAnswer } from './scripted-engine.ts';

test("a registry that cannot be reached is tried again, then said with the engine's words", { skip }, async () => {
  await withDocker(async ({ runtime, log }) => {
    const spec = plainSpec({ image: 'no.such.registry.invalid/x:1', pull: 'missing', command: shellOf({}) });
    await assert.rejects(runtime.prepare(workOf(spec), quietly()), { code: 'image-unavailable', message: /no\.such\.registry\.invalid/ });
    assert.equal(log.lines.filter((line) => line.includes('tried again')).length, 2, 'three tries in all');
    assert.deepEqual(await runtime.list(), []);
  });
});

test('a bad name and an image that must not be pulled are refused at once', { skip }, async () => {
  await withDocker(async ({ runtime, log }) => {
    const spec = plainSpec({ image: 'Bad//Ref', pull: 'always' });
    await assert.rejects(runtime.prepare(workOf(spec), quietly()), { code: 'image-bad-name', message: /invalid reference format/ });
    const missing = plainSpec({ image: 'busybox:nosuchtag', pull: 'never' });
    await assert.rejects(runtime.prepare(workOf(missing), quietly()), {
      code: 'image-not-found',
      message: /No such image: busybox:nosuchtag/,
    });
    assert.ok(!log.lines.some((line) => line.includes('tried again')));
  });
});

test('a missing image is pulled once, however many tasks want it', async () => {
  await onScript(async (engine, runtime) => {
    succeed(engine);
    const answer = jsonLinesAnswer({ status: 'Pulling from library/web', id: '1' });
    engine.on('POST /images/create', (request, response, body) => {
      setTimeout(() => {
        engine.on('POST /containers/create', json(201, { Id: 'made' }));
        answer(request, response, body);
      }, 50);
    });
    await Promise.all(Array.from({ length: 20 }, () => runtime.prepare(workOf(web), quietly())));
    assert.equal(pullsOf(engine), 1);
    assert.ok(engine.requests.includes('POST /images/create?fromImage=web&tag=1'));
  });
});

test('an image that is there is not asked for: creating is all', async () => {
  await onScript(async (engine, runtime) => {
    engine.on('POST /containers/create', json(201, { Id: 'made' }));
    await runtime.prepare(workOf(web), quietly());
    assert.deepEqual(
      engine.requests.map((line) => line.split('?')[0]),
      ['GET /info', 'POST /containers/create'],
    );
  });
});

test('with the policy always it is pulled although it is there, but not for a container that exists', async () => {
  await onScript(async (engine, runtime) => {
    succeed(engine);
    engine.on('GET /containers/', json(404, { message: 'No such container' }));
    const work = workOf({ ...web, pull: 'always' });
    await runtime.prepare(work, quietly());
    assert.equal(pullsOf(engine), 1);
    const Labels = { 'cube.cluster': 'c', 'cube.node': 'n', 'cube.id': work.order.id, 'cube.attempt': '1' };
    engine.on('GET /containers/', json(200, { Id: 'made', Config: { Labels }, State: { Status: 'created' }, HostConfig: {} }));
    assert.equal((await runtime.prepare(work, quietly())).id, 'made');
    assert.equal(pullsOf(engine), 1);
  });
});

test('one who leaves a pull does not end it for the others, the last one does', async () => {
  await onScript(async (engine, runtime) => {
    let closed = 0;
    const begun = new Promise<void>((resolve) => {
      engine.on('POST /images/create', (_request, response) => {
        response.on('close', () => closed++);
        response.writeHead(200).write(`${JSON.stringify({ status: 'Downloading', id: 'a', progressDetail: { current: 1, total: 2 } })}\n`);
        resolve();
      });
    });
    const aborts = [new AbortController(), new AbortController()];
    const prepares = aborts.map(({ signal }) => runtime.prepare(workOf(web), { signal, onProgress: () => undefined }));
    await begun;
    aborts[0]!.abort();
    await assert.rejects(prepares[0]!, { name: 'AbortError' });
    assert.equal(closed, 0);
    const third = new AbortController();
    const joined = runtime.prepare(workOf(web), { signal: third.signal, onProgress: () => third.abort() });
    await assert.rejects(joined, { name: 'AbortError' });
    assert.equal(pullsOf(engine), 1);
    aborts[1]!.abort();
    await assert.rejects(prepares[1]!, { name: 'AbortError' });
    while (closed === 0) await new Promise((resolve) => setImmediate(resolve));
    succeed(engine);
    await runtime.prepare(workOf(web), quietly());
    assert.equal(pullsOf(engine), 2, 'and whoever comes then begins anew');
  });
});

test('how far a pull is reaches all who wait for it, those who join later too', async () => {
  await onScript(async (engine, runtime) => {
    const layer = (id: string, current: number): object => ({ status: 'Downloading', id, progressDetail: { current, total: 100 } });
    let finish = (): void => undefined;
    const half = new Promise<void>((resolve) => {
      engine.on('POST /images/create', (_request, response) => {
        response.writeHead(200);
        for (const event of [
          { status: 'Pulling fs layer', id: 'a' },
          { status: 'Pulling fs layer', id: 'b' },
          layer('a', 100),
          layer('b', 0),
        ]) {
          response.write(`${JSON.stringify(event)}\n`);
        }
        finish = () => {
          engine.on('POST /containers/create', json(201, { Id: 'made' }));
          response.end(
            `${JSON.stringify({ status: 'Pull complete', id: 'a' })}\n${JSON.stringify({ status: 'Pull complete', id: 'b' })}\n`,
          );
        };
        resolve();
      });
    });
    const seen: string[] = [];
    const first = new Promise<void>((resolve) => {
      const onProgress = (detail: string): void => {
        seen.push(detail);
        if (detail.includes('(35 %)')) resolve();
      };
      void runtime.prepare(workOf(web), { signal: never(), onProgress }).catch(assert.fail);
    });
    await half;
    await first;
    const later: string[] = [];
    const joined = runtime.prepare(workOf(web), { signal: never(), onProgress: (detail) => later.push(detail) });
    while (later.length === 0) await new Promise((resolve) => setImmediate(resolve));
    finish();
    await joined;
    assert.equal(later[0], 'pulling web:1 (35 %)');
    assert.equal(later.at(-1), 'pulling web:1 (100 %)');
    assert.equal(seen[0], 'pulling web:1');
  });
});
