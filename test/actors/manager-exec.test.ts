import assert from 'node:assert/strict';
import test from 'node:test';
import { CubeError } from '../../src/core/errors.ts';
import type { ExecInput, ExecItem } from '../../src/core/exec-protocol.ts';
import type { ExecRequest } from '../../src/ports/control.ts';
import type { ManagerFrame } from '../../src/ports/transport.ts';
import { taskIn } from '../core/stream-pair.ts';
import { service } from '../sim/scripts.ts';
import { createManagerBench, report, type ManagerBench, type ScriptedWorker } from './manager-bench.ts';

/** A manager with one worker, on which the tasks of a job run. */
async function withJob(count: number, greeting: { readonly protocolMax?: number } = { protocolMax: 2 }) {
  const bench = createManagerBench();
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join(greeting));
  await bench.answer(bench.control.submit({ spec: service('shop', 'runs', count), origin: { kind: 'file' } }));
  await bench.pass(200);
  const ids = [...worker.orders().values()].toSorted((a, b) => a.index - b.index).map(({ id }) => id);
  return { bench, worker, ids };
}

async function run(bench: ManagerBench, worker: ScriptedWorker, ids: readonly string[]): Promise<void> {
  worker.send({ type: 'reports', reports: ids.map((id) => report(id, 1, 'running')) });
  await bench.pass(100);
}

/** A session as its client sees it. */
function session(bench: ManagerBench, ref: string, more: Partial<ExecRequest> = {}) {
  const leave = new AbortController();
  const seen = { items: [] as ExecItem[], error: undefined as CubeError | undefined, over: false, leave: () => leave.abort() };
  const nothing = async function* (): AsyncGenerator<ExecInput> {};
  const read = async (): Promise<void> => {
    const request = { command: ['ls', 'my-secret'], tty: false, stdin: true, input: nothing(), signal: leave.signal, ...more };
    try {
      for await (const item of bench.control.exec(ref, request)) seen.items.push(item);
    } catch (thrown) {
      assert.ok(thrown instanceof CubeError, String(thrown));
      seen.error = thrown;
    }
    seen.over = true;
  };
  void read();
  return seen;
}

function frames<T extends ManagerFrame['type']>(worker: ScriptedWorker, type: T): Extract<ManagerFrame, { type: T }>[] {
  return worker.heard.filter((frame): frame is Extract<ManagerFrame, { type: T }> => frame.type === type);
}

test('a command goes to the node of its task, and what comes of it goes to the client', async () => {
  const { bench, worker, ids } = await withJob(2);
  await run(bench, worker, ids);
  const seen = session(bench, 'shop/main.2', { tty: true, size: { columns: 80, rows: 24 } });
  await bench.pass(100);
  const [{ stream, what }] = frames(worker, 'open') as [Extract<ManagerFrame, { type: 'open' }>];
  assert.deepEqual(what, {
    kind: 'exec',
    task: ids[1],
    command: ['ls', 'my-secret'],
    tty: true,
    stdin: true,
    size: { columns: 80, rows: 24 },
  });
  const bytes = Buffer.from('hello');
  worker.send({ type: 'data', stream, items: [{ kind: 'started' }, { kind: 'output', stream: 'stdout', bytes }] });
  worker.send({ type: 'data', stream, items: [{ kind: 'exit', exitCode: 3 }] });
  worker.send({ type: 'end', stream });
  await bench.pass(100);
  assert.equal(seen.over, true);
  assert.deepEqual(
    seen.items.map((item) => (item.kind === 'output' ? Buffer.from(item.bytes).toString() : item)),
    [{ kind: 'started' }, 'hello', { kind: 'exit', exitCode: 3 }],
  );
});

test('that a command began is logged with its task, and the command is not', async () => {
  const { bench, worker, ids } = await withJob(1);
  await run(bench, worker, ids);
  session(bench, 'shop/main.1');
  await bench.pass(100);
  worker.send({ type: 'data', stream: 1, items: [{ kind: 'started' }] });
  await bench.pass(100);
  const line = bench.world.lines.find(({ message }) => message === 'a command was started in a task');
  assert.equal(line?.level, 'info');
  assert.ok(!JSON.stringify(bench.world.lines).includes('my-secret'));
});

