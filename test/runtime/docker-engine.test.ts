import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CubeError } from '../../src/core/errors.ts';
import { limitsWith } from '../../src/core/limits.ts';
import { never, plainSpec, quietly, workOf } from '../contracts/runtime-harness.ts';
import { skip, withDocker } from './docker-help.ts';
import { inspect, json, onScript, openOn } from './scripted-engine.ts';
import type { ScriptedEngine } from './scripted-engine.ts';

test('an engine that is not there is said with the address that was tried and what to do', async () => {
  const runtime = await openOn('/nonexistent/docker.sock');
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
  const file = await openOn(path);
  await assert.rejects(file.facts(), { code: 'no-engine', message: /nothing listens there|is no socket/ });
  const tcp = await openOn('tcp://127.0.0.1:1');
  await assert.rejects(tcp.facts(), { code: 'no-engine', message: 'no Docker engine answers at tcp://127.0.0.1:1: nothing listens there' });
  await Promise.all([file.close(), tcp.close()]);
  rmSync(folder, { recursive: true });
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
      const silent = { code: 'no-engine', message: /took over 50 ms to/ };
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
      const creates = engine.requests.filter((line) => line.startsWith('POST /containers/create'));
      for (const { order } of works.slice(0, 3)) {
        const id = order.id.replaceAll('-', '').slice(0, 12);
        assert.ok(
          creates.slice(0, 3).some((line) => line.includes(id)),
          'who came first is made first',
        );
      }
    },
    limitsWith({ startParallelMax: 3 }),
  );
});

test('a server that is no engine is no engine, and no crash', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cube-engine-'));
  const path = join(folder, 'x.sock');
  const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  const runtime = await openOn(path);
  await assert.rejects(runtime.facts(), { code: 'no-engine', message: /broke off/ });
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
