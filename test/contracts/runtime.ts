/** The conformance suite of the runtime port: the same promises, kept by every runtime. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Runtime } from '../../src/ports/runtime.ts';
import { executing } from './runtime-exec.ts';
import { images, looking, uncheckedHealth } from './runtime-health.ts';
import { aborting, finding, output, reopening, sawOutput } from './runtime-watching.ts';
import type { Promised } from './runtime-watching.ts';
import { linesOf, never, quietly, read, started, workOf } from './runtime-harness.ts';
import type { Harness } from './runtime-harness.ts';

const forever = {};
const stop = { stopSignal: 'SIGTERM', graceMs: 10_000 };

/** Runs the suite. @param skip why it is not run, or false @param hasImages whether this runtime knows images */
export function testRuntime(name: string, skip: string | false, hasImages: boolean, makeHarness: () => Promise<Harness>): void {
  const promise = (what: string, check: (harness: Harness, runtime: Runtime) => Promise<void>): void => {
    test(what, { skip }, async () => {
      const harness = await makeHarness();
      const runtime = await harness.open();
      try {
        await check(harness, runtime);
      } finally {
        await runtime.close();
        await harness.close();
      }
    });
  };
  describe(`runtime ${name}`, () => {
    lifecycle(promise);
    endings(promise);
    stopping(promise);
    aborting(promise);
    finding(promise);
    reopening(promise);
    output(promise);
    executing(promise);
    looking(promise);
    uncheckedHealth(promise);
    if (hasImages) images(promise);
  });
}

function lifecycle(promise: Promised): void {
  promise('it says what it is and what the host offers', async (_, runtime) => {
    const facts = await runtime.facts();
    assert.equal(facts.name, runtime.name);
    assert.ok(facts.version !== '' && facts.os !== '' && facts.arch !== '' && facts.cpuModel !== '');
    assert.ok(facts.capacity.cpu > 0 && facts.capacity.memoryBytes > 0 && facts.capacity.diskBytes > 0);
  });

  promise('preparing twice gives the same container', async (harness, runtime) => {
    const work = workOf(harness.spec(forever));
    const first = await runtime.prepare(work, quietly());
    assert.deepEqual(await runtime.prepare(work, quietly()), first);
    assert.equal((await runtime.list()).length, 1);
  });

  promise('preparing many times at once makes one container', async (harness, runtime) => {
    const work = workOf(harness.spec(forever));
    const refs = await Promise.all([1, 2, 3, 4].map(() => runtime.prepare(work, quietly())));
    assert.equal(new Set(refs.map(({ id }) => id)).size, 1);
    assert.equal((await runtime.list()).length, 1);
  });

  promise('each attempt is a container of its own', async (harness, runtime) => {
    const work = workOf(harness.spec(forever));
    const first = await runtime.prepare(work, quietly());
    const second = await runtime.prepare({ ...work, attempt: 2 }, quietly());
    assert.notEqual(first.id, second.id);
    assert.notEqual(first.name, second.name);
    assert.deepEqual(
      (await runtime.list()).map(({ attempt }) => attempt).sort((a, b) => a - b),
      [1, 2],
    );
  });

  promise('starting twice, at once or later, is starting once', async (harness, runtime) => {
    const ref = await runtime.prepare(workOf(harness.spec(forever)), quietly());
    const [one, two] = await Promise.all([runtime.start(ref, never()), runtime.start(ref, never())]);
    assert.deepEqual(one, two);
    assert.deepEqual(await runtime.start(ref, never()), one);
    assert.ok(Math.abs(one.startedAt - Date.now()) < 60_000, 'a time in ms since the epoch');
  });

  promise('starting what has ended does not run it again', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec({ lines: ['once'], runForMs: 0 })));
    const exit = await runtime.wait(ref, never());
    await runtime.start(ref, never());
    assert.deepEqual(await runtime.wait(ref, never()), exit);
    assert.deepEqual(linesOf(await read(runtime, ref)), ['once']);
  });

  promise('a program that does not exist is a bad command', async (harness, runtime) => {
    await assert.rejects(started(runtime, workOf(harness.spec({ isMissing: true }))), { name: 'CubeError', code: 'bad-command' });
  });

  promise('starting what is gone fails', async (harness, runtime) => {
    const ref = await runtime.prepare(workOf(harness.spec(forever)), quietly());
    await harness.remove(ref);
    await assert.rejects(runtime.start(ref, never()), { code: 'engine-error', message: /gone/ });
  });

  promise('removing twice is removing once, and what runs is ended by it', async (harness, runtime) => {
    const created = await runtime.prepare(workOf(harness.spec(forever)), quietly());
    const running = await started(runtime, workOf(harness.spec(forever)));
    const ended = runtime.wait(running, never());
    for (const ref of [created, running, created, running]) await runtime.remove(ref);
    assert.deepEqual(await runtime.list(), []);
    assert.equal((await ended).exitCode, 137);
  });
}

