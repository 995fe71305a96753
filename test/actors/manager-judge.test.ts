/** What a manager says of containers that a worker found and does not know. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { service } from '../sim/scripts.ts';
import { createManagerBench, report, type ManagerBench, type ScriptedWorker } from './manager-bench.ts';

const epoch = { generation: 1, revision: 1 };

/** Asks as a worker does. @returns the answer, verdicts by id */
async function ask(bench: ManagerBench, worker: ScriptedWorker, ids: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const call = worker.heard.length;
  worker.send({ type: 'call', call, what: { kind: 'judge', ids } });
  await bench.pass(200);
  const answer = worker.heard.find((frame) => frame.type === 'answer' && frame.call === call);
  assert.ok(answer?.type === 'answer' && answer.ok);
  return Object.fromEntries((answer.value as { id: string; verdict: string }[]).map(({ id, verdict }) => [id, verdict]));
}

/** A leader with two workers, and a task that runs on the first of them. */
async function withTask() {
  const bench = createManagerBench();
  await bench.start();
  const [here, there] = [bench.worker('w1'), bench.worker('w2')];
  await bench.answer(here.join());
  await bench.pass(100);
  await bench.answer(bench.control.submit({ spec: service('shop'), origin: { kind: 'file' } }));
  await bench.pass(500);
  await bench.answer(there.join());
  await bench.pass(100);
  const [id] = here.orders().keys();
  here.send({ type: 'reports', reports: [report(id!, 1, 'running')] });
  await bench.pass(100);
  return { bench, here, there, id: id! };
}

test('what nobody knows is to stop, and so is what belongs elsewhere; what is rightly there gets no verdict', async () => {
  const { bench, here, there, id } = await withTask();
  assert.deepEqual(await ask(bench, here, [id, 'nobody']), { nobody: 'stop' });
  assert.deepEqual(await ask(bench, there, [id]), { [id]: 'stop' });
  assert.deepEqual(await ask(bench, here, []), {});
});

test('a task that is over is to stop where it still runs', async () => {
  const { bench, here, id } = await withTask();
  here.send({ type: 'reports', reports: [report(id, 2, 'failed', { exitCode: 1 })] });
  await bench.pass(100);
  assert.deepEqual(await ask(bench, here, [id]), { [id]: 'stop' });
});

test('on a node that has seen later writes than the store holds everything unknown goes on', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join({ epoch, revision: 1_000_000, unknown: [{ id: 'a', running: true }] }));
  await bench.pass(100);
  assert.deepEqual([...worker.verdicts()], [['a', 'adopt']]);
  assert.deepEqual(await ask(bench, worker, ['b']), { b: 'adopt' });
});

test('what a node was let go on with is not stopped at its next greeting', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(
    worker.join({
      adopted: ['a', 'c'],
      reports: [report('c', 1, 'running')],
      unknown: [
        { id: 'a', running: true },
        { id: 'b', running: true },
      ],
    }),
  );
  await bench.pass(100);
  assert.deepEqual(
    [...worker.verdicts()],
    [
      ['c', 'adopt'],
      ['a', 'adopt'],
      ['b', 'stop'],
    ],
  );
  worker.send({ type: 'resync', revision: 0 });
  await bench.pass(100);
  assert.equal(worker.verdicts().get('a'), 'adopt');
});
