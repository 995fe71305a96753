import assert from 'node:assert/strict';
import test from 'node:test';
import { createWorkerBench, order } from './worker-bench.ts';

test('a worker runs what it is ordered and reports it', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.welcome([order('a', 'runs')]);
  await bench.pass(100);
  assert.equal(bench.report('a')?.state, 'running');
  assert.equal(bench.host.engine.running('a').length, 1);
});

test('a changed restart policy counts for the attempt that runs already', async () => {
  const bench = createWorkerBench();
  await bench.start();
  const first = order('a', 'runs');
  bench.welcome([first]);
  await bench.pass(100);
  const changed = { ...first, version: 2, spec: { ...first.spec, restart: { ...first.spec.restart, on: 'never' as const } } };
  bench.send({ type: 'delta', epoch: { generation: 1, revision: 1 }, base: 1, revision: 2, orders: [changed], forget: [] });
  await bench.pass(100);
  bench.host.engine.kill(bench.host.engine.running('a')[0]!.ref.id);
  await bench.pass(5_000);
  assert.equal(bench.report('a')?.state, 'failed');
});

test('the containers of ended tasks that are kept no more are removed', async () => {
  const bench = createWorkerBench({ limits: { workerFinalTasksMax: 2 } });
  await bench.start();
  const ids = ['a', 'b', 'c', 'd'];
  bench.welcome(ids.map((id) => order(id, 'completes:100', { jobType: 'batch' })));
  await bench.pass(1_000);
  bench.acknowledge();
  await bench.pass(100);
  bench.send({
    type: 'delta',
    epoch: { generation: 1, revision: 1 },
    base: 1,
    revision: 2,
    orders: [order('e', 'completes:100', { jobType: 'batch' })],
    forget: [],
  });
  await bench.pass(1_000);
  bench.acknowledge();
  await bench.pass(100);
  assert.equal(bench.report('e')?.state, 'completed');
  assert.equal(bench.host.role!.desk.book.entries.size, 2);
  assert.equal(bench.host.engine.containers.size, 2);
});

test('an end that the manager has not acknowledged is kept, however many there are', async () => {
  const bench = createWorkerBench({ limits: { workerFinalTasksMax: 2 } });
  await bench.start();
  const orders = ['a', 'b', 'c', 'd'].map((id) => order(id, 'completes:100', { jobType: 'batch' }));
  bench.welcome(orders);
  await bench.pass(1_000);
  // The acknowledgements were lost, and so was the link; the manager knows of no end.
  bench.world.network.drop('w1');
  await bench.pass(1_000);
  bench.welcome(orders, { revision: 2 });
  await bench.pass(2_000);
  for (const { id } of orders) assert.equal(bench.host.engine.made(id, 1), 1, `${id} ran once`);
});

test('a worker whose sequences fell behind those that the manager took goes on above them', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.welcome([order('a', 'runs')]);
  await bench.pass(100);
  bench.world.network.drop('w1');
  await bench.pass(1_000);
  bench.welcome([order('a', 'runs', { sequence: 5_000 })], { revision: 2 });
  await bench.pass(100);
  assert.equal(bench.report('a')?.sequence, 5_001);
  assert.equal(bench.report('a')?.state, 'running');
});

test('a worker that cannot take orders because of its disk greets anew, so that the manager sends all once more', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.world.writeFault = () => 'refused';
  for (let copy = 0; copy < 3; copy++) bench.welcome([order('a', 'runs')]);
  await bench.pass(500);
  assert.equal(bench.report('a'), undefined);
  bench.world.writeFault = () => undefined;
  await bench.pass(1_500);
  assert.equal(bench.heard.filter(({ type }) => type === 'greet').length, 2);
  bench.welcome([order('a', 'runs')]);
  await bench.pass(100);
  assert.equal(bench.report('a')?.state, 'running');
});

test('a crash before the next attempt has its container uses up no restart', async () => {
  const bench = createWorkerBench({ scripts: ({ attempt }) => (attempt === 1 ? { runForMs: 100, exitCode: 1 } : { prepareMs: 3_000 }) });
  await bench.start();
  const one = order(
    'a',
    'any',
    {},
    { restart: { on: 'failure', attempts: 2, withinMs: 600_000, delayMs: 100, backoff: 1, delayMsMax: 100 } },
  );
  bench.welcome([one]);
  await bench.pass(1_000);
  assert.equal(bench.report('a')?.state, 'preparing');
  for (let crash = 0; crash < 3; crash++) {
    bench.host.kill();
    await bench.start();
    bench.welcome([one], { revision: 2 + crash });
    await bench.pass(500);
    assert.deepEqual([bench.report('a')?.state, bench.report('a')?.attempt, bench.report('a')?.restarts], ['preparing', 2, 1]);
  }
  await bench.pass(5_000);
  assert.equal(bench.report('a')?.state, 'running');
  assert.equal(bench.host.engine.containers.size, 1);
});

test('a crash between two attempts leaves no container behind', async () => {
  const bench = createWorkerBench({ scripts: ({ attempt }) => (attempt === 1 ? { runForMs: 100, exitCode: 1 } : {}) });
  await bench.start();
  bench.welcome([order('a', 'any')]);
  // Dies with the second container made, and the first not yet removed.
  bench.world.diesAt = ({ where }) => where === 'before engine.remove';
  await bench.pass(3_000);
  assert.equal(bench.host.up, false);
  assert.equal(bench.host.engine.containers.size, 2);
  bench.world.diesAt = () => false;
  await bench.start();
  bench.welcome([order('a', 'any')], { revision: 2 });
  await bench.pass(1_000);
  assert.deepEqual([bench.report('a')?.state, bench.report('a')?.attempt], ['running', 2]);
  assert.equal(bench.host.engine.containers.size, 1);
});

