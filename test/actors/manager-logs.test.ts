import assert from 'node:assert/strict';
import test from 'node:test';
import { CubeError } from '../../src/core/errors.ts';
import type { LogLine, LogRequest } from '../../src/ports/control.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import { taskIn } from '../core/stream-pair.ts';
import { service } from '../sim/scripts.ts';
import { createManagerBench, report, type ManagerBench, type ScriptedWorker } from './manager-bench.ts';

/** What a worker answers to who asks for a task's output: lines with their times, and how it ends if it does. */
interface Answer {
  readonly lines?: readonly (readonly [at: number, text: string])[];
  readonly end?: ErrorCode | 'well';
}

/** A manager with one worker of four cores, on which every task of a job runs that has room. */
async function withJob(count: number, limits: Readonly<Record<string, number>> = {}, cpu = 0.01) {
  const bench = createManagerBench({ limits });
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join());
  const resources = { cpu, memoryBytes: 0, diskBytes: 0, custom: {} };
  await bench.answer(bench.control.submit({ spec: service('shop', 'runs', count, { resources }), origin: { kind: 'file' } }));
  await bench.pass(200);
  worker.send({ type: 'reports', reports: [...worker.orders().keys()].map((id) => report(id, 1, 'running')) });
  await bench.pass(100);
  return { bench, worker };
}

/** Reads output while a worker answers; `most` is how many streams were open at once. */
function read(
  bench: ManagerBench,
  worker: ScriptedWorker,
  ref: string,
  answers: (index: number) => Answer,
  more: Partial<LogRequest> = {},
) {
  const stop = new AbortController();
  const lines: LogLine[] = [];
  const seen = { lines, most: 0, error: undefined as CubeError | undefined, over: false, stop: () => stop.abort() };
  const open = new Set<number>();
  let answered = worker.heard.length;
  const collect = async (): Promise<void> => {
    try {
      for await (const line of bench.control.logs(ref, { follow: false, signal: stop.signal, ...more })) lines.push(line);
    } catch (thrown) {
      assert.ok(thrown instanceof CubeError);
      seen.error = thrown;
    }
    seen.over = true;
  };
  void collect();
  const reply = (stream: number, task: string): void => {
    const { index } = worker.orders().get(task)!;
    const { lines: said = [], end } = answers(index);
    if (said.length > 0)
      worker.send({ type: 'data', stream, items: said.map(([at, text]) => ({ stream: 'stdout', at, text: `${text}\n` })) });
    if (end === undefined) return;
    open.delete(stream);
    worker.send(end === 'well' ? { type: 'end', stream } : { type: 'end', stream, code: end, message: `task ${index}: ${end}` });
  };
  const go = async (): Promise<void> => {
    for (let step = 0; step < 500 && !seen.over; step++) {
      await bench.pass(10);
      const fresh = worker.heard.slice(answered).filter((frame) => frame.type === 'open');
      answered = worker.heard.length;
      for (const { stream } of fresh) open.add(stream);
      seen.most = Math.max(seen.most, open.size);
      for (const { stream, what } of fresh) reply(stream, taskIn(what));
    }
  };
  return go().then(() => seen);
}

function texts(lines: readonly LogLine[]): string[] {
  return lines.map(({ slot, text, stream }) => `${slot} ${stream === 'stderr' ? '! ' : ''}${text.trim()}`);
}

test('the output of a few tasks is merged by time', async () => {
  const { bench, worker } = await withJob(3);
  const answers = (index: number): Answer => ({
    lines: [
      [10 * index, 'first'],
      [100 - index, 'last'],
    ],
    end: 'well',
  });
  const all = ['1 first', '2 first', '3 first', '3 last', '2 last', '1 last'].map((text) => `shop/main.${text}`);
  assert.deepEqual(texts((await read(bench, worker, 'shop', answers)).lines), all);
  assert.deepEqual(texts((await read(bench, worker, 'shop', answers, { tail: 4 })).lines), all.slice(-4));
});

test('the output of many tasks comes slot after slot, over few streams at a time', async () => {
  const { bench, worker } = await withJob(200);
  const seen = await read(bench, worker, 'shop', (index) => ({ lines: [[1_000 - index, 'hello']], end: 'well' }));
  assert.deepEqual(
    texts(seen.lines),
    Array.from({ length: 200 }, (_, at) => `shop/main.${at + 1} hello`),
  );
  assert.ok(seen.most <= 32, `${seen.most} streams at once`);
});

test('the last lines of many tasks are the newest of them all, over few streams at a time', async () => {
  const { bench, worker } = await withJob(100);
  const answers = (index: number): Answer => ({ lines: [[1_000 - index, 'hello']], end: 'well' });
  const seen = await read(bench, worker, 'shop', answers, { tail: 3 });
  assert.deepEqual(texts(seen.lines), ['shop/main.3 hello', 'shop/main.2 hello', 'shop/main.1 hello']);
  assert.ok(seen.most <= 32, `${seen.most} streams at once`);
});

test('many streams at once are no cause for a warning', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  try {
    const { bench, worker } = await withJob(30);
    const seen = await read(bench, worker, 'shop', () => ({ lines: [[1, 'hello']] }), { follow: true });
    assert.equal(seen.lines.length, 30);
    seen.stop();
    await bench.pass(100);
    assert.ok(seen.over);
  } finally {
    process.off('warning', note);
  }
  assert.deepEqual(warnings, []);
});

