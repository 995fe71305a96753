import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realClock } from '../../src/ambient/clock.ts';
import { limitsWith } from '../../src/core/limits.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Runtime } from '../../src/ports/runtime.ts';
import { openDockerRuntime } from '../../src/runtime/docker/docker.ts';
import { keptLog, never, plainSpec, quietly, shellOf, workOf } from '../contracts/runtime-harness.ts';
import { skip, withDocker } from './docker-help.ts';
import { json, jsonLinesAnswer, scriptedEngine } from './scripted-engine.ts';
import type { ScriptedEngine } from './scripted-engine.ts';

const quick = limitsWith({ engineRetryMs: 10, pullMs: 5_000 });

/** Runs a test on a scripted engine that lacks the image until a pull has succeeded. */
async function onScript(
  check: (engine: ScriptedEngine, runtime: Runtime, log: ReturnType<typeof keptLog>) => Promise<void>,
  limits: Limits = quick,
): Promise<void> {
  const engine = await scriptedEngine();
  const log = keptLog();
  const owner = { clusterId: 'c', nodeId: 'n' };
  const configFolder = '/nonexistent';
  const runtime = await openDockerRuntime({ dockerHost: engine.socketPath, configFolder, owner, limits, log, clock: realClock() });
  engine.on('POST /containers/create', json(404, { message: 'No such image: web:1' }));
  try {
    await check(engine, runtime, log);
  } finally {
    await runtime.close();
    await engine.close();
  }
}

const web = plainSpec({ image: 'web:1', pull: 'missing', command: ['x'] });
const pullsOf = (engine: ScriptedEngine): number => engine.requests.filter((line) => line.startsWith('POST /images/create')).length;

/** Answers a pull well, and lets the image be there from then on. */
function succeed(engine: ScriptedEngine): void {
  engine.on('POST /images/create', (request, response, body) => {
    engine.on('POST /containers/create', json(201, { Id: 'made' }));
    jsonLinesAnswer({ status: 'Pulling from library/web', id: '1' }, { status: 'Status: Downloaded newer image for web:1' })(
      request,
      response,
      body,
    );
  });
}

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

test('a registry that does not answer is given up when the time is over', async () => {
  await onScript(
    async (engine, runtime) => {
      engine.on('POST /images/create', () => undefined);
      await assert.rejects(runtime.prepare(workOf(web), quietly()), { code: 'image-unavailable' });
    },
    limitsWith({ engineRetryMs: 10, pullMs: 60 }),
  );
});

test('a pull that stops in the middle is given up, one that goes on slowly is not', async () => {
  const limits = limitsWith({ engineRetryMs: 1, pullMs: 500, pullStallMs: 300, pullTries: 1 });
  const event = (current: number): string =>
    `${JSON.stringify({ status: 'Downloading', id: 'a', progressDetail: { current, total: 100 } })}\n`;
  await onScript(async (engine, runtime) => {
    engine.on('POST /images/create', (_request, response) => void response.writeHead(200).write(event(0)));
    await assert.rejects(runtime.prepare(workOf(web), quietly()), { code: 'image-unavailable', message: /does not answer/ });
    engine.on('POST /images/create', (_request, response) => {
      response.writeHead(200);
      let step = 0;
      const timer = setInterval(() => {
        response.write(event(step));
        if (++step < 10) return;
        clearInterval(timer);
        engine.on('POST /containers/create', json(201, { Id: 'made' }));
        response.end();
      }, 60);
    });
    await runtime.prepare(workOf(web), quietly());
  }, limits);
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
