/** An engine that is away: its worker says so once, its manager places nothing there, and what ran is left as it was. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { EngineWatch } from '../../actors/worker/engine-watch.ts';
import { problem } from '../../src/core/errors.ts';
import { limitsWith } from '../../src/core/limits.ts';
import { nodeJson } from '../../src/core/views.ts';
import { createSimClock, type SimClock } from '../sim/clock.ts';
import { service } from '../sim/scripts.ts';
import { createManagerBench, report } from './manager-bench.ts';
import { createWorkerBench, order } from './worker-bench.ts';

/** A watch over an engine whose answers a test writes. */
function watched(ping: () => Promise<void>): { watch: EngineWatch; clock: SimClock; said: string[] } {
  const clock = createSimClock();
  const said: string[] = [];
  const say = (message: string): void => void said.push(message);
  const log = { debug: say, info: say, warn: say, error: say };
  const limits = limitsWith({ engineLookMs: 2_000, engineAnswerMs: 5_000 });
  return { watch: new EngineWatch({ ambient: { clock, log }, limits, runtime: { ping } }), clock, said };
}

test('the loss of an engine and its return are said once each', async () => {
  let answers = true;
  const { watch, clock, said } = watched(async () => {
    if (!answers) throw problem('no-engine', 'nothing listens there');
  });
  watch.start();
  watch.start();
  await clock.pass(10_000);
  assert.deepEqual([watch.said, said], [{}, []]);
  answers = false;
  await clock.pass(30_000);
  assert.match(watch.said.engineAway ?? '', /^its engine is away since \d{4}-\d\d-\d\dT[\d:.]+Z: nothing listens there$/);
  assert.equal(said.length, 1);
  assert.match(said[0]!, /^the engine is away: nothing listens there;/);
  answers = true;
  await clock.pass(4_000);
  assert.deepEqual(watch.said, {});
  assert.equal(said.length, 2);
  assert.match(said[1]!, /^the engine answers again, after \d+s$/);
  watch.end();
  answers = false;
  await clock.pass(30_000);
  assert.deepEqual([watch.said, said.length], [{}, 2]);
});

test('an engine that hangs is missed in time, asked no more until it answers, and found then', async () => {
  let asked = 0;
  let answer = (): void => undefined;
  const { watch, clock, said } = watched(() => {
    asked++;
    return new Promise((resolve) => (answer = resolve));
  });
  watch.start();
  await clock.pass(6_900);
  assert.deepEqual(watch.said, {});
  await clock.pass(60_000);
  assert.match(watch.said.engineAway ?? '', /no answer for 5s$/);
  assert.equal(asked, 1);
  answer();
  await clock.pass(1);
  assert.deepEqual([watch.said, said.length], [{}, 2]);
  watch.end();
});

test('one connection that breaks is no loss', async () => {
  let asked = 0;
  const { watch, clock, said } = watched(async () => {
    if (++asked % 2 === 1) throw problem('no-engine', 'broke off');
  });
  watch.start();
  await clock.pass(20_000);
  assert.ok(asked > 4);
  assert.deepEqual([watch.said, said], [{}, []]);
  watch.end();
});

test('a worker tells its manager in each beat, and when it greets', async () => {
  const bench = createWorkerBench();
  await bench.start();
  bench.welcome([order('a', 'runs')]);
  await bench.pass(100);
  /** Passes time while the manager beats, so that the link stays. */
  const beating = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      bench.send({ type: 'beat' });
      await bench.pass(1_000);
    }
  };
  bench.host.engine.down();
  await beating(6);
  const told = bench.heard.findLast((frame) => frame.type === 'beat');
  assert.ok(told?.type === 'beat' && told.engineAway?.includes('nothing listens there'));
  bench.world.network.drop('w1');
  await bench.pass(2_000);
  const greeting = bench.heard.findLast((frame) => frame.type === 'greet');
  assert.ok(greeting?.type === 'greet');
  assert.equal(greeting.engineAway, told.engineAway);
  assert.equal(greeting.reports[0]?.state, 'running');
  bench.welcome([order('a', 'runs')], { revision: 2 });
  bench.host.engine.up();
  await beating(6);
  const last = bench.heard.findLast((frame) => frame.type === 'beat');
  assert.ok(last?.type === 'beat' && last.engineAway === undefined);
  assert.equal(bench.host.engine.made('a', 1), 1);
});

test('a manager places nothing on a node whose engine is away, moves nothing, and goes on when it is back', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join());
  await bench.pass(50);
  await bench.answer(bench.control.submit({ spec: service('shop'), origin: { kind: 'file' } }));
  await bench.pass(100);
  const [first] = worker.orders().keys();
  worker.send({ type: 'reports', reports: [report(first!, 1, 'running', { containerId: 'c1' })] });
  await bench.pass(50);
  worker.silence();
  worker.send({ type: 'beat', usage: null, engineAway: 'its engine is away since then: gone' });
  await bench.pass(50);
  const node = async () => nodeJson((await bench.control.nodes())[0]!);
  const away = await node();
  assert.deepEqual([away.state, away.engineAway, away.reason], ['ready', true, 'its engine is away since then: gone']);
  await bench.answer(bench.control.submit({ spec: service('late'), origin: { kind: 'file' } }));
  await bench.pass(500);
  const task = async (job: string) => (await bench.control.status({ job })).tasks[0];
  assert.equal((await task('shop'))?.state, 'running');
  const late = await task('late');
  assert.deepEqual([late?.state, late?.reason], ['pending', "1 node: the node's engine does not answer"]);
  worker.send({ type: 'beat', usage: null });
  await bench.pass(500);
  const back = await node();
  assert.deepEqual([back.engineAway, back.reason, (await task('late'))?.state], [false, null, 'scheduled']);
  const told = bench.host.mirror.events.filter(({ event }) => event.startsWith('engine.')).map(({ event, from, to }) => [event, from, to]);
  assert.deepEqual(told, [
    ['engine.lost', 'ready', 'ready'],
    ['engine.found', 'ready', 'ready'],
  ]);
});

test('a new manager hears of an engine that is away with the greeting', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join({ engineAway: 'gone' }));
  await bench.pass(20);
  // It beats right after, and says that its engine is back.
  const told = bench.host.mirror.events.filter(({ event }) => event.startsWith('engine.')).map(({ event, cause }) => [event, cause]);
  assert.deepEqual(told, [
    ['engine.lost', 'gone'],
    ['engine.found', 'its engine answers again'],
  ]);
});
