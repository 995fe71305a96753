import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProbeSpec } from '../../src/core/job.ts';
import type { ContainerRef, HealthSeen, ProbeOptions, ProbeResult, Runtime } from '../../src/ports/runtime.ts';
import { placeIn } from '../../src/runtime/docker/reach.ts';
import type { Inspected } from '../../src/runtime/docker/state.ts';
import { never, plainSpec, quietly, shellOf, started, workOf } from '../contracts/runtime-harness.ts';
import { imageWith, testEngine } from '../support/engine.ts';
import { skip, withDocker } from './docker-help.ts';
import { engineProxy } from './proxy.ts';
import { inspect, json, onScript } from './scripted-engine.ts';

const plenty: ProbeOptions = { timeoutMs: 10_000, signal: never() };
const command = (script: string): ProbeSpec => ({ kind: 'exec', command: ['sh', '-c', script] });
const forever = plainSpec({ command: shellOf({}) });

/** Looks until it finds what is wanted. */
async function untilProbe(runtime: Runtime, ref: ContainerRef, probe: ProbeSpec, ok: boolean): Promise<string> {
  for (;;) {
    const result = await runtime.probe(ref, probe, plenty);
    if (result.ok === ok) return result.detail;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('a port that is not published is looked at in the container itself, and nobody there is nobody', { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const ref = await started(runtime, workOf(plainSpec({ command: ['sh', '-c', 'while :; do nc -l -p 7000 </dev/null; done'] })));
    await untilProbe(runtime, ref, { kind: 'tcp', port: 7000 }, true);
    assert.deepEqual(await runtime.probe(ref, { kind: 'tcp', port: 7001 }, plenty), {
      ok: false,
      detail: 'connection refused on port 7001',
    });
  });
});

test('a published port is not looked at through the proxy, which takes connections for nobody', { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const ports = [{ ip: '127.0.0.1', host: 0, container: 80, protocol: 'tcp' as const }];
    const ref = await started(runtime, workOf(forever, { ports }));
    assert.equal((await runtime.probe(ref, { kind: 'tcp', port: 80 }, plenty)).ok, false);
  });
});

test('a container without a network says so', { skip }, async () => {
  await withDocker(async ({ runtime, docker }) => {
    const made = await docker.createContainer({
      Image: 'busybox:latest',
      Cmd: shellOf({}),
      HostConfig: { NetworkMode: 'none' },
      Labels: { 'cube.tests': 'network' },
    });
    try {
      await made.start();
      const result = await runtime.probe({ id: made.id, name: 'alone' }, { kind: 'tcp', port: 80 }, plenty);
      assert.deepEqual(result, { ok: false, detail: 'the container has no network' });
    } finally {
      await made.remove({ force: true });
    }
  });
});

test('after a restart by hand it is found at its new address', { skip }, async () => {
  await withDocker(async ({ runtime, docker }) => {
    const serve = plainSpec({ command: ['httpd', '-f', '-p', '8080'] });
    const [first, second] = [await started(runtime, workOf(serve)), await started(runtime, workOf(forever))];
    const probe: ProbeSpec = { kind: 'tcp', port: 8080 };
    await untilProbe(runtime, first, probe, true);
    // The other one takes the address of the first.
    for (const ref of [first, second]) await docker.getContainer(ref.id).kill();
    for (const ref of [second, first]) await docker.getContainer(ref.id).start();
    await untilProbe(runtime, first, probe, true);
    assert.equal((await runtime.probe(second, probe, plenty)).ok, false);
  });
});

test('a look by command shows the end of its last line, and its exit code', { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const ref = await started(runtime, workOf(forever));
    const detailOf = async (script: string): Promise<string> => (await runtime.probe(ref, command(script), plenty)).detail;
    assert.equal(await detailOf('echo all is well'), 'all is well');
    assert.equal(await detailOf('true'), 'exit code 0');
    assert.equal(await detailOf('echo first; echo "no database" >&2; exit 4'), 'no database (exit code 4)');
    assert.equal(await detailOf('exit 9'), 'exit code 9');
    const long = await detailOf('yes | head -c 3000000 | tr -d "\\n"; printf end');
    assert.equal(long.length, 200);
    assert.ok(long.endsWith('yend'));
    const missing = await runtime.probe(ref, { kind: 'exec', command: ['no-such-program'] }, plenty);
    assert.equal(missing.ok, false);
    assert.match(missing.detail, /no-such-program/);
  });
});

test('commands do not pile up: while one of them still runs none is begun', { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const ref = await started(runtime, workOf(forever));
    const slow = command('echo x >>/tmp/begun; sleep 1.5');
    const short = { ...plenty, timeoutMs: 300 };
    assert.equal((await runtime.probe(ref, slow, short)).detail, 'no answer within 300ms');
    assert.match((await runtime.probe(ref, slow, short)).detail, /the command of an earlier look still runs$/);
    const counted = await runtime.probe(ref, command('wc -l </tmp/begun'), plenty);
    assert.deepEqual(counted, { ok: true, detail: '1' });
  });
});

test('an engine that hangs says nothing of the task: a look then is no answer', async () => {
  await onScript(async (engine, runtime) => {
    engine.on('GET /containers/', () => undefined);
    engine.on('POST /containers/', () => undefined);
    engine.on('GET /_ping', () => undefined);
    const options = { timeoutMs: 50, signal: never() };
    for (const probe of [command('true'), { kind: 'tcp', port: 80 } as const]) {
      await assert.rejects(runtime.probe({ id: 'a', name: 'a' }, probe, options), { code: 'no-engine', message: /nothing is known/ });
    }
  });
});

