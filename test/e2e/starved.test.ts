/** A pull that stalls, an engine whose disk is full, and a node whose own disk is: what is wrong is said, and nothing that was accepted is lost. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startNode, type NodeProcess } from '../support/node-process.ts';
import { mountTmpfs, secondEngineSkip, startSecondEngine, unmountBelow } from '../support/second-engine.ts';
import { stallingRegistry } from '../support/stalling-registry.ts';
import { job, live, nodeOn, runAll, statusOf, taskOf } from './bad-engine-help.ts';
import { done, eventually } from './help.ts';

const skip = secondEngineSkip();

/** Writes until nothing more fits. @returns makes room again */
function fill(folder: string): () => void {
  const path = join(folder, 'filler');
  const file = openSync(path, 'w');
  try {
    for (let block = Buffer.alloc(2 ** 20); block.length > 0;) {
      try {
        if (writeSync(file, block) < block.length) block = block.subarray(0, block.length >> 1);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        block = block.subarray(0, block.length >> 1);
      }
    }
  } finally {
    closeSync(file);
  }
  return () => rmSync(path);
}

async function submitDetached(node: NodeProcess, spec: string): Promise<void> {
  done(await node.cube(['submit', '--detach', '-'], { input: spec }));
}

test('a pull that stalls says so, is tried again, and ends with the reason; other tasks go on', { skip }, async (t) => {
  const registry = await stallingRegistry(true);
  t.after(() => registry.close());
  const engine = await startSecondEngine(t);
  const node = await nodeOn(t, engine.host, ['pullStallMs=2000', 'pullMs=3000']);
  const image = `${registry.address}/half:1`;
  await submitDetached(node, `name: half\ntasks: {t: {image: "${image}", count: 2}}`);
  await eventually('the pull is seen', async () => (await taskOf(node, 'half')).detail?.startsWith(`pulling ${image} (`));
  done(await node.cube(['submit', '-'], { input: job('other', 'dies', 'service', 2, '{on: always}') }));
  await eventually('it is told that it is tried again', async () =>
    /try [23] of 3: .*the pull stalled/.test((await taskOf(node, 'half')).detail ?? ''),
  );
  const task = await eventually('it is given up', async () => {
    const one = await taskOf(node, 'half');
    return one.state === 'rejected' && one;
  });
  assert.equal(task.reasonCode, 'image-unavailable');
  assert.match(task.reason ?? '', /the pull stalled: the registry sent nothing for 2s/);
  // A try that got further than the one before it gives new ones: on a slow machine there may be more than three.
  assert.ok(registry.layers >= 3, `${registry.layers} tries`);
  const others = (await statusOf(node)).tasks.filter(({ job: name }) => name === 'other');
  assert.deepEqual(
    others.map(({ state, restarts }) => [state, restarts]),
    [
      ['running', 0],
      ['running', 0],
    ],
  );
});

test('an engine whose disk is full: the reason is told, what runs goes on, and all runs when there is room', { skip }, async (t) => {
  const registry = await stallingRegistry(false);
  t.after(() => registry.close());
  const engine = await startSecondEngine(t, { dataBytesMax: 64 * 2 ** 20 });
  const node = await nodeOn(t, engine.host);
  const { pid } = node;
  await runAll(node, [job('before', 'dies', 'service', 2, '{on: always}')]);
  const before = await live(engine, node);
  const makeRoom = fill(engine.dataRoot);
  await submitDetached(node, job('full', 'dies', 'service', 2, '{on: failure, attempts: 1, delay: 100ms}'));
  await submitDetached(node, `name: pulls\ntasks: {t: {image: "${registry.address}/large:1", restart: {on: never}}}`);
  for (const name of ['full', 'pulls']) {
    await eventually(`${name} tells why`, async () => /no space left on device/.test((await taskOf(node, name)).reason ?? ''));
  }
  assert.deepEqual(await live(engine, node), before);
  makeRoom();
  await eventually(
    'it runs',
    async () => (await statusOf(node)).tasks.filter(({ job: name, state }) => name === 'full' && state === 'running').length === 2,
  );
  assert.deepEqual(
    (await live(engine, node)).filter(({ slot }) => slot.startsWith('before/')),
    before,
  );
  assert.equal((await live(engine, node)).length, 4);
  assert.equal(node.pid, pid);
});

test('a node whose own disk is full says so, takes nothing it cannot keep, loses nothing it took, and recovers', { skip }, async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'cube-full-'));
  const inTheEnd: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const run of inTheEnd.toReversed()) await run();
  });
  inTheEnd.push(async () => {
    unmountBelow(data);
    await rm(data, { recursive: true });
  });
  mountTmpfs(data, 24 * 2 ** 20);
  const node = await startNode({ after: (run) => void inTheEnd.push(run) }, { args: ['--runtime', 'process'], data });
  const { pid } = node;
  const sleeps = (name: string): string => `name: ${name}\ntasks: {t: {image: none, command: [sleep, "10000"], stopGrace: 0s}}`;
  done(await node.cube(['submit', '-'], { input: sleeps('kept') }));
  const before = await taskOf(node, 'kept');
  const makeRoom = fill(data);
  // What still fits into the files as they are is taken, and must be there in the end; then comes the first no.
  const taken = ['kept'];
  for (let count = 1; ; count++) {
    // Nothing takes it, so that it needs no room but the manager's.
    const body = `name: more-${count}\ndatacenters: [nowhere]\ntasks: {t: {image: none}}`;
    const answer = await node.fetch('/v1/jobs', { method: 'POST', body, headers: { 'content-type': 'application/yaml' } });
    if (!answer.ok) {
      assert.equal(answer.status, 503, await answer.text());
      break;
    }
    taken.push(`more-${count}`);
    assert.ok(count < 5_000, 'the disk never got full');
  }
  const refused = await node.cube(['submit', '--detach', '-'], { input: sleeps('refused') });
  assert.equal(refused.code, 3, refused.stderr);
  await eventually('the node says why', async () => /no space left|ENOSPC/i.test(node.stderr));
  makeRoom();
  await eventually(
    'it takes jobs again',
    async () => (await node.cube(['submit', '--detach', '-'], { input: sleeps('later') })).code === 0,
  );
  const jobs = (await node.client().jobs()).jobs.map(({ name }) => name);
  for (const name of [...taken, 'later']) assert.ok(jobs.includes(name), `${name} is lost`);
  const now = await eventually('what ran is known', async () => {
    const task = await taskOf(node, 'kept');
    return task.state === 'running' && task;
  });
  assert.deepEqual([now.id, now.containerId, now.restarts], [before.id, before.containerId, 0]);
  assert.equal(node.pid, pid);
  await node.kill();
  await node.start();
  const again = (await node.client().jobs()).jobs.map(({ name }) => name);
  for (const name of [...taken, 'later']) assert.ok(again.includes(name), `${name} is lost after a kill`);
  assert.equal((await taskOf(node, 'kept')).containerId, before.containerId);
});
