import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { realClock } from '../../src/ambient/clock.ts';
import { CubeError } from '../../src/core/errors.ts';
import { limitsWith } from '../../src/core/limits.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Runtime } from '../../src/ports/runtime.ts';
import { engineAddress, unreachableEngine } from '../../src/runtime/docker/address.ts';
import { openDockerRuntime } from '../../src/runtime/docker/docker.ts';
import { keptLog, never, plainSpec, quietly, testLimits, workOf } from '../contracts/runtime-harness.ts';
import { skip, withDocker } from './docker-help.ts';
import { json, scriptedEngine } from './scripted-engine.ts';
import type { ScriptedEngine } from './scripted-engine.ts';

const owner = { clusterId: 'c', nodeId: 'n' };
const open = (dockerHost: string, limits: Limits = testLimits): Promise<Runtime> =>
  openDockerRuntime({ dockerHost, owner, limits, log: keptLog(), clock: realClock() });

async function onScript(check: (engine: ScriptedEngine, runtime: Runtime) => Promise<void>, limits?: Limits): Promise<void> {
  const engine = await scriptedEngine();
  const runtime = await open(engine.socketPath, limits);
  try {
    await check(engine, runtime);
  } finally {
    await runtime.close();
    await engine.close();
  }
}

/** A container's state as `inspect` gives it. */
const inspect = (Status: string, StartedAt = '0001-01-01T00:00:00Z'): object => ({
  Id: 'a',
  Name: '/a',
  State: { Status, StartedAt, FinishedAt: '0001-01-01T00:00:00Z', ExitCode: 0, Error: '', OOMKilled: false },
  Config: { Labels: {} },
  HostConfig: {},
});

test('an engine that is not there is said with the address that was tried and what to do', async () => {
  const runtime = await open('/nonexistent/docker.sock');
  await assert.rejects(runtime.facts(), (error: unknown) => {
    assert.ok(error instanceof CubeError);
    assert.equal(error.code, 'no-engine');
    assert.equal(error.message, 'no Docker engine answers at /nonexistent/docker.sock: there is no such socket');
    assert.match(error.hint, /--runtime process/);
    return true;
  });
  await assert.rejects(runtime.list(), { code: 'no-engine' });
  await assert.rejects(runtime.prepare(workOf(plainSpec({})), quietly()), { code: 'no-engine' });
  await runtime.close();
});

test('an engine that does not run is told from one that is not there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cube-engine-'));
  const path = join(folder, 'docker.sock');
  writeFileSync(path, '');
  const file = await open(path);
  await assert.rejects(file.facts(), { code: 'no-engine', message: /nothing listens there|is no socket/ });
  const tcp = await open('tcp://127.0.0.1:1');
  await assert.rejects(tcp.facts(), { code: 'no-engine', message: 'no Docker engine answers at tcp://127.0.0.1:1: nothing listens there' });
  await Promise.all([file.close(), tcp.close()]);
  rmSync(folder, { recursive: true });
});

test('a socket that may not be opened is said, with the group to join', () => {
  const address = engineAddress('/var/run/docker.sock');
  for (const code of ['EACCES', 'EPERM']) {
    const error = unreachableEngine(Object.assign(new Error('connect'), { code }), address);
    assert.equal(error?.message, 'no Docker engine answers at /var/run/docker.sock: permission denied');
    assert.match(error.hint, /group docker/);
  }
  assert.equal(unreachableEngine(new Error('something else'), address), undefined);
  assert.equal(unreachableEngine('no error at all', address), undefined);
});

test('addresses are read as DOCKER_HOST has them', () => {
  assert.equal(engineAddress('unix:///run/x.sock').socketPath, '/run/x.sock');
  assert.equal(engineAddress('/run/x.sock').socketPath, '/run/x.sock');
  assert.equal(engineAddress('').local, true);
  const plain = engineAddress('tcp://build:2375');
  assert.deepEqual([plain.protocol, plain.host, plain.port, plain.local, plain.shown], ['http', 'build', 2375, false, 'tcp://build:2375']);
  assert.deepEqual([engineAddress('tcp://build').port, engineAddress('https://build').port], [2375, 2376]);
  assert.equal(engineAddress('tcp://build:2376').protocol, 'https');
  assert.equal(engineAddress('tcp://127.0.0.1:2375').local, true);
  for (const bad of ['ssh://user@host', 'ftp://host', 'host:2375', 'tcp://', 'no address']) {
    assert.throws(() => engineAddress(bad), { code: 'usage', message: /no address of a Docker engine/ }, bad);
  }
  assert.throws(() => engineAddress('tcp://build:2376', '/nonexistent'), { code: 'usage', message: /certificates could not be read/ });
});

