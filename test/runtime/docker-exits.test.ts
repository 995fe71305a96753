import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsWith } from '../../src/core/limits.ts';
import { noResources } from '../../src/core/resources.ts';
import { never, plainSpec, quietly, shellOf, started, workOf } from '../contracts/runtime-harness.ts';
import { testEngine } from '../support/engine.ts';
import { skip, withDocker } from './docker-help.ts';
import { engineProxy } from './proxy.ts';
import type { EngineProxy } from './proxy.ts';

const forever = plainSpec({ command: shellOf({}) });

async function withProxy(check: (proxy: EngineProxy) => Promise<void>): Promise<void> {
  const proxy = await engineProxy((await testEngine()).socketPath);
  try {
    await check(proxy);
  } finally {
    await proxy.close();
  }
}

const openedStreams = (proxy: EngineProxy): number => proxy.requests.filter((line) => line.startsWith('GET /events')).length;

test('twenty who wait share one event stream and hold no connection each', { skip }, async () => {
  await withProxy(async (proxy) => {
    await withDocker(
      async ({ runtime }) => {
        const spec = plainSpec({ command: shellOf({ runForMs: 0, exitCode: 2 }) });
        const refs = await Promise.all(Array.from({ length: 20 }, () => runtime.prepare(workOf(spec), quietly())));
        const waits = refs.map((ref) => runtime.wait(ref, never()));
        await Promise.all(refs.map((ref) => runtime.start(ref, never())));
        for (const exit of await Promise.all(waits)) assert.equal(exit.exitCode, 2);
        assert.equal(openedStreams(proxy), 1);
        assert.ok(!proxy.requests.some((line) => line.includes('/wait')), 'and no wait call at all');
      },
      { dockerHost: proxy.socketPath },
    );
  });
});

test('an end that comes while the event stream is broken is noticed', { skip }, async () => {
  await withProxy(async (proxy) => {
    await withDocker(
      async ({ runtime, docker, log }) => {
        const ref = await started(runtime, workOf(forever));
        const ended = runtime.wait(ref, never());
        while (openedStreams(proxy) === 0) await new Promise((resolve) => setImmediate(resolve));
        proxy.refuse(true);
        proxy.cut();
        await docker.getContainer(ref.id).kill({ signal: 'SIGKILL' });
        await docker.getContainer(ref.id).wait();
        proxy.refuse(false);
        assert.equal((await ended).exitCode, 137);
        assert.ok(log.lines.some((line) => line.includes('event stream')));
      },
      { dockerHost: proxy.socketPath },
    );
  });
});

test('an end after the event stream was opened again is noticed too', { skip }, async () => {
  await withProxy(async (proxy) => {
    await withDocker(
      async ({ runtime, docker }) => {
        const ref = await started(runtime, workOf(forever));
        const ended = runtime.wait(ref, never());
        while (openedStreams(proxy) === 0) await new Promise((resolve) => setImmediate(resolve));
        proxy.cut();
        while (openedStreams(proxy) < 2) await new Promise((resolve) => setTimeout(resolve, 5));
        await docker.getContainer(ref.id).kill({ signal: 'SIGTERM' });
        assert.equal((await ended).exitCode, 143);
      },
      { dockerHost: proxy.socketPath },
    );
  });
});

test('an end that no event tells is found by comparing now and then', { skip }, async () => {
  await withDocker(
    async ({ runtime, docker }) => {
      // Another engine's events would look like this: a stream that is open and says nothing of the container.
      const ref = await started(runtime, workOf(forever));
      const ended = runtime.wait({ ...ref, id: ref.id.slice(0, 20) }, never());
      await docker.getContainer(ref.id).kill({ signal: 'SIGKILL' });
      assert.equal((await ended).exitCode, 137);
    },
    { limits: limitsWith({ engineResyncMs: 100, engineRetryMs: 50 }) },
  );
});

test('a task that ran out of memory is told so, with its limit', { skip }, async () => {
  await withDocker(
    async ({ runtime }) => {
      const resources = { ...noResources, memoryBytes: 8 * 2 ** 20 };
      // The engine tells of it only if its cgroup still exists when containerd looks: so the shell outlives the one that is killed.
      const command = ['sh', '-c', 'tail /dev/zero; code=$?; sleep 1; exit $code'];
      const ref = await started(runtime, workOf(plainSpec({ command, resources })));
      const exit = await runtime.wait(ref, never());
      assert.equal(exit.exitCode, 137);
      assert.equal(exit.reason, 'killed: out of memory (limit 8 MiB)');
      assert.deepEqual((await runtime.list())[0]?.exit, exit, 'and so it is by looking later');
    },
    // A busy machine's engine may tell of it rather late.
    { limits: limitsWith({ oomLateMs: 10_000 }) },
  );
});