test('more tasks than streams can be followed are refused with a word on what to do', async () => {
  const { bench, worker } = await withJob(11, { linkStreamsMax: 20 });
  const seen = await read(bench, worker, 'shop', () => ({}), { follow: true });
  assert.equal(seen.error?.code, 'usage');
  assert.match(seen.error.message, /11 tasks, and no more than 10/);
  assert.match(seen.error.hint, /name one task, such as shop\/main\.1/);
});

test('a slot whose output is gone says so on a line of its own, and the others are read', async () => {
  const { bench, worker } = await withJob(3);
  const answers = (index: number): Answer => (index === 2 ? { end: 'not-found' } : { lines: [[index, 'hello']], end: 'well' });
  const expected = ['shop/main.1 hello', 'shop/main.3 hello', 'shop/main.2 ! no output: task 2: not-found'];
  for (const request of [{}, { tail: 5 }]) assert.deepEqual(texts((await read(bench, worker, 'shop', answers, request)).lines), expected);
  const followed = await read(bench, worker, 'shop', answers, { follow: true });
  assert.deepEqual(texts(followed.lines).toSorted(), expected.toSorted());
  assert.equal(followed.error, undefined);
});

test('who follows a job hears at once that a slot has no output, however quiet the others are', async () => {
  const { bench, worker } = await withJob(2);
  const seen = await read(bench, worker, 'shop', (index) => (index === 1 ? { end: 'not-found' } : {}), { follow: true });
  assert.deepEqual([texts(seen.lines), seen.over], [['shop/main.1 ! no output: task 1: not-found'], false]);
  seen.stop();
  await bench.pass(10);
  assert.deepEqual([seen.over, seen.error], [true, undefined]);
});

test('output that breaks off is told as such', async () => {
  const { bench, worker } = await withJob(2);
  const answers = (index: number): Answer => ({ lines: [[index, 'hello']], end: index === 1 ? 'engine-error' : 'well' });
  const seen = await read(bench, worker, 'shop', answers);
  assert.deepEqual(texts(seen.lines).at(-1), 'shop/main.1 ! no more output: task 1: engine-error');
});

test('a slot that was never placed says so beside the others', async () => {
  const { bench, worker } = await withJob(9, {}, 0.5);
  const seen = await read(bench, worker, 'shop', (index) => ({ lines: [[index, 'hello']], end: 'well' }));
  assert.deepEqual(texts(seen.lines).slice(0, 2), ['shop/main.1 hello', 'shop/main.2 hello']);
  assert.match(texts(seen.lines).at(-1)!, /^shop\/main\.9 ! no output: task shop\/main\.9 has not been placed yet/);
});

test('when no slot has output the first reason is the error', async () => {
  const { bench, worker } = await withJob(3);
  for (const follow of [false, true]) {
    const seen = await read(bench, worker, 'shop', () => ({ end: 'not-found' }), { follow });
    assert.deepEqual([seen.error?.code, seen.error?.message], ['not-found', 'task 1: not-found']);
  }
  worker.leave();
  await bench.pass(100);
  for (const follow of [false, true]) {
    const seen = await read(bench, worker, 'shop', () => ({}), { follow });
    assert.deepEqual([seen.error?.code, seen.lines], ['cut-off', []]);
    assert.match(seen.error!.message, /node w1 is not connected/);
  }
});

test('the output of one task fails with its own reason', async () => {
  const { bench, worker } = await withJob(2);
  const seen = await read(bench, worker, 'shop/main.1', () => ({ end: 'not-found' }));
  assert.deepEqual([seen.error?.message, seen.lines], ['task 1: not-found', []]);
});

test('a task without output is named by its slot, with where to look', async () => {
  const { bench, worker } = await withJob(1);
  const [id] = worker.orders().keys();
  const asked = bench.control.logs('shop/main.1', { follow: false, signal: new AbortController().signal })[Symbol.asyncIterator]().next();
  await bench.pass(50);
  const opened = worker.heard.findLast((frame) => frame.type === 'open');
  assert.ok(opened?.type === 'open');
  worker.send({ type: 'end', stream: opened.stream, code: 'not-found', message: `task ${id} has no container on this node` });
  await assert.rejects(bench.answer(asked), {
    code: 'not-found',
    message: 'shop/main.1 has no container on this node',
    hint: '`cube status shop/main.1` tells more',
  });
});

test('who follows a task hears that its node is lost, by name, and where to look', async () => {
  const { bench, worker } = await withJob(1);
  const lines = bench.control.logs('shop/main.1', { follow: true, signal: new AbortController().signal })[Symbol.asyncIterator]();
  const next = lines.next();
  await bench.pass(50);
  worker.leave();
  await assert.rejects(bench.answer(next), {
    code: 'cut-off',
    message: 'the link to node w1 is lost',
    hint: 'see `cube nodes`, and `cube status shop/main.1` for where it goes on; its output can be read again from there',
  });
});

test('who follows a task hears it when the manager stops, and does not blame the node', async () => {
  const { bench } = await withJob(1);
  const lines = bench.control.logs('shop/main.1', { follow: true, signal: new AbortController().signal })[Symbol.asyncIterator]();
  const next = lines.next();
  await bench.pass(50);
  const stopped = bench.host.stop();
  await assert.rejects(bench.answer(next), { code: 'cut-off', message: 'the manager does not lead any more' });
  await bench.answer(stopped);
});