test('a next attempt that cannot be made leaves no container behind', async () => {
  const bench = createWorkerBench({
    scripts: ({ attempt }) => (attempt === 1 ? { runForMs: 100, exitCode: 1 } : { pullError: 'engine-error' }),
  });
  await bench.start();
  bench.welcome([
    order('a', 'any', {}, { restart: { on: 'failure', attempts: 3, withinMs: 600_000, delayMs: 100, backoff: 1, delayMsMax: 100 } }),
  ]);
  await bench.pass(3_000);
  assert.equal(bench.report('a')?.state, 'failed');
  bench.acknowledge();
  bench.send({ type: 'delta', epoch: { generation: 1, revision: 1 }, base: 1, revision: 2, orders: [], forget: ['a'] });
  await bench.pass(100);
  assert.equal(bench.host.engine.containers.size, 0);
});

test('a container that cannot be removed now is removed when the engine answers again', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.welcome([order('a', 'completes:100', { jobType: 'batch' })]);
  await bench.pass(1_000);
  bench.acknowledge();
  bench.host.engine.down();
  bench.send({ type: 'delta', epoch: { generation: 1, revision: 1 }, base: 1, revision: 2, orders: [], forget: ['a'] });
  await bench.pass(5_000);
  assert.equal(bench.host.engine.containers.size, 1);
  bench.host.engine.up();
  await bench.pass(5_000);
  assert.equal(bench.host.engine.containers.size, 0);
});

test('many containers that start at once are no cause for a warning', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  try {
    const bench = createWorkerBench({ scripts: () => ({ startMs: 500 }) });
    await bench.start();
    bench.welcome(Array.from({ length: 30 }, (_, at) => order(`task-${at}`, 'any')));
    await bench.pass(2_000);
    assert.equal(bench.host.engine.running().length, 30);
  } finally {
    process.off('warning', note);
  }
  assert.deepEqual(warnings, []);
});

test('a container whose removal a crash cut short is removed when the manager forgets its task', async () => {
  const bench = createWorkerBench({ limits: { workerFinalTasksMax: 0 } });
  await bench.start();
  bench.welcome([order('a', 'completes:100', { jobType: 'batch' })]);
  await bench.pass(1_000);
  bench.host.engine.down();
  bench.acknowledge();
  await bench.pass(100);
  assert.equal(bench.host.role!.desk.book.entries.size, 0);
  bench.host.kill();
  bench.host.engine.up();
  await bench.start();
  const greeting = bench.heard.findLast((frame) => frame.type === 'greet');
  assert.deepEqual(greeting?.type === 'greet' && greeting.unknown, [{ id: 'a', running: false }]);
  bench.welcome([], { revision: 2 });
  bench.send({ type: 'delta', epoch: { generation: 1, revision: 1 }, base: 2, revision: 3, orders: [], forget: ['a'] });
  await bench.pass(100);
  assert.equal(bench.host.engine.containers.size, 0);
});

test('an end is on disk before it is told', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.welcome([order('a', 'completes:100', { jobType: 'batch' }), order('b', 'runs')]);
  await bench.pass(80);
  bench.world.writeMs = [1_000, 1_000];
  await bench.pass(900);
  assert.equal(bench.host.engine.running('a').length, 0);
  assert.equal(bench.report('a')?.state, 'running');
  // A link that comes meanwhile does not tell it either.
  bench.world.network.drop('w1');
  await bench.pass(150);
  assert.ok(bench.heard.at(-1)?.type === 'greet');
  assert.notEqual(bench.report('a')?.state, 'completed');
  bench.welcome([order('b', 'runs')], { revision: 2 });
  await bench.pass(2_000);
  assert.equal(bench.report('a')?.state, 'completed');
});

test('an end that cannot be written down is told all the same', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.welcome([order('a', 'completes:100', { jobType: 'batch' })]);
  await bench.pass(50);
  bench.world.writeFault = () => 'refused';
  await bench.pass(500);
  assert.equal(bench.report('a')?.state, 'completed');
});

test('a refusal is told to whoever started the worker, once, and the worker goes on trying', async () => {
  const bench = createWorkerBench();
  await bench.start();
  for (let again = 0; again < 3; again++) {
    const greetings = bench.heard.length;
    bench.send({ type: 'refused', code: 'conflict', message: 'there is a node "w1" already' });
    await bench.pass(bench.world.limits.refusedDelayMs + 100);
    assert.ok(bench.heard.length > greetings);
  }
  const told = bench.world.lines.filter(({ message }) => message.includes('there is a node "w1" already'));
  assert.equal(told.length, 1);
  bench.welcome([order('a', 'runs')]);
  await bench.pass(100);
  assert.equal(bench.report('a')?.state, 'running');
});

test('a task is not begun anew when its end is acknowledged while orders from before that wait to be taken', async () => {
  const bench = createWorkerBench({ limits: { workerFinalTasksMax: 0 } });
  await bench.start();
  const one = order('a', 'completes:100', { jobType: 'batch' });
  bench.welcome([one]);
  await bench.pass(1_000);
  assert.equal(bench.report('a')?.state, 'completed');
  // A new epoch must reach the disk before its orders are taken; the acknowledgement comes right behind them.
  bench.world.writeMs = [200, 200];
  bench.welcome([one], { epoch: { generation: 1, revision: 2 }, revision: 2 });
  bench.acknowledge();
  await bench.pass(2_000);
  assert.equal(bench.host.engine.made('a', 1), 1);
  assert.equal(bench.host.engine.running('a').length, 0);
  assert.equal(bench.report('a')?.state, 'completed');
});
