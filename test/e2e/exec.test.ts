/** Commands in tasks, from the command line to a container on a real engine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testEngine } from '../support/engine.ts';
import { sharedNode, startNode, type NodeProcess } from '../support/node-process.ts';
import { noTerminal, startInTerminal } from '../support/terminal.ts';
import { eventually, sleeper, submit, tasksOf } from './help.ts';

const { skip, docker } = await testEngine();
const theNode = sharedNode();

let submitted: Promise<unknown> | undefined;

/** The node, with a job of one task. */
async function withTask(): Promise<NodeProcess> {
  const node = await theNode();
  await (submitted ??= submit(node, sleeper('one')));
  return node;
}

test('exit codes of commands are those of cube exec', { skip }, async () => {
  const node = await withTask();
  for (const [script, code] of [
    ['true', 0],
    ['exit 3', 3],
    ['no-such-program', 127],
    ['kill -9 $$', 137],
  ] as const) {
    assert.equal((await node.cube(['exec', 'one/t.1', '--', 'sh', '-c', script])).code, code, script);
  }
  const missing = await node.cube(['exec', 'one', 'no-such-program']);
  assert.equal(missing.code, 127);
  assert.match(missing.stderr, /no-such-program/);
});

test('stdout and stderr come apart, byte for byte', { skip }, async () => {
  const node = await withTask();
  const { stdout, stderr, code } = await node.cube(['exec', 'one', 'sh', '-c', 'echo out; echo err >&2; printf größer']);
  assert.deepEqual([stdout, stderr, code], ['out\ngrößer', 'err\n', 0]);
});

test('a megabyte on stdin arrives whole, and comes back whole', { skip }, async () => {
  const node = await withTask();
  const input = '0123456789abcdef'.repeat(65_536);
  const counted = await node.cube(['exec', '-i', 'one', '--', '/bin/busybox', 'wc', '-c'], { input });
  assert.deepEqual([counted.stdout.trim(), counted.code], [String(input.length), 0]);
  const echoed = await node.cube(['exec', '-i', 'one', '--', 'cat'], { input });
  assert.deepEqual([echoed.stdout === input, echoed.code], [true, 0]);
});

test('a terminal has the size of the one it is shown on, also after that has changed', { skip: skip || noTerminal }, async (t) => {
  const node = await withTask();
  const terminal = startInTerminal(t, ['exec', '-it', 'one', '--', 'sh'], { env: { CUBE_DATA: node.data }, columns: 100, rows: 30 });
  await terminal.saw('#');
  terminal.type('/bin/busybox stty size\r');
  await terminal.saw('30 100');
  await terminal.resize(123, 41);
  await eventually('the new size', async () => {
    terminal.type('/bin/busybox stty size\r');
    return Promise.race([terminal.saw('41 123').then(() => true), new Promise<false>((resolve) => setTimeout(resolve, 500, false))]);
  });
  // What is shown is not what is typed, so that it is the command's word and not an echo of the keys.
  terminal.type('echo sleep""ing; sleep 1000\r');
  await terminal.saw('sleeping');
  terminal.type('\u0003');
  terminal.type('exit 7\r');
  assert.match(await terminal.ended, /code=7 canonical=yes/);
});

test('a task that is killed meanwhile ends its commands, and one that does not run takes none', { skip }, async () => {
  const node = await theNode();
  await submit(node, sleeper('dies', 'restart: {on: never}'));
  const [task] = await tasksOf(node, 'dies');
  const running = node.startCube(['exec', 'dies', '--', 'sh', '-c', 'echo begun; sleep 1000']);
  await running.saw('stdout', 'begun');
  await docker.getContainer(task!.containerId!).kill();
  const { code } = await running.ended;
  assert.ok(code === 137 || code === 1, `exit ${code}`);
  await eventually('the end of the task', async () => (await tasksOf(node, 'dies'))[0]!.state === 'failed');
  const after = await node.cube(['exec', 'dies/t.1', '--', 'ls']);
  assert.equal(after.code, 1);
  assert.match(after.stderr, /task dies\/t\.1 does not run: it is failed/);
});

test('a node that stops says so to who runs a command through it', { skip }, async (t) => {
  const node = await startNode(t);
  await submit(node, sleeper('stays'));
  const running = node.startCube(['exec', 'stays', '--', 'sh', '-c', 'echo begun; sleep 1000']);
  await running.saw('stdout', 'begun');
  await node.interrupt();
  const { code, stderr } = await running.ended;
  assert.equal(code, 3);
  assert.match(stderr, /the node stops/);
});

test('what is run is in no log of the node', { skip }, async (t) => {
  const node = await startNode(t, { args: ['--log-level', 'debug'] });
  await submit(node, sleeper('quiet'));
  await node.cube(['exec', 'quiet', '--', 'echo', 'my-secret']);
  await eventually('a word on it', async () => node.stderr.includes('a command was started in a task'));
  assert.ok(!node.stderr.includes('my-secret'));
});
