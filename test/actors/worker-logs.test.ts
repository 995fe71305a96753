import assert from 'node:assert/strict';
import test from 'node:test';
import type { LogsStream } from '../../src/ports/transport.ts';
import type { FakeScripts } from '../../src/runtime/fake-script.ts';
import { createWorkerBench, order, type WorkerBench } from './worker-bench.ts';

/** What a stream has brought so far, and how it ended. */
interface Output {
  readonly lines: readonly string[];
  readonly end: string | undefined;
}

function open(bench: WorkerBench, what: Partial<LogsStream> = {}, stream = 1): void {
  bench.send({ type: 'open', stream, what: { kind: 'logs', task: 'a', follow: false, ...what } });
  bench.send({ type: 'grant', stream, bytes: 100_000 });
}

function outputOf(bench: WorkerBench, stream = 1): Output {
  const frames = bench.heard.filter((frame) => 'stream' in frame && frame.stream === stream);
  const end = frames.find((frame) => frame.type === 'end');
  return {
    lines: frames.flatMap((frame) => (frame.type === 'data' ? frame.items.map((item) => (item as { text: string }).text.trim()) : [])),
    end: end && (end.code ?? 'ended'),
  };
}

/** Lets time pass while the manager says that it lives. */
async function pass(bench: WorkerBench, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    bench.send({ type: 'beat' });
    await bench.pass(100);
  }
}

const restart = { on: 'failure', attempts: 2, withinMs: 600_000, delayMs: 1_000, backoff: 1, delayMsMax: 1_000 } as const;

/** A worker that runs a task which says which attempt it is, 500 ms after its start, and fails after a second; the last succeeds. */
async function withRestarts(scripts: FakeScripts = () => ({})): Promise<WorkerBench> {
  const bench = createWorkerBench({
    scripts: (work) => ({
      prepareMs: 500,
      lines: [`${work.attempt} begins`, `${work.attempt} works`],
      lineEveryMs: 500,
      runForMs: 1_000,
      exitCode: work.attempt < 3 ? 1 : 0,
      ...scripts(work),
    }),
  });
  await bench.start();
  bench.welcome([order('a', 'any', { jobType: 'batch' }, { restart })]);
  return bench;
}

test('followed output goes on over the attempts of a task, each line once, until it has ended', async () => {
  const bench = await withRestarts();
  await pass(bench, 700);
  open(bench, { follow: true });
  await pass(bench, 2_000);
  assert.equal(outputOf(bench).end, undefined);
  await pass(bench, 10_000);
  assert.equal(bench.report('a')?.state, 'completed');
  const lines = [1, 2, 3].flatMap((attempt) => [`${attempt} begins`, `${attempt} works`]);
  assert.deepEqual(outputOf(bench), { lines, end: 'ended' });
});

test('output is followed from before the first container is there', async () => {
  const bench = await withRestarts();
  await pass(bench, 100);
  assert.equal(bench.report('a')?.state, 'preparing');
  open(bench, { follow: true });
  open(bench, {}, 2);
  await pass(bench, 100);
  assert.deepEqual(outputOf(bench, 2), { lines: [], end: 'not-found' });
  await pass(bench, 1_500);
  assert.deepEqual(outputOf(bench), { lines: ['1 begins', '1 works'], end: undefined });
});

test('the last lines that are asked for are those of the present attempt; what comes later comes whole', async () => {
  const bench = await withRestarts();
  await pass(bench, 1_200);
  open(bench, { follow: true, tail: 1 });
  await pass(bench, 3_000);
  assert.deepEqual(outputOf(bench).lines, ['1 works', '2 begins', '2 works']);
});

test('output that is not followed is that of all attempts so far, and ends', async () => {
  const bench = await withRestarts();
  await pass(bench, 3_200);
  assert.deepEqual([bench.report('a')?.state, bench.report('a')?.attempt], ['running', 2]);
  open(bench);
  await pass(bench, 100);
  assert.deepEqual(outputOf(bench), { lines: ['1 begins', '1 works', '2 begins'], end: 'ended' });
});

