import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsWith } from '../../src/core/limits.ts';
import { never, plainSpec, quietly, workOf } from '../contracts/runtime-harness.ts';
import { inspect, json, onScript } from './scripted-engine.ts';

test('a wait outlasts an engine that is away', async () => {
  await onScript(
    async (engine, runtime) => {
      engine.on('GET /', json(500, { message: 'not now' }));
      const ended = runtime.wait({ id: 'a', name: 'a' }, never());
      while (engine.requests.length < 6) await new Promise((resolve) => setTimeout(resolve, 5));
      const gone = { ...inspect('exited', '2026-01-01T00:00:00Z') };
      engine.on('GET /containers/json', json(200, [{ Id: 'a', State: 'exited', Labels: {}, Names: [], Ports: [] }]));
      engine.on('GET /containers/a/json', json(200, gone));
      assert.equal((await ended).exitCode, 0);
    },
    limitsWith({ engineRetryMs: 10 }),
  );
});

test('ends are looked at, and the next containers made, by new connections: an engine that goes takes none, and no attempt is wasted on it', async () => {
  await onScript(async (engine, runtime) => {
    const connections = new Map<string, string | undefined>();
    const noting = (name: string, answer: ReturnType<typeof json>): Parameters<typeof engine.on>[1] => {
      return (request, response, body) => {
        connections.set(name, request.headers.connection);
        answer(request, response, body);
      };
    };
    engine.on('GET /containers/a/json', noting('look', json(200, inspect('exited', '2026-01-01T00:00:00Z'))));
    engine.on('POST /containers/create', noting('make', json(201, { Id: 'a' })));
    engine.on('GET /_ping', noting('ping', json(200, 'OK')));
    engine.on('GET /info', noting('describe', json(200, { NCPU: 1, MemTotal: 1, DockerRootDir: '/' })));
    await runtime.wait({ id: 'a', name: 'a' }, never());
    await runtime.prepare(workOf(plainSpec({}), { attempt: 2 }), quietly());
    await runtime.ping();
    assert.deepEqual(Object.fromEntries(connections), { look: 'close', describe: 'keep-alive', make: 'close', ping: 'close' });
  });
});

test('a stop that the engine refuses is said, and leaves nothing waiting', async () => {
  await onScript(async (engine, runtime) => {
    engine.on('GET /containers/', json(200, inspect('running', '2026-01-01T00:00:00Z')));
    engine.on('POST /containers/a/kill', json(500, { message: 'cannot kill: runc is broken' }));
    for (const graceMs of [0, 1_000]) {
      const stop = runtime.stop({ id: 'a', name: 'a' }, { stopSignal: 'SIGTERM', graceMs });
      await assert.rejects(stop, { code: 'engine-error', message: /runc is broken/ });
    }
  });
});

test('what does not end even by a kill is said', async () => {
  await onScript(
    async (engine, runtime) => {
      engine.on('GET /containers/', json(200, inspect('running', '2026-01-01T00:00:00Z')));
      engine.on('POST /containers/a/kill', json(204, ''));
      const stop = runtime.stop({ id: 'a', name: 'a' }, { stopSignal: 'SIGTERM', graceMs: 20 });
      await assert.rejects(stop, { code: 'engine-error', message: /did not end within 100ms of SIGKILL/ });
    },
    limitsWith({ engineCallMs: 100 }),
  );
});

