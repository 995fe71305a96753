/** How a worker follows the health of its containers, and what it does about it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { HealthSpec, RestartSpec, TaskSpec } from '../../src/core/job.ts';
import type { Order, TaskReport } from '../../src/core/task.ts';
import type { FakeScripts } from '../../src/runtime/fake-script.ts';
import { createWorkerBench, order, type WorkerBench } from './worker-bench.ts';

const check: HealthSpec = { probe: { kind: 'tcp', port: 80 }, intervalMs: 1_000, timeoutMs: 500, retries: 3, startPeriodMs: 0 };
const quick: RestartSpec = { on: 'always', attempts: 3, withinMs: 600_000, delayMs: 100, backoff: 1, delayMsMax: 100 };

/** A manager that says nothing would be left for another. */
async function passWithBeats(bench: WorkerBench, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1_000) {
    bench.send({ type: 'beat' });
    await bench.pass(Math.min(left, 1_000));
  }
}

async function begun(scripts: FakeScripts, spec: Partial<TaskSpec> = {}, changes: Partial<Order> = {}): Promise<[WorkerBench, Order]> {
  const made = createWorkerBench({ scripts });
  const bench: WorkerBench = { ...made, pass: (ms) => passWithBeats(made, ms) };
  await bench.start();
  const one = order('a', 'any', changes, { restart: quick, health: check, ...spec });
  bench.welcome([one]);
  return [bench, one];
}

function seen({ report }: WorkerBench): unknown {
  const { state, health, attempt } = report('a') ?? {};
  return [state, health, attempt];
}

/** Every word on the task so far, oldest first, without what only repeats the state. */
function course({ heard }: WorkerBench): string[] {
  const reports = heard.flatMap((frame) => (frame.type === 'reports' ? frame.reports : []));
  const words = reports.map(({ state, health }: TaskReport) => (state === 'running' ? `${state}.${health}` : state));
  return words.filter((word, index) => word !== words[index - 1]);
}

let revisions = 100;

/** Sends a changed order. */
function change(bench: WorkerBench, one: Order, spec: Partial<TaskSpec>): Order {
  const base = bench.host.role!.desk.book.seen.revision;
  const next: Order = { ...one, version: one.version + 1, spec: { ...one.spec, ...spec } };
  bench.send({ type: 'delta', epoch: { generation: 1, revision: 1 }, base, revision: ++revisions, orders: [next], forget: [] });
  return next;
}

test('a task without a check is of unknown health, and says so', async () => {
  const [bench] = await begun(() => ({}), { health: undefined });
  await bench.pass(10_000);
  assert.deepEqual(seen(bench), ['running', 'unknown', 1]);
  assert.equal(bench.report('a')?.hasCheck, false);
});

test('a task that is up after 300 ms is healthy before half a second has passed', async () => {
  const [bench] = await begun(() => ({ wellFromMs: 300 }));
  await bench.pass(100);
  assert.deepEqual([seen(bench), bench.report('a')?.hasCheck], [['running', 'unknown', 1], true]);
  await bench.pass(450);
  assert.deepEqual(seen(bench), ['running', 'healthy', 1]);
});

test('until it is healthy the last look is shown, and then no more', async () => {
  const [bench] = await begun(() => ({ wellFromMs: 2_000 }));
  await bench.pass(1_000);
  assert.equal(bench.report('a')?.detail, 'health check: port 80 failed, as the script says');
  await bench.pass(3_000);
  assert.deepEqual([seen(bench), bench.report('a')?.detail], [['running', 'healthy', 1], undefined]);
});

test('a task that turns unhealthy is stopped and started again, and its reason names the check', async () => {
  const [bench] = await begun(({ attempt }) => (attempt === 1 ? { wellUntilMs: 1_500, stopExitCode: 0, stopMs: 300 } : {}), {
    restart: { ...quick, delayMs: 1_000, delayMsMax: 1_000 },
  });
  await bench.pass(1_000);
  assert.deepEqual(seen(bench), ['running', 'healthy', 1]);
  await bench.pass(3_150);
  assert.deepEqual(seen(bench), ['running', 'unhealthy', 1]);
  assert.equal(bench.report('a')?.reason, 'health check failed 3 times: port 80 failed, as the script says');
  await bench.pass(400);
  assert.match(bench.report('a')?.reason ?? '', /^health check failed 3 times: .*; restart 1 of 3 in \d+ ms$/);
  await bench.pass(5_000);
  assert.deepEqual([seen(bench), bench.report('a')?.restarts, bench.report('a')?.reason], [['running', 'healthy', 2], 1, undefined]);
  assert.deepEqual(course(bench), [
    'running.unknown',
    'running.healthy',
    'running.unhealthy',
    'backingOff',
    'running.unknown',
    'running.healthy',
  ]);
  assert.equal(bench.host.engine.running('a').length, 1);
});

