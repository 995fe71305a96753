/** What a worker does with orders: whose it takes, and what becomes of a task that is told to stop wherever it is. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Order } from '../../src/core/task.ts';
import { createWorkerBench, order, type WorkerBench } from './worker-bench.ts';

const first = { generation: 1, revision: 1 };
const second = { generation: 1, revision: 2 };
const fast = { on: 'failure' as const, attempts: 3, withinMs: 600_000, delayMs: 100, backoff: 1, delayMsMax: 100 };

function delta(bench: WorkerBench, base: number, orders: readonly Order[], forget: readonly string[] = []): void {
  bench.send({ type: 'delta', epoch: first, base, revision: base + 1, orders, forget });
}

/** A second in which the manager is heard. */
async function beat(bench: WorkerBench): Promise<void> {
  bench.send({ type: 'beat' });
  await bench.pass(1_000);
}

function stop(one: Order): Order {
  return { ...one, desired: 'stopped' };
}

test('orders of an older epoch are refused, full sets and deltas alike', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.welcome([order('new', 'runs')], { epoch: second, revision: 5 });
  await bench.pass(100);
  bench.welcome([order('old', 'runs'), stop(order('new', 'runs'))], { epoch: first, revision: 9 });
  delta(bench, 5, [order('older', 'runs')]);
  await bench.pass(1_000);
  assert.deepEqual(
    bench.host.engine.running().map(({ work }) => work.order.id),
    ['new'],
  );
  assert.equal(bench.world.lines.filter(({ message }) => /are refused: epoch 1\.2 was seen/.test(message)).length, 2);
});

test('an epoch that was seen is remembered over a crash', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.welcome([], { epoch: second, revision: 5 });
  await bench.pass(100);
  bench.host.kill();
  await bench.start();
  const greeting = bench.heard.at(-1);
  assert.ok(greeting?.type === 'greet');
  assert.deepEqual([greeting.epoch, greeting.revision], [second, 5]);
  bench.welcome([order('old', 'runs')], { epoch: first, revision: 9 });
  await bench.pass(1_000);
  assert.equal(bench.report('old'), undefined);
});

test('an epoch is on disk before it is obeyed', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.world.writeMs = [500, 500];
  bench.welcome([order('a', 'runs')], { epoch: second, revision: 5 });
  // The cluster is pinned first, then the epoch is seen: two writes.
  await bench.pass(900);
  assert.equal(bench.host.engine.containers.size, 0);
  await bench.pass(600);
  assert.equal(bench.host.engine.running('a').length, 1);
});

test('a delta on another base than what is had is answered with a request for all, and not obeyed', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.welcome([], { revision: 3 });
  delta(bench, 2, [order('a', 'runs')]);
  await bench.pass(100);
  assert.equal(bench.report('a'), undefined);
  assert.deepEqual(
    bench.heard.findLast(({ type }) => type === 'resync'),
    { type: 'resync', revision: 3 },
  );
  delta(bench, 3, [order('a', 'runs')]);
  await bench.pass(100);
  assert.equal(bench.report('a')?.state, 'running');
});

test('a task is never stopped only because a set lacks it', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.welcome([order('a', 'runs')], { revision: 5 });
  await bench.pass(100);
  bench.welcome([], { revision: 6 });
  await bench.pass(1_000);
  assert.equal(bench.host.engine.running('a').length, 1);
  bench.welcome([], { revision: 4 });
  await bench.pass(1_000);
  assert.equal(bench.host.engine.running('a').length, 1);
  assert.ok(bench.world.lines.some(({ message }) => /its store has lost acknowledged writes/.test(message)));
});

test('a task that the manager does not know is stopped on its word, and goes on if it says adopt', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.welcome([order('a', 'runs'), order('b', 'runs')], { revision: 5 });
  await bench.pass(100);
  bench.send({
    type: 'assignments',
    epoch: first,
    revision: 6,
    orders: [],
    verdicts: [
      { id: 'a', verdict: 'stop' },
      { id: 'b', verdict: 'adopt' },
    ],
  });
  await bench.pass(1_000);
  assert.equal(bench.report('a')?.state, 'stopped');
  assert.equal(bench.host.engine.running('b').length, 1);
});

