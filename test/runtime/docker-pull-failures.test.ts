import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quietly, workOf } from '../contracts/runtime-harness.ts';
import { onScript, pullsOf, quick, succeed, web } from './pull-help.ts';
import { json, jsonLinesAnswer } from './scripted-engine.ts';

test('a network error in the middle of a pull is tried again, and may mend', async () => {
  await onScript(async (engine, runtime, log) => {
    let tries = 0;
    succeed(engine);
    engine.on('POST /images/create', (request, response, body) => {
      tries++;
      if (tries === 3) engine.on('POST /containers/create', json(201, { Id: 'made' }));
      const end = tries < 3 ? { error: 'read tcp 10.0.0.1:443: connection reset by peer' } : { status: 'Status: Downloaded newer image' };
      jsonLinesAnswer({ status: 'Pulling fs layer', id: 'a' }, end)(request, response, body);
    });
    await runtime.prepare(workOf(web), quietly());
    assert.equal(tries, 3);
    assert.equal(log.lines.filter((line) => line.includes('tried again')).length, 2);
  });
});

test('a registry that always breaks off is given up, although each try begins well', async () => {
  await onScript(async (engine, runtime) => {
    engine.on(
      'POST /images/create',
      jsonLinesAnswer(
        { status: 'Pulling from x', id: '1' },
        { status: 'Downloading', id: 'a', progressDetail: { current: 50, total: 100 } },
        { error: 'unexpected EOF' },
      ),
    );
    await assert.rejects(runtime.prepare(workOf(web), quietly()), { code: 'image-unavailable', message: 'web:1: unexpected EOF' });
    assert.ok(pullsOf(engine) <= 2 * quick.pullTries, `${pullsOf(engine)} tries`);
  });
});

test('refusals are final: one try, the words kept', async () => {
  const refusals = [
    [
      404,
      {
        message:
          "pull access denied for web, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
      },
      'image-denied',
    ],
    [404, { message: 'manifest for web:1 not found: manifest unknown: manifest unknown' }, 'image-not-found'],
    [500, { message: 'Head "https://r/v2/web/manifests/1": unauthorized: authentication required' }, 'image-denied'],
    [400, { message: 'invalid reference format' }, 'image-bad-name'],
  ] as const;
  for (const [status, body, code] of refusals) {
    await onScript(async (engine, runtime) => {
      engine.on('POST /images/create', json(status, body));
      await assert.rejects(runtime.prepare(workOf(web), quietly()), { code, message: `web:1: ${body.message}` });
      assert.equal(pullsOf(engine), 1);
    });
  }
});

test('an engine that dies in the middle of a pull is said to be gone', async () => {
  await onScript(async (engine, runtime) => {
    engine.on('POST /images/create', (_request, response) => {
      void engine.close();
      response.destroy();
    });
    await assert.rejects(runtime.prepare(workOf(web), quietly()), { code: 'no-engine' });
  });
});

test('nonsense instead of progress is no crash', async () => {
  await onScript(async (engine, runtime) => {
    engine.on('POST /images/create', (_request, response) => void response.writeHead(200).end('<html>\n"text"\n5\n'));
    await assert.rejects(runtime.prepare(workOf(web), quietly()), { code: 'image-unavailable' });
  });
});