test('ended for its health with exit code 0, a batch task has not completed', async () => {
  const [bench] = await begun(
    ({ attempt }) => (attempt === 1 ? { wellUntilMs: 0, stopExitCode: 0 } : { runForMs: 3_000 }),
    {},
    { jobType: 'batch' },
  );
  await bench.pass(6_000);
  assert.deepEqual([bench.report('a')?.attempt, bench.report('a')?.restarts], [2, 1]);
  await bench.pass(5_000);
  assert.equal(bench.report('a')?.state, 'completed');
});

test('a task that stays unhealthy uses up its attempts and fails', async () => {
  const [bench] = await begun(() => ({ wellUntilMs: 0, stopExitCode: 0 }), { restart: { ...quick, attempts: 2 } });
  await bench.pass(20_000);
  assert.equal(bench.report('a')?.state, 'failed');
  assert.match(bench.report('a')?.reason ?? '', /^health check failed 3 times: .*; exit code 0, after 2 restarts$/);
  assert.equal(bench.host.engine.made('a', 3), 1);
  assert.equal(bench.host.engine.made('a', 4), 0);
});

test('under the policy never an unhealthy task runs on, and may get well', async () => {
  const [bench, one] = await begun(() => ({ probes: [true, false, false, false, false, true, false] }), {
    restart: { ...quick, on: 'never' },
  });
  await bench.pass(4_500);
  assert.deepEqual(seen(bench), ['running', 'unhealthy', 1]);
  await bench.pass(1_500);
  assert.deepEqual([seen(bench), bench.report('a')?.reason], [['running', 'healthy', 1], undefined]);
  await bench.pass(3_500);
  assert.deepEqual(seen(bench), ['running', 'unhealthy', 1]);
  change(bench, one, { restart: quick });
  await bench.pass(3_500);
  assert.equal(bench.report('a')?.attempt, 2, 'another policy takes effect with the next failed look');
});

test('a task is stopped by order while it is being ended for its health: it stops, and is not started again', async () => {
  const [bench, one] = await begun(() => ({ wellUntilMs: 0, ignoresSignals: true }), { stopGraceMs: 5_000 });
  await bench.pass(3_500);
  assert.deepEqual(seen(bench), ['running', 'unhealthy', 1]);
  const stopped: Order = { ...one, desired: 'stopped' };
  bench.send({ type: 'delta', epoch: { generation: 1, revision: 1 }, base: 1, revision: ++revisions, orders: [stopped], forget: [] });
  await bench.pass(20_000);
  assert.deepEqual([bench.report('a')?.state, bench.report('a')?.attempt], ['stopped', 1]);
  assert.equal(bench.host.engine.running('a').length, 0);
});

test('a container that ends by itself while it is unhealthy is accounted once', async () => {
  const [bench] = await begun(({ attempt }) =>
    attempt === 1 ? { wellUntilMs: 0, runForMs: 3_050, exitCode: 9, ignoresSignals: true } : {},
  );
  await bench.pass(8_000);
  assert.deepEqual([seen(bench), bench.report('a')?.restarts], [['running', 'healthy', 2], 1]);
});

test('other terms take effect in the container that runs', async () => {
  const [bench, one] = await begun(() => ({}), { health: 'none' });
  await bench.pass(2_000);
  assert.deepEqual([seen(bench), bench.report('a')?.hasCheck], [['running', 'unknown', 1], false]);
  const checked = change(bench, one, { health: { ...check, intervalMs: 3_600_000 } });
  await bench.pass(300);
  assert.deepEqual([seen(bench), bench.report('a')?.hasCheck], [['running', 'healthy', 1], true]);
  change(bench, checked, { health: 'none' });
  await bench.pass(300);
  assert.deepEqual([seen(bench), bench.report('a')?.hasCheck], [['running', 'unknown', 1], false]);
  assert.equal(bench.host.engine.made('a', 1), 1);
  assert.equal(bench.host.engine.running('a').length, 1);
});

test('a shorter interval is not waited for as long as the one before', async () => {
  const [bench, one] = await begun(() => ({ wellUntilMs: 5_000 }), { health: { ...check, intervalMs: 3_600_000 } });
  await bench.pass(6_000);
  assert.deepEqual(seen(bench), ['running', 'healthy', 1]);
  change(bench, one, { health: { ...check, retries: 2 }, restart: { ...quick, on: 'never' } });
  await bench.pass(2_500);
  assert.deepEqual(seen(bench), ['running', 'unhealthy', 1]);
});

test('an order that changes nothing of the check forgets no failed look', async () => {
  const [bench, one] = await begun(() => ({ wellUntilMs: 500 }), { restart: { ...quick, on: 'never' } });
  await bench.pass(2_800);
  let last = one;
  for (let round = 0; round < 5; round++) {
    last = change(bench, last, { stopGraceMs: 1_000 + round });
    await bench.pass(200);
  }
  assert.deepEqual(seen(bench), ['running', 'unhealthy', 1]);
});