test('that memory ran out is believed although the engine says so only after the end', async () => {
  await onScript(
    async (engine, runtime) => {
      const died = { ...inspect('exited', '2026-01-01T00:00:00Z'), HostConfig: { Memory: 2 ** 24 } };
      const State = { ...(died as { State?: object }).State, ExitCode: 137 };
      engine.on('GET /containers/', json(200, { ...died, State }));
      engine.on('GET /containers/json', json(200, []));
      let say = (_event: object): void => undefined;
      engine.on('GET /events', (_request, response) => {
        response.writeHead(200).flushHeaders();
        say = (event) => void response.write(`${JSON.stringify(event)}\n`);
      });
      const unexplained = runtime.wait({ id: 'a', name: 'a' }, never());
      const explained = runtime.wait({ id: 'b', name: 'b' }, never());
      while (!engine.requests.some((line) => line.startsWith('GET /containers/b/json')))
        await new Promise((resolve) => setTimeout(resolve, 5));
      say({ Action: 'oom', Actor: { ID: 'b' } });
      assert.equal((await explained).reason, 'killed: out of memory (limit 16 MiB)');
      assert.deepEqual([(await unexplained).exitCode, (await unexplained).reason], [137, undefined]);
    },
    limitsWith({ oomLateMs: 150, engineRetryMs: 10_000 }),
  );
});

test('a refusal after a start that did happen is a success', async () => {
  await onScript(async (engine, runtime) => {
    let asked = 0;
    engine.on('POST /containers/a/start', (_request, response) => {
      engine.on('GET /containers/a/json', json(200, inspect('running', '2026-01-02T03:04:05.678901234Z')));
      json(500, { message: 'context canceled' })(_request, response, '');
    });
    engine.on('GET /containers/a/json', (request, response, body) => {
      asked++;
      json(200, inspect('created'))(request, response, body);
    });
    const { startedAt } = await runtime.start({ id: 'a', name: 'a' }, never());
    assert.equal(startedAt, Date.parse('2026-01-02T03:04:05.678Z'));
    assert.equal(asked, 1, 'looked at before, because it was not made here just now');
  });
});

test('a connection that breaks in the middle of a start is no answer: it is looked whether it started', async () => {
  await onScript(async (engine, runtime) => {
    engine.on('GET /containers/a/json', json(200, inspect('created')));
    engine.on('POST /containers/a/start', (_request, response) => response.destroy());
    await assert.rejects(runtime.start({ id: 'a', name: 'a' }, never()), {
      code: 'no-engine',
      message: /broke off while asked to start/,
    });
    engine.on('POST /containers/a/start', (_request, response) => {
      engine.on('GET /containers/a/json', json(200, inspect('running', '2026-01-02T03:04:05Z')));
      response.destroy();
    });
    assert.equal((await runtime.start({ id: 'a', name: 'a' }, never())).startedAt, Date.parse('2026-01-02T03:04:05Z'));
  });
});

test('a name that is taken by a container being made right now is waited for', async () => {
  await onScript(
    async (engine, runtime) => {
      const work = workOf(plainSpec({}));
      let looks = 0;
      engine.on('POST /containers/create', json(409, { message: 'Conflict. The container name is already in use' }));
      engine.on('GET /containers/cube-shop', (request, response, body) => {
        looks++;
        const Labels = { 'cube.cluster': 'c', 'cube.node': 'n', 'cube.id': work.order.id, 'cube.attempt': '1' };
        const answer = looks < 3 ? json(404, { message: 'No such container' }) : json(200, { ...inspect('created'), Config: { Labels } });
        answer(request, response, body);
      });
      assert.equal((await runtime.prepare(work, quietly())).id, 'a');
      assert.equal(looks, 3);
    },
    limitsWith({ engineRetryMs: 5 }),
  );
});

test('a container that somebody else removes right now counts as removed', async () => {
  await onScript(
    async (engine, runtime) => {
      engine.on('DELETE /containers/a', (request, response, body) => {
        engine.on('DELETE /containers/a', json(404, { message: 'No such container' }));
        json(409, { message: 'removal of container a is already in progress' })(request, response, body);
      });
      await runtime.remove({ id: 'a', name: 'a' });
      assert.equal(engine.requests.filter((line) => line.startsWith('DELETE')).length, 2);
      assert.match(engine.requests.at(-1)!, /force=true&v=true/);
    },
    limitsWith({ engineRetryMs: 5 }),
  );
});