test('a container that somebody restarts by hand runs on', { skip }, async () => {
  await withDocker(async ({ runtime, docker }) => {
    const ref = await started(runtime, workOf(plainSpec({ command: shellOf({ onStop: 5 }) })));
    let isOver = false;
    const ended = runtime.wait(ref, never()).finally(() => {
      isOver = true;
    });
    await docker.getContainer(ref.id).restart({ t: 5 });
    const { State } = await docker.getContainer(ref.id).inspect();
    assert.equal(State.Running, true);
    if (isOver) {
      // It was looked at in the moment between: then the end that was seen is the first run's.
      assert.equal((await ended).exitCode, 5);
      return;
    }
    assert.equal((await runtime.stop(ref, { stopSignal: 'SIGKILL', graceMs: 0 })).exitCode, 137);
    assert.equal((await ended).exitCode, 137);
  });
});

test('a stop names no foreign signal, and one that somebody else sent is named', { skip }, async () => {
  await withDocker(async ({ runtime, docker }) => {
    const ref = await started(runtime, workOf(forever));
    const mine = runtime.wait(ref, never());
    await runtime.stop(ref, { stopSignal: 'SIGKILL', graceMs: 0 });
    assert.equal((await mine).reason, undefined);
    const other = await started(runtime, workOf(forever));
    const theirs = runtime.wait(other, never());
    await docker.getContainer(other.id).kill({ signal: 'SIGKILL' });
    assert.equal((await theirs).reason, 'somebody else sent it signal 9');
  });
});

test('one that ends with 0 because somebody else stopped it has that for a reason', { skip }, async () => {
  await withDocker(async ({ runtime, docker }) => {
    const stopped = await started(runtime, workOf(plainSpec({ command: shellOf({ onStop: 0 }) })));
    const theirs = runtime.wait(stopped, never());
    await docker.getContainer(stopped.id).stop({ t: 5 });
    const exit = await theirs;
    assert.deepEqual([exit.exitCode, exit.reason], [0, 'somebody else sent it signal 15']);
    const mine = await started(runtime, workOf(plainSpec({ command: shellOf({ onStop: 0 }) })));
    assert.deepEqual(await runtime.stop(mine, { graceMs: 5_000 }).then(({ exitCode, reason }) => [exitCode, reason]), [0, undefined]);
    const done = await started(runtime, workOf(plainSpec({ command: shellOf({ runForMs: 200 }) })));
    await docker.getContainer(done.id).kill({ signal: 'SIGURG' });
    assert.equal((await runtime.wait(done, never())).reason, undefined);
  });
});

test('a removal by force while it is waited for is an end with that reason', { skip }, async () => {
  await withDocker(async ({ runtime, docker }) => {
    const ref = await started(runtime, workOf(forever));
    const ended = runtime.wait(ref, never());
    await docker.getContainer(ref.id).remove({ force: true });
    const exit = await ended;
    assert.equal(exit.exitCode, 137);
    assert.match(exit.reason ?? '', /removed by somebody else|signal 9/);
  });
});

test('a paused container runs, and can be stopped', { skip }, async () => {
  await withDocker(async ({ runtime, docker }) => {
    const ref = await started(runtime, workOf(forever));
    await docker.getContainer(ref.id).pause();
    assert.equal((await runtime.list())[0]?.state, 'running');
    await runtime.stop(ref, { stopSignal: 'SIGTERM', graceMs: 100 });
    assert.equal((await runtime.list())[0]?.state, 'exited');
  });
});

test('a stop signal that the engine does not know ends in a kill', { skip }, async () => {
  await withDocker(async ({ runtime, log }) => {
    const ref = await started(runtime, workOf(forever));
    assert.equal((await runtime.stop(ref, { stopSignal: 'SIGNOPE', graceMs: 100 })).exitCode, 137);
    assert.ok(log.lines.some((line) => line.includes('does not know the stop signal')));
  });
});

test('a container that somebody restarts has ended: what runs under its name is another life', { skip }, async () => {
  await withDocker(async ({ runtime, docker }) => {
    const ref = await started(runtime, workOf(forever));
    const ended = runtime.wait(ref, never());
    await docker.getContainer(ref.id).restart({ t: 0 });
    const exit = await ended;
    // SIGTERM, or SIGKILL where that was too late.
    assert.ok([143, 137].includes(exit.exitCode));
    assert.match(exit.reason ?? '', /somebody else/);
    assert.ok(exit.finishedAt > 0);
  });
});