test('an image that looks after itself is believed', async () => {
  const [bench] = await begun(
    ({ attempt }) => ({
      stopMs: 200,
      check: [{ afterMs: 500, health: 'healthy' }, ...(attempt === 1 ? [{ afterMs: 2_000, health: 'unhealthy' as const }] : [])],
    }),
    { health: undefined },
  );
  await bench.pass(300);
  assert.deepEqual([seen(bench), bench.report('a')?.hasCheck], [['running', 'unknown', 1], true]);
  await bench.pass(500);
  assert.deepEqual(seen(bench), ['running', 'healthy', 1]);
  await bench.pass(3_000);
  assert.deepEqual(seen(bench), ['running', 'healthy', 2]);
  assert.ok(course(bench).includes('running.unhealthy'));
});

test('a check of the task stands in for that of its image, and none switches both off', async () => {
  const unhealthy: FakeScripts = () => ({ check: [{ afterMs: 100, health: 'unhealthy' }] });
  const [own] = await begun(unhealthy);
  await own.pass(5_000);
  assert.deepEqual(seen(own), ['running', 'healthy', 1]);
  const [none] = await begun(unhealthy, { health: 'none' });
  await none.pass(5_000);
  assert.deepEqual([seen(none), none.report('a')?.hasCheck], [['running', 'unknown', 1], false]);
});

test('an engine that is away says nothing of health: the last word stands, and looks go on when it is back', async () => {
  const [bench] = await begun(() => ({ wellUntilMs: 20_000 }));
  await bench.pass(1_000);
  bench.host.engine.down();
  await bench.pass(10_000);
  assert.deepEqual(seen(bench), ['running', 'healthy', 1]);
  bench.host.engine.up();
  await bench.pass(5_000);
  assert.deepEqual(seen(bench), ['running', 'healthy', 1]);
  await bench.pass(12_000);
  assert.equal(bench.report('a')?.attempt, 2);
});

test('a healthy task stays so over a crash of its node, and one that has got ill meanwhile is found out', async () => {
  const [bench, one] = await begun(() => ({ wellUntilMs: 10_000 }), { restart: { ...quick, on: 'never' } });
  await bench.pass(1_000);
  bench.host.kill();
  await bench.start();
  bench.welcome([one], { revision: 2 });
  await bench.pass(50);
  assert.deepEqual([seen(bench), bench.report('a')?.hasCheck], [['running', 'healthy', 1], true]);
  assert.ok(!course(bench).slice(course(bench).indexOf('running.healthy')).includes('running.unknown'));
  bench.host.kill();
  await bench.pass(10_000);
  await bench.start();
  bench.welcome([one], { revision: 3 });
  await bench.pass(500);
  assert.deepEqual(seen(bench), ['running', 'healthy', 1], 'one look makes nobody unhealthy');
  await bench.pass(3_500);
  assert.deepEqual(seen(bench), ['running', 'unhealthy', 1]);
});

test('a crash while a task is being ended for its health changes nothing: it is ended, and counts as failed', async () => {
  const [bench, one] = await begun(({ attempt }) => (attempt === 1 ? { wellUntilMs: 0, stopExitCode: 0, stopMs: 1_000 } : {}), {
    restart: { ...quick, on: 'failure' },
  });
  await bench.pass(3_500);
  assert.deepEqual(seen(bench), ['running', 'unhealthy', 1]);
  bench.host.kill();
  await bench.pass(2_000);
  await bench.start();
  bench.welcome([one], { revision: 2 });
  await bench.pass(3_000);
  assert.deepEqual([seen(bench), bench.report('a')?.restarts], [['running', 'healthy', 2], 1]);
});

test('health is that of the container that runs: the next attempt begins anew', async () => {
  const [bench] = await begun(({ attempt }) => (attempt === 1 ? { runForMs: 1_000, exitCode: 1 } : { wellFromMs: 60_000 }), {
    health: { ...check, startPeriodMs: 30_000 },
  });
  await bench.pass(5_000);
  assert.deepEqual(seen(bench), ['running', 'unknown', 2]);
});

test('a task without a delay runs again as soon as its container is killed, and the old one is removed after that', async () => {
  const [bench] = await begun(() => ({}), { health: undefined, restart: { ...quick, delayMs: 0, delayMsMax: 0 } });
  await bench.pass(100);
  const [first] = bench.host.engine.running('a');
  bench.host.engine.kill(first!.ref.id);
  await bench.pass(10);
  assert.deepEqual([seen(bench), bench.host.engine.running('a').length], [['running', 'unknown', 2], 1]);
  await bench.pass(1_000);
  assert.equal(bench.host.engine.containers.size, 1);
});

test('a policy without attempts fails at once', async () => {
  const [bench] = await begun(() => ({ runForMs: 100, exitCode: 4 }), { restart: { ...quick, attempts: 0 } });
  await bench.pass(500);
  assert.deepEqual([bench.report('a')?.state, bench.report('a')?.reason], ['failed', 'exit code 4, after 0 restarts']);
});