test('input goes to the worker as it grants', async () => {
  const { bench, worker, ids } = await withJob(1);
  await run(bench, worker, ids);
  let given = 0;
  const input = async function* (): AsyncGenerator<ExecInput> {
    for (;;) yield ((given++, { kind: 'bytes', bytes: Buffer.alloc(1_000) }));
  };
  const seen = session(bench, 'shop', { input: input() });
  await bench.pass(100);
  assert.equal(given, 0);
  worker.send({ type: 'grant', stream: 1, bytes: 5_000 });
  await bench.pass(100);
  assert.equal(frames(worker, 'data').length, 5);
  seen.leave();
  await bench.pass(100);
  assert.deepEqual([seen.over, seen.error, frames(worker, 'end').length], [true, undefined, 1]);
});

test('a client whose input makes no sense ends the session', async () => {
  const { bench, worker, ids } = await withJob(1);
  await run(bench, worker, ids);
  const input = async function* (): AsyncGenerator<ExecInput> {
    yield { kind: 'end' };
    throw new CubeError('usage', 'nonsense');
  };
  const seen = session(bench, 'shop', { input: input() });
  await bench.pass(100);
  worker.send({ type: 'grant', stream: 1, bytes: 5_000 });
  await bench.pass(100);
  assert.deepEqual([seen.error?.code, seen.error?.message, frames(worker, 'end').length], ['usage', 'nonsense', 1]);
});

test('a job with one running task is enough of a name; with several it is not, and they are listed', async () => {
  const { bench, worker, ids } = await withJob(3);
  const none = session(bench, 'shop');
  await bench.pass(100);
  assert.deepEqual([none.error?.code, none.error?.message], ['not-running', 'no task of job shop runs: it is deploying']);
  await run(bench, worker, ids.slice(1, 2));
  session(bench, 'shop');
  await bench.pass(100);
  assert.equal(taskIn(frames(worker, 'open')[0]!.what), ids[1]);
  await run(bench, worker, ids);
  const many = session(bench, 'shop');
  await bench.pass(100);
  assert.equal(many.error?.code, 'conflict');
  assert.equal(many.error?.message, 'job shop has 3 tasks that run: shop/main.1, shop/main.2, shop/main.3');
});

test('of many running tasks only some are listed', async () => {
  const { bench, worker, ids } = await withJob(12);
  await run(bench, worker, ids);
  const seen = session(bench, 'shop');
  await bench.pass(100);
  assert.match(seen.error!.message, /^job shop has 12 tasks that run: shop\/main\.1, shop\/main\.2, .*shop\/main\.8 and 4 more$/);
});

test('a task that does not run is refused with its state, one that is not there as such', async () => {
  const { bench, worker, ids } = await withJob(1);
  const early = session(bench, ids[0]!.slice(0, 8));
  const stranger = session(bench, 'shop/main.9');
  await bench.pass(100);
  assert.deepEqual([early.error?.code, early.error?.message], ['not-running', 'task shop/main.1 does not run: it is scheduled']);
  assert.equal(stranger.error?.code, 'not-found');
  assert.deepEqual(frames(worker, 'open'), []);
});

test('a node that is lost in the middle ends the session', async () => {
  const { bench, worker, ids } = await withJob(1);
  await run(bench, worker, ids);
  const seen = session(bench, 'shop');
  await bench.pass(100);
  worker.leave();
  await bench.pass(100);
  assert.deepEqual([seen.error?.code, seen.error?.message], ['cut-off', 'the link to node w1 is lost']);
  const next = session(bench, 'shop');
  await bench.pass(100);
  assert.equal(next.error?.code, 'cut-off');
});

test('a worker of a version without exec is not asked', async () => {
  const { bench, worker, ids } = await withJob(1, { protocolMax: 1 });
  await run(bench, worker, ids);
  const seen = session(bench, 'shop');
  await bench.pass(100);
  assert.deepEqual([seen.error?.code, frames(worker, 'open')], ['not-yet', []]);
  assert.match(seen.error!.message, /node w1 runs a version of Cube without exec/);
  assert.equal(frames(worker, 'welcome')[0]?.protocol, 1);
});

test('a worker that says what no command says ends the session', async () => {
  const { bench, worker, ids } = await withJob(1);
  await run(bench, worker, ids);
  const seen = session(bench, 'shop');
  await bench.pass(100);
  worker.send({ type: 'data', stream: 1, items: [{ kind: 'output', stream: 'stdin', bytes: 'text' }] });
  await bench.pass(100);
  assert.equal(seen.error?.code, 'failed');
  assert.equal(frames(worker, 'end').length, 1);
});
