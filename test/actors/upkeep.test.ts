/** A worker's upkeep: what ended containers leave behind, what is cleaned up, and above all what is not. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Order } from '../../src/core/task.ts';
import type { FakeScripts } from '../../src/runtime/fake-script.ts';
import { createWorkerBench, order, type WorkerBench } from './worker-bench.ts';

const restart = { on: 'failure', attempts: 9, withinMs: 600_000, delayMs: 0, backoff: 1, delayMsMax: 0 } as const;

/** Lets time pass while the manager says that it lives. */
async function pass(bench: WorkerBench, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    bench.send({ type: 'beat' });
    await bench.pass(500);
  }
}

/** All that a task has written, as a manager reads it. */
async function linesOf(bench: WorkerBench, more: { readonly tail?: number; readonly sinceMs?: number } = {}): Promise<readonly string[]> {
  const stream = 1 + bench.heard.filter((frame) => frame.type === 'end').length;
  bench.send({ type: 'open', stream, what: { kind: 'logs', task: 'a', follow: false, ...more } });
  bench.send({ type: 'grant', stream, bytes: 1_000_000 });
  await bench.pass(100);
  const frames = bench.heard.filter((frame) => 'stream' in frame && frame.stream === stream);
  const end = frames.findLast((frame) => frame.type === 'end');
  assert.ok(end, 'the output ends');
  const lines = frames.flatMap((frame) => (frame.type === 'data' ? frame.items.map((item) => (item as { text: string }).text.trim()) : []));
  return end.code === undefined ? lines : [...lines, end.code];
}

/** A task that says which attempt it is, and fails a second later as often as it is told to; then it goes on. */
function failing(times: number): FakeScripts {
  return ({ attempt }) => ({ lines: [`line ${attempt}`], ...(attempt <= times ? { runForMs: 1_000, exitCode: 1 } : {}) });
}

async function startBench(scripts: FakeScripts, orders: readonly Order[], limits: Readonly<Record<string, number>> = {}) {
  const bench = createWorkerBench({ scripts, limits });
  await bench.start();
  bench.welcome(orders);
  return bench;
}

const failsThrice = (): Order => order('a', 'any', {}, { restart });

test('the container of the attempt before goes, and its output stays', async () => {
  const bench = await startBench(failing(3), [failsThrice()]);
  await pass(bench, 6_000);
  assert.deepEqual([bench.report('a')?.state, bench.report('a')?.attempt], ['running', 4]);
  assert.equal(bench.host.engine.containers.size, 1);
  assert.deepEqual(await linesOf(bench), ['line 1', 'line 2', 'line 3', 'line 4']);
  assert.deepEqual(await linesOf(bench, { tail: 2 }), ['line 3', 'line 4']);
  const { startedAt } = bench.report('a')!;
  assert.deepEqual(await linesOf(bench, { sinceMs: startedAt! - 1 }), ['line 4']);
});

test('a restart waits for no copy: an engine that does not give the output does not hold it up', async () => {
  const bench = await startBench(failing(1), [failsThrice()]);
  const { engine } = bench.host;
  const enter = engine.enter.bind(engine);
  engine.enter = (verb, container, signal) => (verb === 'logs' ? new Promise<void>(() => undefined) : enter(verb, container, signal));
  await pass(bench, 1_500);
  assert.deepEqual([bench.report('a')?.state, bench.report('a')?.attempt], ['running', 2]);
  assert.equal(engine.containers.size, 2, 'and nothing is removed that is not copied');
});

for (const step of ['before kept.keep', 'after kept.keep', 'before engine.remove', 'after engine.remove']) {
  test(`a crash ${step} of what an attempt left loses no output and leaves no container`, async () => {
    const bench = await startBench(failing(1), [failsThrice()]);
    let died = false;
    bench.world.diesAt = ({ where }) => !died && (died = where === step);
    await pass(bench, 5_000);
    assert.ok(died && !bench.host.up);
    await bench.start();
    bench.welcome([failsThrice()], { revision: 2 });
    await pass(bench, 3_000);
    assert.deepEqual([bench.report('a')?.state, bench.report('a')?.attempt], ['running', 2]);
    assert.equal(bench.host.engine.containers.size, 1);
    assert.deepEqual(await linesOf(bench), ['line 1', 'line 2']);
  });
}