function endings(promise: Promised): void {
  for (const exitCode of [0, 3]) {
    promise(`an exit with ${exitCode} is told, before the end and after it`, async (harness, runtime) => {
      const ref = await runtime.prepare(workOf(harness.spec({ runForMs: 200, exitCode })), quietly());
      const before = Date.now();
      await runtime.start(ref, never());
      const exit = await runtime.wait(ref, never());
      assert.equal(exit.exitCode, exitCode);
      assert.equal(exit.reason, undefined);
      assert.ok(exit.finishedAt >= before && exit.finishedAt <= Date.now() + 1_000, String(exit.finishedAt));
      assert.deepEqual(await runtime.wait(ref, never()), exit);
    });
  }

  promise('waiting may begin before the start, and by several', async (harness, runtime) => {
    const ref = await runtime.prepare(workOf(harness.spec({ runForMs: 100, exitCode: 4 })), quietly());
    const waits = [runtime.wait(ref, never()), runtime.wait(ref, never())];
    await runtime.start(ref, never());
    for (const exit of await Promise.all(waits)) assert.equal(exit.exitCode, 4);
  });

  promise('one that is killed from outside ends with 137 and a reason', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec(forever)));
    const ended = runtime.wait(ref, never());
    await harness.kill(ref);
    const exit = await ended;
    assert.equal(exit.exitCode, 137);
    assert.match(exit.reason ?? '', /kill|signal/);
  });

  promise('one that is removed from outside ends with 137 and that reason', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec(forever)));
    const ended = runtime.wait(ref, never());
    await harness.kill(ref);
    await ended;
    await harness.remove(ref);
    const exit = await runtime.wait(ref, never());
    assert.equal(exit.exitCode, 137);
    assert.match(exit.reason ?? '', /removed by somebody else/);
  });
}

function stopping(promise: Promised): void {
  promise('a stop sends the signal and tells how it ended', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec({ lines: ['up'], onStop: 7 })));
    await sawOutput(runtime, ref.id, ref.name);
    const waited = runtime.wait(ref, never());
    assert.equal((await runtime.stop(ref, stop)).exitCode, 7);
    assert.equal((await waited).exitCode, 7);
  });

  promise('what does not end within the grace is killed, and that is said', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec({ lines: ['up'], ignoresStop: true })));
    await sawOutput(runtime, ref.id, ref.name);
    const exit = await runtime.stop(ref, { stopSignal: 'SIGTERM', graceMs: 300 });
    assert.equal(exit.exitCode, 137);
    assert.match(exit.reason ?? '', /did not end within 300ms of SIGTERM/);
  });

  promise('without a grace it is killed at once', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec({ ignoresStop: true })));
    assert.equal((await runtime.stop(ref, { stopSignal: 'SIGTERM', graceMs: 0 })).exitCode, 137);
  });

  promise('a stop of what has ended tells its end, and of what is gone that it is', async (harness, runtime) => {
    const ref = await started(runtime, workOf(harness.spec({ runForMs: 0, exitCode: 5 })));
    await runtime.wait(ref, never());
    assert.equal((await runtime.stop(ref, stop)).exitCode, 5);
    await runtime.remove(ref);
    assert.equal((await runtime.stop(ref, stop)).exitCode, 137);
  });

  promise('what never started is stopped at once', async (harness, runtime) => {
    const ref = await runtime.prepare(workOf(harness.spec(forever)), quietly());
    assert.match((await runtime.stop(ref, stop)).reason ?? '', /never started/);
  });

  promise('a stop is not overtaken by a start that is under way', async (harness, runtime) => {
    const ref = await runtime.prepare(workOf(harness.spec(forever)), quietly());
    const abort = new AbortController();
    const start = runtime.start(ref, abort.signal);
    abort.abort();
    await assert.rejects(start, { name: 'AbortError' });
    await runtime.stop(ref, { stopSignal: 'SIGKILL', graceMs: 0 });
    const found = await runtime.list();
    assert.ok(
      found.every(({ state }) => state !== 'running'),
      JSON.stringify(found),
    );
  });
}
