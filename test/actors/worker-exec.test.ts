import assert from 'node:assert/strict';
import test from 'node:test';
import { execItemIn, type ExecItem } from '../../src/core/exec-protocol.ts';
import type { ExecStream } from '../../src/ports/transport.ts';
import { createWorkerBench, order, type WorkerBench } from './worker-bench.ts';

/** A worker with a task that runs. */
async function withTask(): Promise<WorkerBench> {
  const bench = createWorkerBench();
  await bench.start();
  bench.welcome([order('a', 'runs')]);
  await pass(bench, 1_000);
  assert.equal(bench.report('a')?.state, 'running');
  return bench;
}

/** Lets time pass while the manager says that it lives. */
async function pass(bench: WorkerBench, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    bench.send({ type: 'beat' });
    await bench.pass(100);
  }
}

function open(bench: WorkerBench, command: readonly string[], more: Partial<ExecStream> = {}, stream = 1): void {
  bench.send({ type: 'open', stream, what: { kind: 'exec', task: 'a', command, tty: false, stdin: true, ...more } });
  bench.send({ type: 'grant', stream, bytes: 100_000 });
}

function input(bench: WorkerBench, ...items: readonly unknown[]): void {
  bench.send({ type: 'data', stream: 1, items });
}

/** What came of a stream, in words. */
function outcome(bench: WorkerBench, stream = 1): string[] {
  const words = (item: ExecItem | undefined): string => {
    if (item?.kind === 'output') return `${item.stream}: ${Buffer.from(item.bytes).toString().trim()}`;
    return item?.kind === 'exit' ? `exit ${item.exitCode}` : String(item?.kind);
  };
  return bench.heard.flatMap((frame) => {
    if (!('stream' in frame) || frame.stream !== stream) return [];
    if (frame.type === 'data') return frame.items.map((item) => words(execItemIn(item)));
    return frame.type === 'end' ? [frame.code === undefined ? 'end' : `${frame.code}: ${frame.message}`] : [];
  });
}

test('a command runs in the container of its task, and all that comes of it is told', async () => {
  const bench = await withTask();
  open(bench, ['play', 'out:one', 'err:two', 'exit:3'], { stdin: false });
  await pass(bench, 100);
  assert.deepEqual(outcome(bench), ['started', 'stdout: one', 'stderr: two', 'exit 3', 'end']);
  open(bench, ['nosuch'], {}, 2);
  open(bench, ['stty', 'size'], { tty: true, size: { columns: 100, rows: 30 } }, 3);
  await pass(bench, 100);
  assert.equal(outcome(bench, 2).at(-2), 'exit 127');
  assert.ok(outcome(bench, 3).includes('stdout: 30 100'));
});

test('input goes to the command, up to its end', async () => {
  const bench = await withTask();
  open(bench, ['cat']);
  await pass(bench, 100);
  assert.ok(bench.heard.some((frame) => frame.type === 'grant' && frame.stream === 1));
  input(bench, { kind: 'bytes', bytes: Buffer.from('hello') }, { kind: 'resize', columns: 80, rows: 24 });
  await pass(bench, 100);
  assert.deepEqual(outcome(bench), ['started', 'stdout: hello']);
  input(bench, { kind: 'bytes', bytes: Buffer.from('world') }, { kind: 'end' });
  await pass(bench, 100);
  assert.deepEqual(outcome(bench), ['started', 'stdout: hello', 'stdout: world', 'exit 0', 'end']);
});

test('input that is none ends the command with the reason', async () => {
  const bench = await withTask();
  open(bench, ['cat']);
  await pass(bench, 100);
  input(bench, { kind: 'news' });
  await pass(bench, 100);
  assert.deepEqual(outcome(bench), ['started', 'usage: what came for the command is no input']);
});

test('a task that does not run takes no commands, and says what it is', async () => {
  const bench = createWorkerBench({ scripts: () => ({ prepareMs: 1_000, runForMs: 1_000 }) });
  await bench.start();
  bench.welcome([order('a', 'any', { jobType: 'batch' })]);
  await pass(bench, 300);
  open(bench, ['true']);
  open(bench, ['true'], { task: 'stranger' }, 2);
  await pass(bench, 3_000);
  open(bench, ['true'], {}, 3);
  await pass(bench, 100);
  assert.deepEqual(outcome(bench, 1), ['not-running: task job-a/main.1 does not run: it is preparing']);
  assert.deepEqual(outcome(bench, 2), ['not-running: task stranger does not run: it is not on this node']);
  assert.deepEqual(outcome(bench, 3), ['not-running: task job-a/main.1 does not run: it is completed']);
});

test('a container that has ended unseen is a task that does not run', async () => {
  const bench = await withTask();
  bench.host.engine.kill(bench.report('a')!.containerId!);
  open(bench, ['true']);
  await pass(bench, 100);
  assert.match(outcome(bench)[0]!, /^not-running: /);
});

test('a command ends with its container', async () => {
  const bench = await withTask();
  open(bench, ['sleep']);
  await pass(bench, 100);
  bench.host.engine.kill(bench.report('a')!.containerId!);
  await pass(bench, 100);
  assert.deepEqual(outcome(bench), ['started', 'exit 137', 'end']);
});

test('a client that leaves, and a link that is lost, end the session and leave the task alone', async () => {
  const bench = await withTask();
  open(bench, ['sleep']);
  await pass(bench, 100);
  bench.send({ type: 'end', stream: 1 });
  await pass(bench, 100);
  assert.deepEqual(outcome(bench), ['started']);
  open(bench, ['cat'], {}, 2);
  await pass(bench, 100);
  bench.world.network.drop('w1');
  await bench.pass(1_000);
  assert.equal(bench.host.engine.running('a').length, 1);
  assert.ok(!bench.world.lines.some(({ level }) => level === 'error'));
});

test('a node that stops says so to who runs commands on it', async () => {
  const bench = await withTask();
  open(bench, ['sleep']);
  await pass(bench, 100);
  const stopped = bench.host.stop();
  await bench.pass(10_000);
  await stopped;
  assert.deepEqual(outcome(bench), ['started', 'cut-off: the node stops']);
});

test('what is run is told to no log', async () => {
  const bench = await withTask();
  open(bench, ['play', 'out:my-secret', 'exit:1']);
  open(bench, ['my-secret-program'], {}, 2);
  await pass(bench, 100);
  assert.ok(!JSON.stringify(bench.world.lines).includes('my-secret'));
});
