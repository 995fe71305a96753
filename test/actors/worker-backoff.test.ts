/** What lies between two attempts: the delay, over crashes too, and the container of the attempt before. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { RestartSpec } from '../../src/core/job.ts';
import type { Order } from '../../src/core/task.ts';
import type { FakeScripts } from '../../src/runtime/fake-script.ts';
import { createWorkerBench, order, type WorkerBench } from './worker-bench.ts';

const slow: RestartSpec = { on: 'always', attempts: 5, withinMs: 600_000, delayMs: 2_000, backoff: 4, delayMsMax: 60_000 };
/** The first two attempts end after 100 ms. */
const endsTwice: FakeScripts = ({ attempt }) => (attempt <= 2 ? { runForMs: 100, exitCode: 1 } : {});

async function begun(scripts: FakeScripts, restart = slow): Promise<[WorkerBench, Order]> {
  const bench = createWorkerBench({ scripts });
  await bench.start();
  const one = order('a', 'any', {}, { restart });
  bench.welcome([one]);
  return [bench, one];
}

/** A manager that says nothing would be left for another. */
async function pass(bench: WorkerBench, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1_000) {
    bench.send({ type: 'beat' });
    await bench.pass(Math.min(left, 1_000));
  }
}

/** Passes time until the task is in that state of that attempt. */
async function until(bench: WorkerBench, state: string, attempt: number): Promise<void> {
  for (let waited = 0; bench.report('a')?.state !== state || bench.report('a')?.attempt !== attempt; waited += 100) {
    assert.ok(waited < 30_000, `it is ${bench.report('a')?.state}, attempt ${bench.report('a')?.attempt}`);
    await pass(bench, 100);
  }
}

/** The node dies, and is back after that time. */
async function away(bench: WorkerBench, one: Order, ms: number): Promise<void> {
  bench.host.kill();
  await bench.pass(ms);
  await bench.start();
  bench.welcome([one], { revision: 2 });
  await bench.pass(100);
}

function seen({ report }: WorkerBench): unknown {
  const { state, attempt, restarts } = report('a') ?? {};
  return [state, attempt, restarts];
}

function containersOf({ host }: WorkerBench, attempt: number): string[] {
  return [...host.engine.containers.values()].filter(({ work }) => work.attempt === attempt).map(({ ref }) => ref.id);
}

test('a container that somebody starts again while its task waits is ended before the next one starts', async () => {
  const [bench] = await begun(({ attempt }) => (attempt === 1 ? { runForMs: 100, exitCode: 1 } : {}));
  await until(bench, 'backingOff', 1);
  const { engine } = bench.host;
  engine.startAgain(containersOf(bench, 1)[0]!);
  await until(bench, 'running', 2);
  assert.deepEqual(engine.doubles, []);
  assert.deepEqual(
    engine.running('a').map(({ work }) => work.attempt),
    [2],
  );
  const [created, stopped] = ['prepare', 'stop'].map((verb) => engine.calls.findLast((call) => call.verb === verb)?.at);
  assert.equal(stopped, created, 'nothing waits for the other');
  await pass(bench, 2_000);
  assert.equal(engine.containers.size, 1);
});

test('an engine that does not answer when the last container is looked at uses no attempt up', async () => {
  const [bench] = await begun(({ attempt }) => (attempt === 1 ? { runForMs: 100, exitCode: 1 } : { prepareMs: 100 }));
  await until(bench, 'backingOff', 1);
  bench.host.engine.startAgain(containersOf(bench, 1)[0]!);
  bench.host.engine.down();
  await pass(bench, 10_000);
  assert.deepEqual(seen(bench), ['preparing', 2, 1]);
  bench.host.engine.up();
  await until(bench, 'running', 2);
  assert.deepEqual([bench.host.engine.doubles, bench.report('a')?.restarts], [[], 1]);
});

test('a node that starts again waits for what is left of the delay, and no less', async () => {
  const [bench, one] = await begun(endsTwice);
  await until(bench, 'backingOff', 2);
  // The second delay is 8 s, with a little jitter.
  await away(bench, one, 3_000);
  await pass(bench, 3_000);
  assert.deepEqual(seen(bench), ['backingOff', 2, 1]);
  await pass(bench, 3_000);
  assert.deepEqual(seen(bench), ['running', 3, 2]);
});

test('a delay that has passed while the node was down is not waited for again', async () => {
  const [bench, one] = await begun(endsTwice);
  await until(bench, 'backingOff', 2);
  await away(bench, one, 20_000);
  await pass(bench, 100);
  assert.deepEqual(seen(bench), ['running', 3, 2]);
});

test('a container that is removed by hand while its task waits shortens no delay, and the restart counts', async () => {
  const [bench, one] = await begun(endsTwice);
  await until(bench, 'backingOff', 2);
  for (const id of bench.host.engine.containers.keys()) bench.host.engine.remove(id);
  await away(bench, one, 1_000);
  await pass(bench, 4_000);
  assert.deepEqual(seen(bench), ['backingOff', 2, 1]);
  await pass(bench, 5_000);
  assert.deepEqual(seen(bench), ['running', 3, 2]);
});

test('an attempt that got no container is waited for as well, and the one before it is let go', async () => {
  const [bench, one] = await begun(({ attempt }) =>
    attempt === 1 ? { runForMs: 100, exitCode: 1 } : attempt === 2 ? { pullError: 'engine-error' } : {},
  );
  await until(bench, 'backingOff', 2);
  assert.deepEqual([containersOf(bench, 1).length, containersOf(bench, 2).length], [1, 0]);
  await away(bench, one, 1_000);
  await pass(bench, 4_000);
  assert.deepEqual(seen(bench), ['backingOff', 2, 1]);
  await pass(bench, 5_000);
  assert.deepEqual(seen(bench), ['running', 3, 2]);
  assert.equal(bench.host.engine.containers.size, 1);
});

test('a task that is told to stop while it waits is not waited for after a crash', async () => {
  const [bench, one] = await begun(endsTwice);
  await until(bench, 'backingOff', 2);
  for (const id of bench.host.engine.containers.keys()) bench.host.engine.remove(id);
  await away(bench, { ...one, desired: 'stopped' }, 500);
  await pass(bench, 500);
  assert.equal(bench.report('a')?.state, 'stopped');
});
