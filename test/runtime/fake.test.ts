import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../src/core/random.ts';
import { fakeEngine } from '../../src/runtime/fake-engine.ts';
import type { FakeEngine } from '../../src/runtime/fake-engine.ts';
import type { FakeScript } from '../../src/runtime/fake-script.ts';
import { openFakeRuntime } from '../../src/runtime/fake.ts';
import type { Runtime } from '../../src/ports/runtime.ts';
import { linesOf, never, plainSpec, quietly, read, started, workOf } from '../contracts/runtime-harness.ts';
import { manualClock } from './manual-clock.ts';
import type { ManualClock } from './manual-clock.ts';

const owner = { clusterId: 'c', nodeId: 'n' };

interface Made {
  readonly clock: ManualClock;
  readonly engine: FakeEngine;
  readonly runtime: Runtime;
}

function make(script: FakeScript = {}, seed = 1): Made {
  const clock = manualClock();
  const engine = fakeEngine({ clock, random: seededRandom(seed), script: () => script });
  return { clock, engine, runtime: openFakeRuntime({ engine, owner }) };
}

/** Notes how a promise ends, for clocks that do not move by themselves. */
function watched<T>(promise: Promise<T>): { value?: T; error?: unknown } {
  const state: { value?: T; error?: unknown } = {};
  promise.then(
    (value) => (state.value = value),
    (error: unknown) => (state.error = error),
  );
  return state;
}

test("times are the script's, on the given clock", async () => {
  const { clock, runtime } = make({ prepareMs: 100, startMs: 50, runForMs: 1_000, exitCode: 3, reason: 'as told' });
  const prepared = watched(runtime.prepare(workOf(plainSpec({})), quietly()));
  await clock.pass(99);
  assert.equal(prepared.value, undefined);
  await clock.pass(1);
  const ref = prepared.value!;
  const start = watched(runtime.start(ref, never()));
  await clock.pass(50);
  assert.equal(start.value?.startedAt, 1_000_150);
  const exit = watched(runtime.wait(ref, never()));
  await clock.pass(999);
  assert.equal(exit.value, undefined);
  await clock.pass(1);
  assert.deepEqual(exit.value, { exitCode: 3, finishedAt: 1_001_150, reason: 'as told' });
});

test('the same seed gives the same story, another one another', async () => {
  const ends = async (seed: number): Promise<number[]> => {
    const { clock, runtime } = make({ runForMs: 1_000, jitter: 0.5 }, seed);
    const exits: number[] = [];
    for (let index = 0; index < 5; index++) {
      const ref = await started(runtime, workOf(plainSpec({})));
      void runtime.wait(ref, never()).then(({ finishedAt }) => exits.push(finishedAt));
    }
    await clock.pass(2_000);
    assert.equal(exits.length, 5);
    return exits;
  };
  const one = await ends(7);
  assert.deepEqual(await ends(7), one);
  assert.notDeepEqual(await ends(8), one);
  for (const at of one) assert.ok(at >= 1_000_500 && at <= 1_001_500);
});

test("the task's environment overrides the function, and that the image", async () => {
  const clock = manualClock();
  const images = { 'busybox:latest': { exitCode: 1, runForMs: 1, stopMs: 9 } };
  const engine = fakeEngine({ clock, random: seededRandom(1), images, script: () => ({ exitCode: 2, runForMs: 2 }) });
  assert.deepEqual(engine.scriptOf(workOf(plainSpec({ env: { FAKE_EXIT_CODE: '3', OTHER: 'x' } }))), {
    exitCode: 3,
    runForMs: 2,
    stopMs: 9,
  });
});

test('a script of nonsense is refused, not passed over', async () => {
  const { runtime } = make();
  const nonsense: Record<string, string>[] = [
    { FAKE_RUN_FOR_MS: 'soon' },
    { FAKE_EXIT_CODE: '' },
    { FAKE_START_MS: '-1' },
    { FAKE_START_ERROR: 'no-such-code' },
  ];
  for (const env of nonsense) {
    await assert.rejects(runtime.prepare(workOf(plainSpec({ env })), quietly()), { code: 'bad-settings' }, JSON.stringify(env));
  }
});

test('scripted errors come as often as told', async () => {
  const { runtime, engine } = make({ pullError: 'image-unavailable', startError: 'port-taken', errorTimes: 2 });
  const work = workOf(plainSpec({}));
  for (let round = 0; round < 2; round++) await assert.rejects(runtime.prepare(work, quietly()), { code: 'image-unavailable' });
  const ref = await runtime.prepare(work, quietly());
  await runtime.start(ref, never());
  const other = make({ startError: 'port-taken' });
  const stuck = await other.runtime.prepare(work, quietly());
  for (let round = 0; round < 3; round++) await assert.rejects(other.runtime.start(stuck, never()), { code: 'port-taken' });
  assert.equal(engine.made(work.order.id, 1), 1);
});

test('the engine outlives runtimes, and what runs in it too', async () => {
  const { clock, engine, runtime } = make({ runForMs: 500 });
  const work = workOf(plainSpec({}));
  const ref = await started(runtime, work);
  await runtime.close();
  await assert.rejects(runtime.list(), { name: 'AbortError' });
  await clock.pass(400);
  const again = openFakeRuntime({ engine, owner });
  assert.deepEqual(await again.prepare(work, quietly()), ref);
  assert.equal((await again.list())[0]?.state, 'running');
  const exit = watched(again.wait(ref, never()));
  await clock.pass(100);
  assert.equal(exit.value?.exitCode, 0);
  assert.equal(engine.made(work.order.id, 1), 1);
  const stranger = openFakeRuntime({ engine, owner: { ...owner, nodeId: 'another' } });
  assert.deepEqual(await stranger.list(), []);
});