test('of an attempt whose container somebody removed a line tells that its output is lost', async () => {
  const bench = await startBench(failing(0), [failsThrice()]);
  await pass(bench, 1_000);
  bench.host.engine.remove(bench.host.engine.running('a')[0]!.ref.id);
  await pass(bench, 2_000);
  assert.deepEqual([bench.report('a')?.state, bench.report('a')?.attempt], ['running', 2]);
  assert.deepEqual(await linesOf(bench), [
    'cube: the container of attempt 1 was removed by somebody else, and its output with it',
    'line 2',
  ]);
});

test('the last attempts of a task are kept, not all', async () => {
  const bench = await startBench(failing(6), [failsThrice()], { keptAttemptsMax: 2 });
  await pass(bench, 10_000);
  assert.deepEqual(await linesOf(bench), ['line 5', 'line 6', 'line 7']);
  assert.equal((await bench.host.keptLogs.list()).length, 2);
});

test('of much output the end is kept', async () => {
  const lines = Array.from({ length: 30 }, (_, at) => `line ${at}`);
  const scripts: FakeScripts = ({ attempt }) => ({
    lines: attempt === 1 ? lines : [],
    ...(attempt === 1 ? { runForMs: 1_000, exitCode: 1 } : {}),
  });
  const byLines = await startBench(scripts, [failsThrice()], { keptLogLinesMax: 3 });
  const byBytes = await startBench(scripts, [failsThrice()], { keptLogBytesMax: 17 });
  for (const bench of [byLines, byBytes]) await pass(bench, 4_000);
  assert.deepEqual(await linesOf(byLines), lines.slice(-3));
  assert.deepEqual(await linesOf(byBytes), lines.slice(-2));
});

const sweeps = { sweepMs: 1_000, deadContainerAgeMs: 5_000, orphanGraceMs: 3_000 };

test('the container of an ended task goes by age, its output is kept until the task is forgotten, the record stays', async () => {
  const bench = await startBench(() => ({ lines: ['done'], runForMs: 100 }), [order('a', 'any', { jobType: 'batch' })], sweeps);
  await pass(bench, 4_000);
  assert.equal(bench.host.engine.containers.size, 1);
  await pass(bench, 4_000);
  assert.equal(bench.host.engine.containers.size, 0);
  assert.equal(bench.host.role?.desk.book.entries.get('a')?.report?.state, 'completed');
  assert.deepEqual(await linesOf(bench), ['done']);
  bench.send({ type: 'delta', epoch: { generation: 1, revision: 1 }, base: 1, revision: 2, orders: [], forget: ['a'] });
  await pass(bench, 1_000);
  assert.deepEqual(await linesOf(bench), ['not-found']);
  assert.deepEqual(await bench.host.keptLogs.list(), []);
});

test('of many ended containers the newest stay', async () => {
  const orders = Array.from({ length: 6 }, (_, at) => order(`t${at}`, 'any', { jobType: 'batch' }));
  const bench = await startBench(() => ({ runForMs: 100 }), orders, { ...sweeps, deadContainerAgeMs: 600_000, deadContainersMax: 2 });
  await pass(bench, 3_000);
  assert.equal(bench.host.engine.containers.size, 2);
});

/** Makes a container by hand: with the labels of a task, under a name of its own. */
function makeByHand(bench: WorkerBench, id: string, attempt: number, begin = true): string {
  const { engine } = bench.host;
  const { owner } = [...engine.containers.values()][0]!;
  const work = { order: { ...order(id, 'any'), task: `by-hand-${engine.containers.size}` }, attempt };
  const ref = engine.create(work, owner, {});
  if (begin) engine.begin(engine.find(ref.id)!);
  return ref.id;
}