test('what DOCKER_HOST says in the environment does not override what was asked for', async () => {
  const before = process.env['DOCKER_HOST'];
  process.env['DOCKER_HOST'] = 'tcp://192.0.2.1:2375';
  try {
    await onScript(async (_, runtime) => assert.equal((await runtime.facts()).version, '20.10'));
  } finally {
    if (before === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = before;
  }
});

test('an engine that takes the call and never answers is given up', async () => {
  await onScript(
    async (engine, runtime) => {
      for (const start of ['GET ', 'POST ', 'DELETE ']) engine.on(start, () => undefined);
      const ref = { id: 'a', name: 'a' };
      const silent = { code: 'engine-error', message: /took over 50 ms to/ };
      await assert.rejects(runtime.facts(), silent);
      await assert.rejects(runtime.list(), silent);
      await assert.rejects(runtime.prepare(workOf(plainSpec({})), quietly()), silent);
      await assert.rejects(runtime.start(ref, never()), silent);
      await assert.rejects(runtime.stop(ref, { stopSignal: 'SIGTERM', graceMs: 1 }), silent);
      await assert.rejects(runtime.remove(ref), silent);
      await assert.rejects(runtime.logs(ref, { follow: false, signal: never() })[Symbol.asyncIterator]().next(), silent);
    },
    limitsWith({ engineCallMs: 50, engineRetryMs: 10 }),
  );
});

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
      while (!engine.requests.includes('GET /containers/b/json?')) await new Promise((resolve) => setTimeout(resolve, 5));
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
      code: 'engine-error',
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

test('what the engine can not limit is not asked for, and said', async () => {
  await onScript(async (engine, runtime) => {
    engine.on('GET /info', json(200, { NCPU: 2, MemTotal: 1e9, DockerRootDir: '/nonexistent' }));
    const facts = await runtime.facts();
    assert.equal(facts.capacity.diskBytes, 0);
    const said = facts.warnings.join('\n');
    for (const word of [/cpu limits have no effect/, /memory limits have no effect/, /limit processes/, /cannot be measured/])
      assert.match(said, word);
    let sent = '';
    engine.on('POST /containers/create', (request, response, body) => {
      sent = body;
      json(201, { Id: 'a' })(request, response, body);
    });
    const resources = { cpu: 1, memoryBytes: 1e8, diskBytes: 0, custom: {} };
    await runtime.prepare(workOf(plainSpec({ resources })), quietly());
    assert.doesNotMatch(sent, /NanoCpus|Memory|PidsLimit/);
    engine.on(
      'GET /info',
      json(200, { NCPU: 2, MemTotal: 1e9, DockerRootDir: '/', MemoryLimit: true, CpuCfsQuota: true, PidsLimit: true }),
    );
    assert.deepEqual((await runtime.facts()).warnings.length, 1);
    await runtime.prepare(workOf(plainSpec({ resources })), quietly());
    assert.match(sent, /"Memory":100000000/);
    assert.doesNotMatch(sent, /MemorySwap/, 'this kernel does not account for swap');
  });
});

test('no more containers are made and started at once than allowed, in the order in which they came', async () => {
  let atOnce = 0;
  let most = 0;
  await onScript(
    async (engine, runtime) => {
      const slow: Parameters<ScriptedEngine['on']>[1] = (request, response, body) => {
        most = Math.max(most, ++atOnce);
        setTimeout(() => {
          atOnce--;
          json(201, { Id: String(request.url?.split('name=')[1]) })(request, response, body);
        }, 5);
      };
      engine.on('POST /containers/create', slow);
      engine.on('GET /containers/', json(200, inspect('running', '2026-01-01T00:00:00Z')));
      engine.on('POST /containers/cube', (request, response, body) => {
        most = Math.max(most, ++atOnce);
        setTimeout(() => {
          atOnce--;
          json(204, '')(request, response, body);
        }, 5);
      });
      const works = Array.from({ length: 12 }, () => workOf(plainSpec({})));
      await Promise.all(works.map(async (work) => runtime.start(await runtime.prepare(work, quietly()), never())));
      assert.equal(most, 3);
      const first = engine.requests.filter((line) => line.startsWith('POST /containers/create')).slice(0, 3);
      assert.ok(first.every((line, index) => line.includes(works[index]!.order.id.replaceAll('-', '').slice(0, 12))));
    },
    limitsWith({ startParallelMax: 3 }),
  );
});

test('a server that is no engine is an engine error, not a crash', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cube-engine-'));
  const path = join(folder, 'x.sock');
  const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  const runtime = await open(path);
  await assert.rejects(runtime.facts(), { code: 'engine-error', message: /broke off/ });
  await runtime.close();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

test('the facts of a real engine are what it says', { skip }, async () => {
  await withDocker(async ({ runtime, docker }) => {
    const facts = await runtime.facts();
    const info = (await docker.info()) as { NCPU: number; MemTotal: number };
    assert.equal(facts.version, (await docker.version()).Version);
    assert.deepEqual([facts.capacity.cpu, facts.capacity.memoryBytes], [info.NCPU, info.MemTotal]);
    assert.equal(facts.arch, process.arch);
  });
});