test('following ends when nobody wants it any more, also between two attempts', async () => {
  const bench = await withRestarts();
  await pass(bench, 2_000);
  assert.equal(bench.report('a')?.state, 'backingOff');
  open(bench, { follow: true });
  await pass(bench, 100);
  bench.send({ type: 'end', stream: 1 });
  await pass(bench, 10_000);
  assert.deepEqual(outputOf(bench), { lines: ['1 begins', '1 works'], end: undefined });
  assert.deepEqual(
    bench.world.lines.filter(({ level }) => level === 'warn'),
    [],
  );
});

test('following ends when the task is forgotten, and with an error when its output is taken away', async () => {
  const bench = await withRestarts(() => ({ runForMs: 60_000 }));
  await pass(bench, 1_200);
  open(bench, { follow: true });
  await pass(bench, 100);
  bench.send({ type: 'delta', epoch: { generation: 1, revision: 1 }, base: 1, revision: 2, orders: [], forget: ['a'] });
  await pass(bench, 1_000);
  assert.deepEqual(outputOf(bench), { lines: ['1 begins', '1 works'], end: 'ended' });
  open(bench, { follow: true }, 2);
  await pass(bench, 100);
  assert.equal(outputOf(bench, 2).end, 'not-found');
});

test('an attempt whose container is gone before it is read is read from what was kept of it', async () => {
  const bench = await withRestarts();
  await pass(bench, 700);
  // A grant of one line: the reader stands still while the next attempts come and go.
  bench.send({ type: 'open', stream: 1, what: { kind: 'logs', task: 'a', follow: true } });
  bench.send({ type: 'grant', stream: 1, bytes: 1 });
  await pass(bench, 7_000);
  assert.deepEqual(outputOf(bench).lines, ['1 begins']);
  assert.equal(bench.report('a')?.state, 'completed');
  bench.send({ type: 'grant', stream: 1, bytes: 100_000 });
  await pass(bench, 100);
  const { lines, end } = outputOf(bench);
  const all = [1, 2, 3].flatMap((attempt) => [`${attempt} begins`, `${attempt} works`]);
  assert.deepEqual([lines, end], [all, 'ended']);
});

/** The errors with which streams ended. */
function refusals(bench: WorkerBench): string[] {
  return bench.heard.flatMap((frame) => (frame.type === 'end' && frame.code !== undefined ? [`${frame.code}: ${frame.message}`] : []));
}

test('a task that never ran says so by its slot, and why', async () => {
  for (const [failing, code] of [
    ['pullError', 'image-not-found'],
    ['startError', 'bad-command'],
  ] as const) {
    const bench = createWorkerBench({ scripts: () => ({ [failing]: code }) });
    await bench.start();
    bench.welcome([order('a', 'any')]);
    await pass(bench, 1_000);
    const seen = bench.report('a');
    assert.equal(seen?.state, 'rejected');
    open(bench);
    open(bench, { follow: true }, 2);
    await pass(bench, 100);
    assert.deepEqual(
      refusals(bench),
      Array.from({ length: 2 }, () => `not-found: ${order('a', 'any').slot} never ran: ${seen.reason}`),
    );
  }
});

test('who follows a task before it runs hears why it never will', async () => {
  for (const tail of [undefined, 0, 10]) {
    const bench = createWorkerBench({ scripts: () => ({ prepareMs: 1_000, startError: 'bad-command' }) });
    await bench.start();
    bench.welcome([order('a', 'any')]);
    await pass(bench, 200);
    assert.equal(bench.report('a')?.state, 'preparing');
    open(bench, { follow: true, ...(tail === undefined ? {} : { tail }) });
    await pass(bench, 500);
    assert.deepEqual(refusals(bench), []);
    await pass(bench, 3_000);
    const seen = bench.report('a');
    assert.equal(seen?.state, 'rejected');
    assert.deepEqual(refusals(bench), [`not-found: ${order('a', 'any').slot} never ran: ${seen.reason}`], `tail ${tail}`);
  }
});
