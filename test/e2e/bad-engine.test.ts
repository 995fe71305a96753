/** An engine that is restarted, killed, frozen, or lies: the node lives on, says so, and no task is lost or doubled. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { lyingProxy } from '../support/lying-proxy.ts';
import type { NodeProcess } from '../support/node-process.ts';
import { secondEngineSkip, startSecondEngine, type SecondEngine } from '../support/second-engine.ts';
import { assertSlots, engineIs, job, live, load, nodeOf, nodeOn, runAll, statusOf, taskOf, timesSaid } from './bad-engine-help.ts';
import { done, eventually } from './help.ts';

const skip = secondEngineSkip();

/** How long the socket hangs. A minute is no other case than this, but for the patience of who waits. */
const frozenMs = Number(process.env['CUBE_TEST_FROZEN_MS'] ?? 12_000);

const lost = /the engine is away: /;
const found = /the engine answers again, after /;

/** What runs after all containers of the load were ended by a signal. */
const restarted = ['always/t.1', 'always/t.2', 'always/t.3', 'failure/t.1', 'failure/t.2', 'batch/t.1', 'batch/t.2'];

/** Each task of the load is where its policy says after one end of its container. */
async function assertAsPolicySays(node: NodeProcess, engine: SecondEngine): Promise<void> {
  await eventually('what is to run runs', async () => {
    const { tasks } = await statusOf(node);
    return tasks.filter(({ state }) => state === 'running').length === restarted.length;
  });
  const { tasks } = await statusOf(node);
  const seen = tasks.map(({ slot, state, attempt, restarts }) => [slot, state, attempt, restarts].join(' ')).toSorted();
  const wanted = restarted.map((slot) => `${slot} running 2 1`);
  assert.deepEqual(seen, [...wanted, 'never/t.1 failed 1 0', 'never/t.2 failed 1 0', 'polite/t.1 completed 1 0'].toSorted());
  for (const { slot, exitCode } of tasks.filter(({ state }) => state === 'failed')) assert.equal(exitCode, 137, slot);
  assertSlots(await live(engine, node), restarted);
}

/** The node says that its engine is away, takes what is submitted, and places nothing. */
async function assertSaysAway(node: NodeProcess): Promise<void> {
  await engineIs(node, 'away');
  const { state, reason, eligible } = await nodeOf(node);
  assert.deepEqual([state, eligible], ['ready', true]);
  assert.match(reason ?? '', /^its engine is away since \d{4}-\d\d-\d\dT[\d:.]+Z: /);
  assert.match(done(await node.cube(['nodes'])).stdout, /ready, engine away/);
  done(await node.cube(['submit', '--detach', '-'], { input: job('meanwhile', 'dies', 'service', 1, '{on: never}') }));
  const task = await eventually('it is told why it waits', async () => {
    const one = await taskOf(node, 'meanwhile');
    return one.reason !== null && one;
  });
  assert.deepEqual([task.state, task.reason], ['pending', "1 node: the node's engine does not answer"]);
}

/** What waited for the engine runs, on its first attempt; it is stopped again. */
async function assertWaitedRuns(node: NodeProcess): Promise<void> {
  await engineIs(node, 'back');
  const task = await eventually('what waited runs', async () => {
    const one = await taskOf(node, 'meanwhile');
    return one.state === 'running' && one;
  });
  assert.deepEqual([task.attempt, task.restarts], [1, 0]);
  done(await node.cube(['stop', 'meanwhile', '--purge']));
}

function assertSaidOnce(node: NodeProcess, pid: number): void {
  assert.equal(node.pid, pid);
  assert.deepEqual([timesSaid(node, lost), timesSaid(node, found)], [1, 1], node.stderr);
}

test('an engine restarted under load: all tasks are as their policies say, none twice', { skip }, async (t) => {
  const engine = await startSecondEngine(t);
  const node = await nodeOn(t, engine.host);
  const { pid } = node;
  await runAll(node, load);
  await engine.stop();
  await assertSaysAway(node);
  // Nothing that the engine does while it goes may be taken for an end: it would be answered by a start that cannot last.
  for (const { slot, job: name, state } of (await statusOf(node)).tasks) if (name !== 'meanwhile') assert.equal(state, 'running', slot);
  await engine.start();
  await assertWaitedRuns(node);
  await assertAsPolicySays(node, engine);
  assertSaidOnce(node, pid);
});

test('an engine killed under load: all tasks are as their policies say, none twice', { skip }, async (t) => {
  const engine = await startSecondEngine(t);
  const node = await nodeOn(t, engine.host);
  const { pid } = node;
  // A killed engine ends its containers when it is back, as a stopped one does before it goes.
  await runAll(node, load);
  await engine.kill();
  await assertSaysAway(node);
  await engine.start();
  await assertWaitedRuns(node);
  await assertAsPolicySays(node, engine);
  assertSaidOnce(node, pid);
});

