/** What the manager makes of its tasks' health. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { HealthSpec, TaskSpec } from '../../src/core/job.ts';
import { jobOf } from '../core/records.ts';
import { createManagerBench, report, type ManagerBench, type ScriptedWorker } from './manager-bench.ts';

const check: HealthSpec = { probe: { kind: 'tcp', port: 80 }, intervalMs: 1_000, timeoutMs: 500, retries: 3, startPeriodMs: 0 };

async function submitted(spec: Partial<TaskSpec>, greeting: object = {}): Promise<[ManagerBench, ScriptedWorker]> {
  const bench = createManagerBench();
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join(greeting));
  await submit(bench, spec);
  return [bench, worker];
}

async function submit(bench: ManagerBench, spec: Partial<TaskSpec>): Promise<void> {
  await bench.answer(bench.control.submit({ spec: jobOf('service', 1, {}, spec).spec, origin: { kind: 'file' } }));
  await bench.pass(200);
}

async function jobIn({ control, answer }: ManagerBench): Promise<string> {
  const { jobs } = await answer(control.status({}));
  const { status, counts } = jobs[0]!;
  return `${status}: ${counts.running} running, ${counts.healthy} healthy`;
}

async function say(bench: ManagerBench, worker: ScriptedWorker, ...reports: ReturnType<typeof report>[]): Promise<void> {
  worker.send({ type: 'reports', reports });
  await bench.pass(200);
}

test('a job with a check runs only when its check has said so, and is degraded while it says no', async () => {
  const [bench, worker] = await submitted({ health: check });
  const [id] = worker.orders().keys();
  await say(bench, worker, report(id!, 1, 'running', { hasCheck: true, digest: 'busybox@sha256:abc' }));
  assert.equal(await jobIn(bench), 'deploying: 1 running, 0 healthy');
  await say(bench, worker, report(id!, 2, 'running', { hasCheck: true, health: 'healthy', digest: 'busybox@sha256:abc' }));
  assert.equal(await jobIn(bench), 'running: 1 running, 1 healthy');
  const { tasks } = await bench.answer(bench.control.status({}));
  assert.deepEqual([tasks[0]?.health, tasks[0]?.hasCheck, tasks[0]?.digest], ['healthy', true, 'busybox@sha256:abc']);
  await say(bench, worker, report(id!, 3, 'running', { hasCheck: true, health: 'unhealthy', reason: 'health check failed 3 times: x' }));
  assert.equal(await jobIn(bench), 'degraded: 1 running, 0 healthy');
  const { jobs } = await bench.answer(bench.control.status({}));
  assert.match(jobs[0]!.reason ?? '', /shop\/web\.1 is unhealthy: health check failed 3 times: x/);
});

test("an image's own check counts as one, though the job names none", async () => {
  const [bench, worker] = await submitted({});
  const [id] = worker.orders().keys();
  await say(bench, worker, report(id!, 1, 'running', { hasCheck: true }));
  assert.equal(await jobIn(bench), 'deploying: 1 running, 0 healthy');
  await say(bench, worker, report(id!, 2, 'running', { hasCheck: false }));
  assert.equal(await jobIn(bench), 'running: 1 running, 1 healthy');
});

test('a slot that failed for its health is placed again, and remembers where', async () => {
  const [bench, worker] = await submitted({ health: check });
  const [id] = worker.orders().keys();
  await say(bench, worker, report(id!, 1, 'failed', { reason: 'health check failed 3 times: x (exit code 143, after 3 restarts)' }));
  await bench.pass(3_000);
  const { tasks } = await bench.answer(bench.control.status({}));
  const again = tasks.find((task) => task.id !== id)!;
  assert.deepEqual([again.failures, again.avoid, again.nodeName], [1, [worker.id], 'w1'], 'there is no other node');
  assert.deepEqual([worker.orders().get(id!)?.failures, worker.orders().get(again.id)?.failures], [undefined, 1], 'its worker is told');
});

test('a worker of the first protocol is told a stop signal, which it insists on', async () => {
  for (const [protocolMax, stopSignal] of [
    [1, 'SIGTERM'],
    [2, undefined],
  ] as const) {
    const [bench, worker] = await submitted({ stopSignal: undefined }, { protocolMax });
    assert.deepEqual(
      [...worker.orders().values()].map(({ spec }) => spec.stopSignal),
      [stopSignal],
    );
    await submit(bench, { stopSignal: undefined, image: 'other' });
    await bench.pass(1_000);
    for (const { spec } of worker.orders().values()) assert.equal(spec.stopSignal, stopSignal);
  }
});

test('a check that the job names is known before the task runs, and reports on the way there do not take it back', async () => {
  const [bench, worker] = await submitted({ health: check });
  const [id] = worker.orders().keys();
  const hasCheck = async (): Promise<boolean | undefined> => (await bench.answer(bench.control.status({}))).tasks[0]?.hasCheck;
  assert.equal(await hasCheck(), true);
  await say(bench, worker, report(id!, 1, 'preparing'));
  assert.equal(await hasCheck(), true);
  await submit(bench, { health: 'none' });
  assert.notEqual(await hasCheck(), true, 'new terms before it ran');
  await submit(bench, { health: check });
  await say(bench, worker, report(id!, 2, 'running', { hasCheck: true }), report(id!, 3, 'backingOff', { reason: 'exit code 1' }));
  assert.equal(await hasCheck(), true);
  const [plain] = await submitted({});
  assert.notEqual((await plain.answer(plain.control.status({}))).tasks[0]?.hasCheck, true);
});

test('events say what became of the health, and what is told twice is one event', async () => {
  const [bench, worker] = await submitted({ health: check });
  const [id] = worker.orders().keys();
  const well = { hasCheck: true, attempt: 2, restarts: 1, lastEnd: 'exit code 1' };
  await say(bench, worker, report(id!, 1, 'running', well));
  await say(bench, worker, report(id!, 2, 'running', { ...well, health: 'healthy' }));
  await say(bench, worker, report(id!, 3, 'running', { ...well, health: 'unhealthy', reason: 'health check failed 3 times: x' }));
  await say(bench, worker, report(id!, 4, 'running', well));
  await say(bench, worker, report(id!, 5, 'running', well));
  const told: string[] = [];
  for (const { id: of, from, to, cause } of bench.host.mirror.events) if (of === id) told.push(`${from} -> ${to}: ${cause}`);
  assert.deepEqual(told.slice(2), [
    'scheduled -> running: its container runs (attempt 2, after exit code 1)',
    'running -> running.healthy: its health check passed',
    'running.healthy -> running.unhealthy: health check failed 3 times: x',
    'running.unhealthy -> running: its health is not known yet',
  ]);
});