test('a container that nobody knows is named in the greeting, and removed on the manager’s word only, after a grace', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.welcome([order('a', 'runs')]);
  await bench.pass(100);
  bench.host.kill();
  for (const key of bench.host.disk.keys()) if (key.startsWith('order:')) bench.host.disk.tamper(key, () => undefined);
  await bench.start();
  const greeting = bench.heard.at(-1);
  assert.deepEqual(greeting?.type === 'greet' && greeting.unknown, [{ id: 'a', running: true }]);
  await bench.pass(1_000);
  assert.equal(bench.host.engine.running('a').length, 1);
  bench.send({ type: 'assignments', epoch: first, revision: 6, orders: [], verdicts: [{ id: 'a', verdict: 'stop' }] });
  await bench.pass(1_000);
  assert.ok(bench.world.lines.some(({ level, message }) => level === 'warn' && /^nobody owns cube-job-a-.* removed in 30s$/.test(message)));
  for (let passed = 0; passed < 28_000; passed += 1_000) await beat(bench);
  assert.equal(bench.host.engine.running('a').length, 1);
  for (let passed = 0; passed < 4_000; passed += 1_000) await beat(bench);
  assert.equal(bench.host.engine.containers.size, 0);
});

/** Where a task may be when it is told to stop, and after how long it is there. */
const places = [
  ['it is looked for', 0, {}],
  ['its image is pulled', 300, { prepareMs: 1_000 }],
  ['it is being started', 300, { startMs: 1_000 }],
  ['it runs', 300, {}],
  ['it waits for its next attempt', 150, { runForMs: 100, exitCode: 1 }],
  ['it is already stopping', 300, { stopMs: 1_000 }],
] as const;

for (const [place, afterMs, script] of places) {
  test(`a task that is told to stop while ${place} stops, and nothing of it runs on`, async () => {
    const bench = createWorkerBench({ scripts: () => script });
    await bench.start();
    const one = order('a', 'any', {}, { restart: { ...fast, delayMs: 1_000, delayMsMax: 1_000 } });
    bench.welcome([one]);
    if (afterMs > 0) await bench.pass(afterMs);
    delta(bench, 1, [stop(one)]);
    if (place === 'it is already stopping') {
      await bench.pass(300);
      delta(bench, 2, [stop(one)]);
    }
    await bench.pass(10_000);
    assert.equal(bench.report('a')?.state, 'stopped');
    assert.equal(bench.host.engine.running('a').length, 0);
    assert.ok((bench.report('a')?.finishedAt ?? 0) > 0);
  });

  test(`a crash after a task was told to stop while ${place} forgets nothing`, async () => {
    const bench = createWorkerBench({ scripts: () => script });
    await bench.start();
    const one = order('a', 'any', {}, { restart: { ...fast, delayMs: 1_000, delayMsMax: 1_000 } });
    bench.welcome([one]);
    if (afterMs > 0) await bench.pass(afterMs);
    delta(bench, 1, [stop(one)]);
    await bench.pass(20);
    bench.host.kill();
    await bench.start();
    await bench.pass(10_000);
    assert.equal(bench.host.engine.running('a').length, 0);
    bench.welcome([stop(one)], { revision: 3 });
    await bench.pass(10_000);
    assert.equal(bench.report('a')?.state, 'stopped');
    assert.equal(bench.host.engine.running('a').length, 0);
  });
}

test('the stop delay is published as stopping before the signal is sent', async () => {
  const bench = createWorkerBench();
  await bench.start();
  const one = order('a', 'runs', {}, { stopDelayMs: 2_000 });
  bench.welcome([one]);
  await bench.pass(100);
  delta(bench, 1, [stop(one)]);
  await bench.pass(1_500);
  assert.equal(bench.report('a')?.state, 'stopping');
  assert.equal(bench.host.engine.running('a').length, 1);
  await bench.pass(1_000);
  assert.equal(bench.report('a')?.state, 'stopped');
});

