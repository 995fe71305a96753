/** What becomes of a task whose attempt could not be run: some errors reject it, some fail it, and some pass. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { PortSpec } from '../../src/core/job.ts';
import type { Order } from '../../src/core/task.ts';
import type { FakeScript, FakeScripts } from '../../src/runtime/fake-script.ts';
import { createWorkerBench, order, type WorkerBench } from './worker-bench.ts';

const restart = { on: 'failure' as const, attempts: 2, withinMs: 600_000, delayMs: 100, backoff: 1, delayMsMax: 100 };
const written: PortSpec = { host: 80, container: 80, protocol: 'tcp' };
const chosen: PortSpec = { container: 81, protocol: 'tcp' };

/** A worker after half a minute with one task. */
async function withTask(scripts: FakeScripts, changes: Partial<Order> = {}, ports: readonly PortSpec[] = []): Promise<WorkerBench> {
  const bench = createWorkerBench({ scripts });
  await bench.start();
  bench.welcome([order('a', 'any', changes, { restart, ports })]);
  await bench.pass(30_000);
  return bench;
}

/** The first attempt runs for a second; the later ones go so. */
function after(script: FakeScript): FakeScripts {
  return ({ attempt }) => (attempt === 1 ? { runForMs: 1_000, exitCode: 1 } : script);
}

function endOf(bench: WorkerBench): [state?: string, reasonCode?: string, attempt?: number] {
  const { state, reasonCode, attempt } = bench.report('a')!;
  const left = [...bench.host.engine.containers.values()].filter((container) => container.state !== 'exited');
  assert.equal(left.length, state === 'running' ? 1 : 0, 'what was half-made is gone');
  return [state, reasonCode, attempt];
}

test('a registry that cannot be reached rejects what never ran', async () => {
  const bench = await withTask(() => ({ pullError: 'image-unavailable' }));
  assert.deepEqual(endOf(bench), ['rejected', 'image-unavailable', 1]);
});

test('a registry that cannot be reached costs what has run an attempt, and no more', async () => {
  const bench = await withTask(after({ pullError: 'image-unavailable', errorTimes: 1 }));
  assert.deepEqual(endOf(bench), ['running', undefined, 3]);
});

test('a registry that cannot be reached for long fails what has run: its slot is placed again', async () => {
  const bench = await withTask(after({ pullError: 'image-unavailable' }));
  assert.deepEqual(endOf(bench), ['failed', 'image-unavailable', 3]);
});

test('the record that is placed for one that failed is not rejected by the same trouble', async () => {
  const again = await withTask(() => ({ pullError: 'image-unavailable' }), { failures: 1 });
  assert.deepEqual(endOf(again), ['failed', 'image-unavailable', 3]);
  const elsewhere = await withTask(() => ({ startError: 'port-taken' }), { failures: 1 }, [written]);
  assert.deepEqual(endOf(elsewhere), ['failed', 'port-taken', 3]);
});

test('an image that is gone for good rejects what has run, too', async () => {
  for (const pullError of ['image-not-found', 'image-denied', 'image-bad-name', 'bad-settings'] as const) {
    assert.deepEqual(endOf(await withTask(after({ pullError }), { failures: 3 })), ['rejected', pullError, 2]);
  }
  assert.deepEqual(endOf(await withTask(after({ startError: 'bad-command' }))), ['rejected', 'bad-command', 2]);
});

test('a port that the job names and somebody has rejects what never ran, and costs what has run an attempt', async () => {
  assert.deepEqual(endOf(await withTask(() => ({ startError: 'port-taken' }), {}, [written])), ['rejected', 'port-taken', 1]);
  assert.deepEqual(endOf(await withTask(after({ startError: 'port-taken', errorTimes: 3 }), {}, [written])), ['running', undefined, 3]);
});

test('a port that Cube chose and somebody has fails a service at once: it is placed again with another port', async () => {
  for (const ports of [[chosen], [written, chosen]]) {
    assert.deepEqual(endOf(await withTask(() => ({ startError: 'port-taken' }), {}, ports)), ['failed', 'port-taken', 1]);
  }
  assert.deepEqual(endOf(await withTask(after({ startError: 'port-taken' }), {}, [chosen])), ['failed', 'port-taken', 2]);
});

test('a port that Cube chose costs a batch task an attempt, for it is never placed again', async () => {
  const passing = await withTask(() => ({ startError: 'port-taken', errorTimes: 3 }), { jobType: 'batch' }, [chosen]);
  assert.deepEqual(endOf(passing), ['running', undefined, 2]);
  const stuck = await withTask(() => ({ startError: 'port-taken' }), { jobType: 'batch' }, [chosen]);
  assert.deepEqual(endOf(stuck), ['failed', 'port-taken', 3]);
});
