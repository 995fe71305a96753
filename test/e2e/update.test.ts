/** A job that is submitted again: what did not change stays, what changed is replaced without a gap. */
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import { label } from '../../src/core/ids.ts';
import type { SubmittedJson } from '../../src/core/views.ts';
import { testEngine } from '../support/engine.ts';
import { freePort } from '../support/free-port.ts';
import { sharedNode } from '../support/node-process.ts';
import { assertOneEach, document, eventually, inspect, pidsOf, running, sleeper, submit } from './help.ts';

const { docker, skip } = await testEngine();
const theNode = sharedNode();

/** Counts a job's running containers by the engine's own events, from how many there are now. */
async function watchRunning(node: string, job: string, now: number): Promise<{ least: number; most: number; stop(): void }> {
  const filters = { type: ['container' as const], event: ['start', 'die'], label: [`${label.node}=${node}`, `${label.job}=${job}`] };
  const stream = (await docker.getEvents({ filters })) as Readable;
  const seen = { least: now, most: now, stop: () => void stream.destroy() };
  let count = now;
  createInterface(stream).on('line', (line) => {
    count += (JSON.parse(line) as { status: string }).status === 'start' ? 1 : -1;
    seen.least = Math.min(seen.least, count);
    seen.most = Math.max(seen.most, count);
  });
  return seen;
}

test('an unchanged file changes nothing', { skip }, async () => {
  const node = await theNode();
  const job = sleeper('same', 'count: 2, env: {A: "1"}');
  await submit(node, job);
  const before = await pidsOf(await running(node, 'same'));
  const { stdout } = await submit(node, job, '-o', 'json');
  assert.equal((document(stdout) as SubmittedJson).change, 'unchanged');
  assert.equal((document(stdout) as SubmittedJson).job.version, 1);
  assert.deepEqual(await pidsOf(await running(node, 'same')), before);
});

test('a changed file replaces every container, and at no time fewer than all but one run', { skip }, async () => {
  const node = await theNode();
  await submit(node, sleeper('new', 'count: 3, env: {A: "1"}'));
  const before = (await running(node, 'new')).map(({ Id }) => Id);
  const watch = await watchRunning(node.nodeId, 'new', 3);
  await submit(node, sleeper('new', 'count: 3, env: {A: "2"}'));
  const now = await eventually('only new ones run', async () => {
    const list = await running(node, 'new');
    return list.length === 3 && list.every(({ Id }) => !before.includes(Id)) && list;
  });
  watch.stop();
  assertOneEach(now);
  for (const { Id } of now) assert.ok((await inspect(Id)).Config.Env.includes('A=2'));
  assert.ok(watch.least >= 2, `only ${watch.least} ran at one time`);
  assert.ok(watch.most <= 4, `${watch.most} ran at one time`);
});

test('a job with a fixed port is replaced one by one, the old one first', { skip }, async () => {
  const node = await theNode();
  const port = await freePort();
  const job = (env: string): string => sleeper('fixed', `ports: ["127.0.0.1:${port}:80"], env: {A: "${env}"}`);
  await submit(node, job('1'));
  const watch = await watchRunning(node.nodeId, 'fixed', 1);
  await submit(node, job('2'));
  watch.stop();
  const [now, ...others] = await running(node, 'fixed');
  assert.equal(others.length, 0);
  assert.ok((await inspect(now!.Id)).Config.Env.includes('A=2'));
  assert.equal(watch.most, 1);
});

test('more and fewer instances keep the others as they are', { skip }, async () => {
  const node = await theNode();
  await submit(node, sleeper('scale', 'count: 2'));
  const two = await pidsOf(await running(node, 'scale'));
  await submit(node, sleeper('scale', 'count: 4'));
  const four = await pidsOf(await running(node, 'scale'));
  assert.equal(Object.keys(four).length, 4);
  for (const [id, pid] of Object.entries(two)) assert.equal(four[id], pid);
  await submit(node, sleeper('scale', 'count: 2'));
  await eventually('two are left', async () => (await running(node, 'scale')).length === 2);
  assert.deepEqual(await pidsOf(await running(node, 'scale')), two);
  await submit(node, sleeper('scale', 'count: 0'));
  await eventually('none is left', async () => (await running(node, 'scale')).length === 0);
});

test('a job whose task is taken out of the file loses that task only', { skip }, async () => {
  const node = await theNode();
  const task = '{image: "busybox:latest", command: [/bin/sleep, "10000"], stopGrace: 0s}';
  await submit(node, `name: two\ntasks: {a: ${task}, b: ${task}}`);
  const a = (await running(node, 'two')).find(({ Labels }) => Labels[label.task] === 'a');
  await submit(node, `name: two\ntasks: {a: ${task}}`);
  await eventually('one is left', async () => (await running(node, 'two')).length === 1);
  assert.equal((await running(node, 'two'))[0]?.Id, a!.Id);
});
