/**
 * A node that is killed over and over at random moments, in its start as well, while its tasks run: they never notice. The seed is
 * printed; `CUBE_SEED=n` repeats its moments, `CUBE_KILLS=n` sets how many there are.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { label } from '../../src/core/ids.ts';
import { seededRandom } from '../../src/core/random.ts';
import type { TaskJson } from '../../src/core/views.ts';
import { tempDirectory } from '../cli/run-cli.ts';
import { testEngine } from '../support/engine.ts';
import { startNode, type NodeProcess } from '../support/node-process.ts';
import { chronicleOf } from '../support/starts.ts';
import { containers, inspect, sleeper, submit } from './help.ts';

const { docker, skip } = await testEngine();

const kills = Number(process.env['CUBE_KILLS'] ?? 100);
const killsOfProcesses = 10;
const count = 10;
/** A start takes about half a second here; what comes later hits a node at rest. */
const delayMsMax = 700;

/** Starts the node and kills it, at moments of which about half lie within its start. */
async function killAgainAndAgain(t: TestContext, node: NodeProcess, times: number, check: () => Promise<void>): Promise<void> {
  const seed = Number(process.env['CUBE_SEED'] ?? Date.now() % 1_000_000);
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  let unready = 0;
  for (let round = 1; round <= times; round++) {
    const delayMs = Math.floor(random() * delayMsMax);
    try {
      await node.kill();
      const start = node.start().then(
        () => true,
        () => false,
      );
      // From the beginning of the start, or from when it is ready.
      if (random() < 0.5) await start;
      await sleep(delayMs);
      await node.kill();
      if (!(await start)) unready++;
      await check();
    } catch (thrown) {
      throw new Error(`round ${round} of seed ${seed}, ${delayMs} ms`, { cause: thrown });
    }
  }
  t.diagnostic(`${times} kills, ${unready} of them before the node was ready`);
  await node.start();
}

/** Whoever is taken for ended, though it runs, is started anew at once, and that is seen. */
const atOnce = 'restart: {on: always, attempts: 1000, delay: 0s}';

/** What the node says in the end, when it has found all its tasks again and new work goes through: the same tasks in the same containers, at their first attempt. */
async function assertUntouched(node: NodeProcess, before: readonly TaskJson[]): Promise<void> {
  const asTold = (tasks: readonly TaskJson[]) =>
    tasks
      .toSorted((a, b) => (a.slot < b.slot ? -1 : 1))
      .map(({ id, slot, state, containerId, attempt, restarts, startedAt }) => [
        id,
        slot,
        state,
        containerId,
        attempt,
        restarts,
        startedAt,
      ]);
  const image = before[0]!.image;
  await submit(node, `name: after\ntasks: {t: {image: "${image}", command: [/bin/sleep, "10000"], stopGrace: 0s}}`);
  const { tasks } = await node.client().status();
  assert.deepEqual(asTold(tasks.filter(({ job }) => job === 'stay')), asTold(before));
}

test(`${kills} kills of a node with ${count} running tasks touch none of them`, { skip }, async (t) => {
  const node = await startNode(t);
  await submit(node, sleeper('stay', `count: ${count}, ${atOnce}`));
  const ofJob = { [label.node]: node.nodeId, [label.job]: 'stay' };
  const seen = async () => {
    const all = (await containers(ofJob)).toSorted((a, b) => (a.Id < b.Id ? -1 : 1));
    const facts = await Promise.all(all.map(({ Id }) => inspect(Id)));
    return facts.map(({ Id, State, RestartCount, Created }) => [Id, State.Pid, State.StartedAt, State.Status, RestartCount, Created]);
  };
  const before = await seen();
  assert.equal(before.length, count);
  const { tasks } = await node.client().status();
  const chronicle = await chronicleOf(docker, `${label.node}=${node.nodeId}`);
  t.after(() => chronicle.close());
  await killAgainAndAgain(t, node, kills, async () => assert.deepEqual(await seen(), before));
  await assertUntouched(node, tasks);
  assert.deepEqual(await seen(), before);
  assert.deepEqual(
    chronicle.all.filter(({ slot }) => slot.startsWith('stay/')),
    [],
    'something was done to the containers',
  );
});

test(`${killsOfProcesses} kills of a node with ${count} running processes touch none of them`, async (t) => {
  const node = await startNode(t, { args: ['--runtime', 'process'] });
  const begun = join(tempDirectory(t), 'begun');
  const script = `echo $$ >>${begun}; exec sleep 10000`;
  await submit(
    node,
    `name: stay\ntasks: {t: {image: none, command: [/bin/sh, -c, "${script}"], count: ${count}, stopGrace: 0s, ${atOnce}}}`,
  );
  const pids = () => (existsSync(begun) ? readFileSync(begun, 'utf8').trimEnd().split('\n').map(Number) : []);
  // Whoever is started again writes another line.
  const seen = () => pids().map((pid) => [pid, process.kill(pid, 0)]);
  const before = seen();
  assert.equal(before.length, count);
  const { tasks } = await node.client().status();
  await killAgainAndAgain(t, node, killsOfProcesses, async () => assert.deepEqual(seen(), before));
  await assertUntouched(node, tasks);
  assert.deepEqual(seen(), before);
});