test('doubles are seen: a second container of an attempt, and two of a task that run at once', async () => {
  const { engine, runtime } = make();
  const work = workOf(plainSpec({}));
  const first = await started(runtime, work);
  assert.deepEqual(engine.doubles, []);
  await started(runtime, { ...work, attempt: 2 });
  assert.deepEqual(engine.doubles, [work.order.id]);
  assert.equal(engine.running(work.order.id).length, 2);
  await runtime.remove(first);
  await runtime.prepare(work, quietly());
  assert.equal(engine.made(work.order.id, 1), 2);
  assert.equal(engine.made(work.order.id, 2), 1);
});

test('an engine that hangs answers nothing until it does again, and an aborted call leaves', async () => {
  const { clock, engine, runtime } = make({ runForMs: 100 });
  const ref = await started(runtime, workOf(plainSpec({})));
  const exit = watched(runtime.wait(ref, never()));
  engine.hang();
  const list = watched(runtime.list());
  const abort = new AbortController();
  const prepare = runtime.prepare(workOf(plainSpec({})), { signal: abort.signal, onProgress: () => undefined });
  await clock.pass(200);
  assert.deepEqual([list.value, exit.value], [undefined, undefined]);
  abort.abort();
  await assert.rejects(prepare, { name: 'AbortError' });
  engine.unhang();
  await clock.pass(0);
  assert.equal(list.value?.[0]?.state, 'exited', 'what runs went on meanwhile');
  assert.equal(exit.value?.exitCode, 0);
  assert.equal(engine.containers.size, 1);
});

test('an engine that is down refuses, and a wait outlasts it', async () => {
  const { clock, engine, runtime } = make({ runForMs: 100 });
  const ref = await started(runtime, workOf(plainSpec({})));
  const exit = watched(runtime.wait(ref, never()));
  engine.down();
  await assert.rejects(runtime.list(), { code: 'no-engine' });
  await assert.rejects(runtime.facts(), { code: 'no-engine' });
  engine.up();
  await clock.pass(100);
  assert.equal(exit.value?.exitCode, 0);
});

test('a stop takes the time of the script, within its grace', async () => {
  const { clock, runtime } = make({ stopMs: 300, stopExitCode: 0 });
  const ref = await started(runtime, workOf(plainSpec({})));
  const stop = watched(runtime.stop(ref, { stopSignal: 'SIGTERM', graceMs: 1_000 }));
  await clock.pass(299);
  assert.equal(stop.value, undefined);
  await clock.pass(1);
  assert.deepEqual(stop.value, { exitCode: 0, finishedAt: 1_000_300 });
  const slow = await started(runtime, workOf(plainSpec({})));
  const killed = watched(runtime.stop(slow, { stopSignal: 'SIGTERM', graceMs: 200 }));
  await clock.pass(200);
  assert.equal(killed.value?.exitCode, 137);
  await clock.pass(1_000);
});

test('a reboot ends all that runs', async () => {
  const { engine, runtime } = make();
  const ref = await started(runtime, workOf(plainSpec({})));
  engine.reboot();
  assert.deepEqual(engine.running(), []);
  assert.match((await runtime.wait(ref, never())).reason ?? '', /host restarted/);
});

test('an aborted start leaves a container that never runs', async () => {
  const { clock, engine, runtime } = make({ startMs: 100 });
  const ref = await runtime.prepare(workOf(plainSpec({})), quietly());
  const abort = new AbortController();
  const start = watched(runtime.start(ref, abort.signal));
  await clock.pass(50);
  abort.abort();
  await clock.pass(1_000);
  assert.equal((start.error as Error).name, 'AbortError');
  assert.equal(engine.containers.get(ref.id)?.state, 'created');
});

test('a container removed while it is being started is said to be gone', async () => {
  const { clock, engine, runtime } = make({ startMs: 100 });
  const ref = await runtime.prepare(workOf(plainSpec({})), quietly());
  const start = watched(runtime.start(ref, never()));
  await clock.pass(50);
  engine.remove(ref.name);
  await clock.pass(50);
  assert.match(String(start.error), /gone/);
});

test('lines come at their times, and a follower gets them as they come', async () => {
  const { clock, runtime } = make({ lines: ['a', 'b', 'c'], lineEveryMs: 100, runForMs: 250 });
  const ref = await started(runtime, workOf(plainSpec({})));
  const follow = watched(read(runtime, ref, { follow: true }));
  const since = watched(read(runtime, ref, { follow: true, sinceMs: clock.now() }));
  await clock.pass(150);
  assert.deepEqual(linesOf(await read(runtime, ref)), ['a', 'b']);
  await clock.pass(100);
  assert.deepEqual(linesOf(follow.value ?? []), ['a', 'b', 'c']);
  assert.deepEqual(linesOf(since.value ?? []), ['b', 'c']);
  assert.deepEqual(
    follow.value?.map(({ at }) => at),
    [1_000_000, 1_000_100, 1_000_200],
  );
});

test('every call is in the log, with its time', async () => {
  const { clock, engine, runtime } = make();
  const work = workOf(plainSpec({}));
  const ref = await runtime.prepare(work, quietly());
  await clock.pass(5);
  await runtime.start(ref, never());
  await runtime.list();
  await runtime.remove(ref);
  assert.deepEqual(engine.calls, [
    { at: 1_000_000, verb: 'prepare', container: ref.name },
    { at: 1_000_005, verb: 'start', container: ref.id },
    { at: 1_000_005, verb: 'list' },
    { at: 1_000_005, verb: 'remove', container: ref.id },
  ]);
});
