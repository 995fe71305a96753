/** A machine without an engine: the process runtime, what `cube up` says, and the demo. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TaskJson } from '../../src/core/views.ts';
import { tempDirectory } from '../cli/run-cli.ts';
import { testEngine } from '../support/engine.ts';
import { runCube, startNode } from '../support/node-process.ts';
import { document, done, eventually, submit, tasksOf, isAlive } from './help.ts';

const engine = await testEngine();
const noEngine = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };

test('without an engine, jobs run as processes, survive the node, and run once', async (t) => {
  const node = await startNode(t, { args: ['--runtime', 'process'], env: noEngine });
  assert.match(node.stderr, /isolates nothing/);
  const folder = tempDirectory(t);
  const begun = join(folder, 'begun');
  const ended = join(folder, 'ended');
  const linesIn = (file: string): string[] => (existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []);
  const shell = (script: string): string => `image: none, command: [/bin/sh, -c, "${script}"]`;
  await submit(node, `name: stay\ntasks: {t: {${shell(`echo $$ >>${begun}; echo hello; exec sleep 10000`)}, count: 2, stopGrace: 1s}}`);
  const pids = linesIn(begun).map(Number);
  assert.equal(pids.length, 2);
  await submit(node, `name: sums\ntype: batch\ntasks: {t: {${shell('exit 0')}, count: 3}}`);
  // Ends while the node is away.
  const late = `name: late\ntype: batch\ntasks: {t: {${shell(`echo x >>${begun}; sleep 1; echo x >>${ended}; exit 0`)}}}`;
  done(await node.cube(['submit', '--detach', '-'], { input: late }));
  await eventually('the late one has begun', async () => linesIn(begun).length === 3);
  await node.kill();
  assert.ok(pids.every(isAlive));
  await eventually('the late one has ended', async () => linesIn(ended).length === 1);
  await node.start();
  await eventually('the end is told', async () => (await tasksOf(node, 'late'))[0]?.state === 'completed');
  const tasks = await eventually('the others are told', async () => {
    const told = await tasksOf(node, 'stay');
    return told.every(({ state }) => state === 'running') && told;
  });
  assert.deepEqual(
    tasks.map(({ attempt, restarts }) => [attempt, restarts]),
    [
      [1, 0],
      [1, 0],
    ],
  );
  assert.ok(pids.every(isAlive));
  assert.equal(linesIn(begun).length, 3, 'a task ran twice');
  assert.equal(done(await node.cube(['logs', 'stay/t.1'])).stdout, 'hello\n');
  done(await node.cube(['stop', 'stay']));
  assert.ok(!pids.some(isAlive));
});

test('without an engine, `cube up` says how to get one, or to do without', async (t) => {
  const { code, stderr } = await runCube(['up', '--listen', '127.0.0.1:0'], { env: { ...noEngine, CUBE_DATA: tempDirectory(t) } });
  assert.equal(code, 1);
  assert.match(stderr, /\/nonexistent\/docker\.sock/);
  assert.match(stderr, /hint: .*Docker.*, or use --runtime process/);
});

/** Runs the demo; whatever it leaves in the folder for temporary files is found there. */
async function demo(t: Parameters<typeof tempDirectory>[0], env: Readonly<Record<string, string>>) {
  const folder = tempDirectory(t);
  const { stdout } = done(await runCube(['demo', '-o', 'json'], { env: { ...env, TMPDIR: folder } }));
  assert.deepEqual(readdirSync(folder), [], 'the demo leaves files behind');
  return document(stdout) as { runtime: string; why: string; jobs: { name: string; status: string }[]; tasks: TaskJson[] };
}

test('the demo works without an engine, says why, and leaves nothing', async (t) => {
  const { runtime, why, jobs, tasks } = await demo(t, noEngine);
  assert.equal(runtime, 'process');
  assert.match(why, /no Docker engine answers/);
  assert.deepEqual(jobs.map(({ name, status }) => `${name} ${status}`).toSorted(), ['hello running', 'sums completed']);
  assert.equal(tasks.length, 8);
});

test('the demo works with an engine, and leaves no container', { skip: engine.skip }, async (t) => {
  const { runtime, tasks } = await demo(t, process.env['DOCKER_HOST'] ? { DOCKER_HOST: process.env['DOCKER_HOST'] } : {});
  assert.equal(runtime, 'docker');
  assert.equal(tasks.length, 8);
  for (const { containerId } of tasks) {
    await assert.rejects(engine.docker.getContainer(containerId!).inspect(), { statusCode: 404 });
  }
});