test('a task that has ended is reported again when it is ordered once more, and not run', async () => {
  const bench = createWorkerBench();
  await bench.start();
  const one = order('a', 'completes:100', { jobType: 'batch' });
  bench.welcome([one]);
  await bench.pass(1_000);
  bench.acknowledge();
  await bench.pass(100);
  bench.heard.length = 0;
  delta(bench, 1, [one]);
  await bench.pass(1_000);
  assert.equal(bench.report('a')?.state, 'completed');
  assert.equal(bench.host.engine.made('a', 1), 1);
});

test('what only the user can mend rejects a task at once; what may pass is tried again', async () => {
  const cases = [
    ['image-not-found', 'rejected'],
    ['image-denied', 'rejected'],
    ['image-bad-name', 'rejected'],
    ['bad-settings', 'rejected'],
    ['engine-error', 'failed'],
  ] as const;
  for (const [pullError, state] of cases) {
    const bench = createWorkerBench({ scripts: () => ({ pullError }) });
    await bench.start();
    bench.welcome([order('a', 'any', {}, { restart: { ...fast, attempts: 2 } })]);
    await bench.pass(5_000);
    const report = bench.report('a')!;
    assert.deepEqual([report.state, report.reasonCode, report.attempt], [state, pullError, state === 'failed' ? 3 : 1]);
    assert.match(report.reason!, /the script says/);
  }
});

test('a port that is taken is waited for a little, then the task is rejected, with what takes it', async () => {
  const tried = createWorkerBench({ scripts: () => ({ startError: 'port-taken', errorTimes: 2 }) });
  const taken = createWorkerBench({ scripts: () => ({ startError: 'port-taken' }) });
  const once = createWorkerBench({ scripts: () => ({ startError: 'port-taken', errorTimes: 1 }), limits: { startTries: 1, pullTries: 9 } });
  for (const bench of [tried, taken, once]) {
    await bench.start();
    bench.welcome([order('a', 'any', {}, { ports: [{ host: 80, container: 80, protocol: 'tcp' }] })]);
    await bench.pass(10_000);
  }
  assert.equal(tried.report('a')?.state, 'running');
  assert.deepEqual([taken.report('a')?.state, taken.report('a')?.reasonCode], ['rejected', 'port-taken']);
  assert.equal(once.report('a')?.state, 'rejected');
  assert.equal(taken.host.engine.containers.size, 0);
});

test('an engine that does not answer is waited for, and uses no attempt up', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.host.engine.down('it is being upgraded');
  bench.welcome([order('a', 'runs')]);
  await bench.pass(30_000);
  assert.deepEqual([bench.report('a')?.state, bench.report('a')?.attempt], ['preparing', 1]);
  assert.match(bench.report('a')!.detail!, /it is being upgraded/);
  bench.host.engine.up();
  await bench.pass(2_000);
  assert.deepEqual([bench.report('a')?.state, bench.report('a')?.attempt], ['running', 1]);
});

test('a worker whose engine does not answer when it starts says so, and comes up when it does', async () => {
  const bench = createWorkerBench();
  bench.host.engine.down();
  await Promise.all([assert.rejects(bench.host.start(), /no engine answers/), bench.pass(100)]);
  bench.host.engine.up();
  await bench.start();
  assert.equal(bench.heard.at(-1)?.type, 'greet');
});

test('a worker that leaves says goodbye, and tells all ends before it goes when its tasks stop with it', async () => {
  const bench = createWorkerBench({ scripts: () => ({ stopMs: 300 }) });
  await bench.start();
  bench.welcome([order('a', 'any'), order('b', 'any')]);
  await bench.pass(100);
  const stopped = bench.host.stop(true);
  for (let waited = 0; bench.host.up && waited < 5_000; waited += 50) {
    await bench.pass(50);
    bench.acknowledge();
  }
  await stopped;
  assert.ok(bench.heard.some(({ type }) => type === 'bye'));
  assert.deepEqual(
    ['a', 'b'].map((id) => bench.report(id)?.state),
    ['stopped', 'stopped'],
  );
});

test('a worker that leaves is held up by a manager that does not answer for a bounded time only', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.welcome([order('a', 'runs')]);
  await bench.pass(2);
  let gone = false;
  void bench.host.stop().then(() => (gone = true));
  await bench.pass(bench.world.limits.shutdownMs + 100);
  assert.ok(gone);
  assert.equal(bench.host.engine.running('a').length, 1, 'what runs goes on');
});