test('an engine restarted and killed with live-restore: the same processes run on', { skip }, async (t) => {
  const engine = await startSecondEngine(t, { liveRestore: true });
  const node = await nodeOn(t, engine.host);
  const { pid } = node;
  await runAll(node, load);
  const before = await live(engine, node);
  assert.equal(before.length, 10);
  await engine.stop();
  await assertSaysAway(node);
  await engine.start();
  await assertWaitedRuns(node);
  assert.deepEqual(await live(engine, node), before);
  assertSaidOnce(node, pid);
  await engine.kill();
  await engineIs(node, 'away');
  await engine.start();
  await engineIs(node, 'back');
  assert.deepEqual(await live(engine, node), before);
  const { tasks } = await statusOf(node);
  for (const { slot, state, attempt, restarts } of tasks) assert.deepEqual([slot, state, attempt, restarts], [slot, 'running', 1, 0]);
});

test('a node that comes back before its engine does waits for it, and takes its tasks up again', { skip }, async (t) => {
  const engine = await startSecondEngine(t, { liveRestore: true });
  const node = await nodeOn(t, engine.host);
  await runAll(node, load);
  const before = await live(engine, node);
  await node.kill();
  await engine.stop();
  const started = node.start();
  await eventually('it says what it waits for', async () => /the engine is away: .*; this node starts when it answers/.test(node.stderr));
  await engine.start();
  await started;
  assert.deepEqual(await live(engine, node), before);
});

test(
  `an engine that hangs for ${frozenMs} ms: nothing is lost or doubled, no attempt is used up, the node answers`,
  { skip },
  async (t) => {
    const engine = await startSecondEngine(t);
    const node = await nodeOn(t, engine.host, ['engineCallMs=2000', 'pullMs=1000']);
    const { pid } = node;
    await runAll(node, load);
    const before = await live(engine, node);
    engine.freeze();
    const thawsAt = Date.now() + frozenMs;
    // Before the node knows: these are on their way into the engine, and no answer may cost them their only attempt.
    const caught = ['caught-1', 'caught-2', 'caught-3'];
    for (const name of caught)
      done(await node.cube(['submit', '--detach', '-'], { input: job(name, 'dies', 'service', 1, '{on: never}') }));
    await node.client().stopJob('polite');
    await assertSaysAway(node);
    let answers = 0;
    while (Date.now() < thawsAt) {
      assert.equal((await statusOf(node)).tasks.filter(({ state }) => state === 'running').length, 9);
      answers++;
      await sleep(200);
    }
    assert.ok(answers > 0);
    engine.thaw();
    await assertWaitedRuns(node);
    await eventually('all runs', async () => {
      const { tasks } = await statusOf(node);
      return tasks.filter(({ state }) => state === 'running').length === 12 && tasks.some(({ state }) => state === 'stopped');
    });
    const after = await live(engine, node);
    assertSlots(after, [...before.map(({ slot }) => slot).filter((slot) => slot !== 'polite/t.1'), ...caught.map((name) => `${name}/t.1`)]);
    for (const one of before.filter(({ slot }) => slot !== 'polite/t.1'))
      assert.ok(
        after.some(({ id }) => id === one.id),
        `${one.slot} is another`,
      );
    for (const { slot, attempt, restarts } of (await statusOf(node)).tasks) assert.deepEqual([slot, attempt, restarts], [slot, 1, 0]);
    assertSaidOnce(node, pid);
  },
);

test('an engine that says no after a start that did happen: it runs once, and no attempt is used up', { skip }, async (t) => {
  const engine = await startSecondEngine(t);
  let lies = 0;
  const proxy = await lyingProxy(engine.socketPath, (line) => {
    if (!/^POST \/containers\/[^/]+\/start/.test(line)) return undefined;
    lies++;
    return { status: 500, message: 'context canceled' };
  });
  t.after(() => proxy.close());
  const node = await nodeOn(t, `unix://${proxy.socketPath}`);
  await runAll(node, [job('once', 'dies', 'service', 3, '{on: never}')]);
  assert.equal(lies, 3);
  assertSlots(await live(engine, node), ['once/t.1', 'once/t.2', 'once/t.3']);
  const all = await engine.docker.listContainers({ all: true });
  assert.equal(all.length, 3);
  for (const { attempt, restarts } of (await statusOf(node)).tasks) assert.deepEqual([attempt, restarts], [1, 0]);
});