test('a second container of a task, made by hand, is told of and goes after a grace; the real one is not touched', async () => {
  const bench = await startBench(failing(1), [failsThrice()], sweeps);
  await pass(bench, 3_000);
  const [real] = bench.host.engine.running('a');
  const fakes = [makeByHand(bench, 'a', 1), makeByHand(bench, 'a', 2), makeByHand(bench, 'a', 9), makeByHand(bench, 'a', 2, false)];
  await pass(bench, 2_000);
  assert.equal(bench.host.engine.containers.size, 1 + fakes.length, 'they have their grace');
  assert.ok(bench.world.lines.some(({ message }) => /by-hand.* is beside the one that job-a\/main\.1 should have/.test(message)));
  await pass(bench, 4_000);
  assert.deepEqual([...bench.host.engine.containers.keys()], [real!.ref.id]);
  assert.deepEqual([bench.report('a')?.state, bench.report('a')?.attempt], ['running', 2]);
});

test('a second container made by hand while the node was down is not taken for the real one', async () => {
  const bench = await startBench(failing(0), [failsThrice()], sweeps);
  await pass(bench, 1_000);
  const [real] = bench.host.engine.running('a');
  bench.host.kill();
  makeByHand(bench, 'a', 7);
  await bench.start();
  bench.welcome([failsThrice()], { revision: 2 });
  await pass(bench, 8_000);
  assert.deepEqual([bench.report('a')?.state, bench.report('a')?.attempt], ['running', 1]);
  assert.deepEqual([...bench.host.engine.containers.keys()], [real!.ref.id]);
});

test('the container of an ended task that somebody starts again is stopped after a grace, and keeps its output', async () => {
  const bench = await startBench(() => ({ lines: ['done'], runForMs: 100 }), [order('a', 'any', { jobType: 'batch' })], {
    ...sweeps,
    deadContainerAgeMs: 600_000,
  });
  await pass(bench, 1_000);
  const [one] = [...bench.host.engine.containers.values()];
  Object.assign(one!, { state: 'running', exit: undefined });
  await pass(bench, 2_000);
  assert.equal(bench.host.engine.running('a').length, 1);
  await pass(bench, 4_000);
  assert.equal(bench.host.engine.running('a').length, 0);
  assert.equal(bench.host.engine.containers.size, 1);
  assert.equal(bench.host.role?.desk.book.entries.get('a')?.report?.state, 'completed');
});

/** Answers what the worker asks about tasks it does not know. @returns the ids it asked for, each time */
function judge(bench: WorkerBench, verdict: 'stop' | 'adopt'): readonly (readonly string[])[] {
  const asked: (readonly string[])[] = [];
  const answered = new Set<number>();
  const push = bench.heard.push.bind(bench.heard);
  bench.heard.push = (...frames) => {
    for (const frame of frames) {
      if (frame.type !== 'call' || frame.what.kind !== 'judge' || answered.has(frame.call)) continue;
      answered.add(frame.call);
      asked.push(frame.what.ids);
      bench.send({ type: 'answer', call: frame.call, ok: true, value: frame.what.ids.map((id) => ({ id, verdict })) });
    }
    return push(...frames);
  };
  return asked;
}

test('a container that turns up and that nobody owns goes on the manager’s word, after a grace', async () => {
  const bench = await startBench(failing(0), [failsThrice()], sweeps);
  await pass(bench, 1_000);
  const asked = judge(bench, 'stop');
  makeByHand(bench, 'nobody', 1);
  await pass(bench, 2_500);
  assert.deepEqual(asked, [['nobody']]);
  assert.equal(bench.host.engine.running('nobody').length, 1);
  assert.ok(bench.world.lines.some(({ level, message }) => level === 'warn' && message.startsWith('nobody owns cube-job-nobody-by-hand')));
  await pass(bench, 4_000);
  assert.deepEqual(
    bench.host.engine.running().map(({ work }) => work.order.id),
    ['a'],
  );
  assert.equal(asked.length, 1);
});

