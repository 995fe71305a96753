import assert from 'node:assert/strict';
import test from 'node:test';
import { service } from '../sim/scripts.ts';
import { createManagerBench, report } from './manager-bench.ts';
import { createWorkerBench, order, type WorkerBench } from './worker-bench.ts';

/** A worker with a running task that ends only when it is killed, and may take a while to stop. */
async function withStubbornTask(stopGraceMs: number): Promise<WorkerBench> {
  const bench = createWorkerBench({ scripts: () => ({ ignoresSignals: true }) });
  await bench.start();
  bench.welcome([order('a', 'any', {}, { stopGraceMs, stopDelayMs: 1_000 })]);
  await bench.pass(100);
  return bench;
}

function announced(bench: WorkerBench): number | undefined {
  const bye = bench.heard.findLast((frame) => frame.type === 'bye');
  return bye?.type === 'bye' ? bye.backMs : undefined;
}

test('a worker that stops its tasks announces the time that takes, too', async () => {
  const bench = await withStubbornTask(90_000);
  const stopped = bench.host.stop(true);
  await bench.pass(100_000);
  await stopped;
  assert.equal(announced(bench), 60_000 + 91_000);
  assert.equal(bench.host.engine.running().length, 0);
});

test('a worker that leaves its tasks alone announces the time away alone', async () => {
  const bench = await withStubbornTask(90_000);
  const stopped = bench.host.stop();
  await bench.pass(10_000);
  await stopped;
  assert.equal(announced(bench), 60_000);
  assert.equal(bench.host.engine.running().length, 1);
});

test('a stopping worker looks at its tasks at its own pace, and no more once it has given up', async () => {
  const bench = await withStubbornTask(1_000);
  const { clock } = bench.host.process!.ambient;
  let looks = 0;
  const { setTimeout } = clock;
  clock.setTimeout = (run, ms) => {
    if (ms === bench.world.limits.drainPollMs) looks++;
    return setTimeout(run, ms);
  };
  bench.host.engine.hang();
  const stopping = bench.host.role!.stop(true);
  await bench.pass(10_000);
  await stopping;
  assert.ok(looks > 100 && looks <= 7_000 / 50 + 1, `${looks} looks`);
  const sofar = looks;
  await bench.pass(1_000);
  assert.equal(looks, sofar);
});

test('a node that announces a long stop is held for as long, but not without end', async () => {
  const bench = createManagerBench({ limits: { nodeAwayMsMax: 200_000 } });
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join());
  await bench.answer(bench.control.submit({ spec: service('shop'), origin: { kind: 'file' } }));
  await bench.pass(100);
  const [id] = worker.orders().keys();
  worker.send({ type: 'reports', reports: [report(id!, 1, 'running')] });
  await bench.pass(100);
  worker.send({ type: 'bye', backMs: 500_000 });
  await bench.pass(190_000);
  assert.equal(bench.host.mirror.tasks.get(id!)?.state, 'running');
  await bench.pass(15_000);
  assert.equal(bench.host.mirror.tasks.get(id!)?.state, 'unreachable');
});