test('a change of health comes through although the event stream breaks', { skip }, async () => {
  const { docker, socketPath } = await testEngine();
  const proxy = await engineProxy(socketPath);
  const image = await imageWith(docker, 'HEALTHCHECK --interval=1s --retries=1 CMD cat /tmp/ok');
  try {
    await withDocker(
      async ({ runtime }) => {
        const ref = await started(runtime, workOf(plainSpec({ image, command: shellOf({}) })));
        const seen: HealthSeen[] = [];
        for await (const one of runtime.health(ref, never())) {
          seen.push(one);
          if (one.health === 'healthy') break;
          if (one.health !== 'unhealthy') continue;
          proxy.cut();
          // The connections that were kept open are cut as well, which may show only when they are used.
          const tell = (tries: number): Promise<ProbeResult> =>
            runtime
              .probe(ref, command('echo fine >/tmp/ok'), plenty)
              .catch((thrown) => (tries > 1 ? tell(tries - 1) : Promise.reject(thrown)));
          await tell(10);
        }
        assert.deepEqual(
          seen.map(({ health }) => health),
          ['unknown', 'unhealthy', 'healthy'],
        );
        assert.match(seen[1]!.detail ?? '', /can't open '\/tmp\/ok'/);
        assert.equal(seen[2]!.detail, 'fine');
        assert.equal(proxy.requests.filter((line) => line.startsWith('GET /events')).length, 2, 'one stream, opened again');
      },
      { dockerHost: proxy.socketPath },
    );
  } finally {
    await proxy.close();
    await docker.getImage(image).remove();
  }
});

test("without a stop signal of the task's the image's own is sent, and named when it did not help", { skip }, async () => {
  const { docker } = await testEngine();
  const image = await imageWith(docker, 'STOPSIGNAL SIGUSR1');
  try {
    await withDocker(async ({ runtime }) => {
      const { stopSignal: _, ...spec } = plainSpec({ image });
      const trap = (how: string): string[] => ['sh', '-c', `trap '${how}' USR1; echo up; while :; do sleep 1000 & wait $!; done`];
      const obeys = await started(runtime, workOf({ ...spec, command: trap('exit 9') }));
      const deaf = await started(runtime, workOf({ ...spec, command: trap('') }));
      for (const ref of [obeys, deaf]) {
        for await (const chunk of runtime.logs(ref, { follow: true, signal: never() })) if (chunk.text === 'up\n') break;
      }
      assert.equal((await runtime.stop(obeys, { graceMs: 10_000 })).exitCode, 9);
      assert.equal((await runtime.stop(deaf, { graceMs: 200 })).reason, 'killed: it did not end within 200ms of SIGUSR1');
      const told = await runtime.prepare(workOf({ ...spec, stopSignal: 'SIGINT', command: trap('exit 9') }), quietly());
      const { Config } = await docker.getContainer(told.id).inspect();
      assert.equal((Config as { StopSignal?: string }).StopSignal, 'SIGINT');
    });
  } finally {
    await docker.getImage(image).remove();
  }
});

test('where a container is: its own address, the host, a published port, or nowhere', () => {
  const running = inspect('running') as Inspected;
  const at = (more: Partial<Inspected>, own: boolean): object => placeIn({ ...running, ...more }, 'build', own);
  const Networks = { a: { IPAddress: '' }, b: { IPAddress: '172.18.0.2' } };
  assert.deepEqual(at({ NetworkSettings: { Networks } }, true), { kind: 'own', host: '172.18.0.2' });
  assert.deepEqual(at({ NetworkSettings: { Networks: { a: { IPAddress: '', GlobalIPv6Address: 'fd00::2' } } } }, true), {
    kind: 'own',
    host: 'fd00::2',
  });
  assert.deepEqual(at({ HostConfig: { NetworkMode: 'host' } }, true), { kind: 'own', host: '127.0.0.1' });
  assert.deepEqual(at({ HostConfig: { NetworkMode: 'host' } }, false), { kind: 'own', host: 'build' });
  const Ports = { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '20001' }], '53/udp': [{ HostIp: '', HostPort: '20002' }], '81/tcp': null };
  assert.deepEqual(at({ NetworkSettings: { Networks, Ports } }, false), {
    kind: 'published',
    host: 'build',
    ports: new Map([[80, 20_001]]),
  });
  assert.deepEqual(placeIn(inspect('exited') as Inspected, 'build', true), { kind: 'nowhere', why: 'the container does not run' });
});

test('an engine in a virtual machine is looked at by its published ports', async () => {
  await onScript(async (engine, runtime) => {
    engine.on('GET /info', json(200, { NCPU: 2, MemTotal: 1e9, DockerRootDir: '/', OperatingSystem: 'Docker Desktop' }));
    engine.on('GET /containers/', json(200, inspect('running', '2026-01-01T00:00:00Z')));
    const result = await runtime.probe({ id: 'a', name: 'a' }, { kind: 'tcp', port: 80 }, plenty);
    assert.deepEqual(result, {
      ok: false,
      detail: "port 80 is not published, and this engine's containers cannot be reached otherwise",
    });
  });
});