test('an orphan that the manager adopts goes on, is asked about once and told of once, also over a crash', async () => {
  const bench = await startBench(failing(0), [failsThrice()], sweeps);
  await pass(bench, 1_000);
  const asked = judge(bench, 'adopt');
  makeByHand(bench, 'nobody', 1);
  await pass(bench, 10_000);
  bench.host.kill();
  await bench.start();
  const greeting = bench.heard.at(-1);
  assert.deepEqual(greeting?.type === 'greet' && greeting.adopted, ['nobody']);
  bench.welcome([failsThrice()], { revision: 2 });
  await pass(bench, 10_000);
  assert.equal(bench.host.engine.running('nobody').length, 1);
  assert.equal(asked.length, 1);
  assert.equal(bench.world.lines.filter(({ message }) => /goes on although the manager does not know it/.test(message)).length, 1);
  bench.host.engine.remove(bench.host.engine.running('nobody')[0]!.ref.id);
  await pass(bench, 2_000);
  assert.deepEqual(bench.host.role?.desk.book.noteOf('adopted'), []);
});

test('without a manager, before its orders, or of a version that cannot be asked, no orphan goes', async () => {
  const bench = createWorkerBench({ scripts: failing(0), limits: sweeps });
  await bench.start();
  bench.welcome([failsThrice()]);
  await pass(bench, 1_000);
  const asked = judge(bench, 'stop');
  bench.host.kill();
  makeByHand(bench, 'nobody', 1);
  await bench.start();
  await pass(bench, 10_000);
  assert.equal(bench.host.engine.running('nobody').length, 1, 'it has greeted, and has no orders');
  bench.send({ type: 'welcome', protocol: 1, clusterId: 'cluster-1', epoch: { generation: 1, revision: 1 } });
  bench.send({ type: 'assignments', epoch: { generation: 1, revision: 1 }, revision: 2, orders: [], verdicts: [] });
  await pass(bench, 10_000);
  assert.equal(bench.host.engine.running('nobody').length, 1);
  assert.deepEqual(asked, []);
});

test('a condemned orphan is spared when the manager is lost before its time, and when it is ordered after all', async () => {
  const bench = await startBench(failing(0), [failsThrice()], { ...sweeps, orphanGraceMs: 6_000 });
  await pass(bench, 1_000);
  const asked = judge(bench, 'stop');
  makeByHand(bench, 'nobody', 1);
  await pass(bench, 2_500);
  assert.equal(asked.length, 1);
  // Without a beat the link is given up; the next one has no orders.
  await bench.pass(10_000);
  assert.equal(bench.host.engine.running('nobody').length, 1);
  bench.welcome([failsThrice()], { revision: 2 });
  await pass(bench, 1_500);
  assert.equal(asked.length, 2);
  bench.send({
    type: 'delta',
    epoch: { generation: 1, revision: 1 },
    base: 2,
    revision: 3,
    orders: [{ ...order('nobody', 'any'), task: 'by-hand-1' }],
    forget: [],
  });
  await pass(bench, 10_000);
  assert.deepEqual([bench.report('nobody')?.state, bench.report('nobody')?.attempt], ['running', 1]);
  assert.equal(bench.host.engine.made('nobody', 1), 1);
});

test('an engine that is away holds nothing up, and what was left is cleaned up when it is back', async () => {
  const bench = await startBench(failing(1), [failsThrice()], sweeps);
  await pass(bench, 1_500);
  bench.host.engine.down();
  await pass(bench, 10_000);
  bench.host.engine.up();
  await pass(bench, 5_000);
  assert.equal(bench.host.engine.containers.size, 1);
  assert.deepEqual(await linesOf(bench), ['line 1', 'line 2']);
});
