import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobRecord, JobSpec } from '../../src/core/job.ts';
import type { DispatchRequest } from '../../src/ports/control.ts';
import { batch, jobSpec, service } from '../sim/scripts.ts';
import { createManagerBench, report, type ManagerBench, type ScriptedWorker } from './manager-bench.ts';

const parent = (changes: Partial<JobSpec> = {}): JobSpec => ({ ...jobSpec('mail', 'parameterized', 'completes:100', 1), ...changes });

async function begin(
  changes: Partial<JobSpec> = {},
  limits: Readonly<Record<string, number>> = {},
): Promise<{ readonly bench: ManagerBench; readonly worker: ScriptedWorker }> {
  const bench = createManagerBench({ limits });
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join());
  await bench.answer(bench.control.submit({ spec: parent(changes), origin: { kind: 'file' } }));
  return { bench, worker };
}

async function dispatch(bench: ManagerBench, request: DispatchRequest = { set: {} }): Promise<string> {
  const { name } = await bench.answer(bench.control.dispatch('mail', request));
  await bench.pass(100);
  return name;
}

const job = (bench: ManagerBench, name: string): JobRecord | undefined => bench.host.mirror.jobs.get(name);
const runs = (bench: ManagerBench): string[] => [...bench.host.mirror.jobs.keys()].filter((name) => name !== 'mail');
const taskOf = (bench: ManagerBench, name: string) => [...bench.host.mirror.tasks.values()].find((task) => task.job === name)!;

/** The run's one task ends. */
async function end(bench: ManagerBench, worker: ScriptedWorker, name: string, exitCode = 0): Promise<void> {
  const { id } = taskOf(bench, name);
  worker.send({ type: 'reports', reports: [report(id, 9, exitCode === 0 ? 'completed' : 'failed', { exitCode })] });
  await bench.pass(100);
}

test('a dispatch begins a batch job under a name of its own, and the parent stays as it is', async () => {
  const { bench, worker } = await begin();
  const first = await dispatch(bench, { set: { who: 'you' } });
  const second = await dispatch(bench, { set: { who: 'me' } });
  assert.match(first, /^mail-[0-9a-f]{8}$/);
  assert.notEqual(first, second);
  assert.deepEqual(job(bench, first)?.origin, { kind: 'dispatch', parent: 'mail' });
  assert.deepEqual(
    [...worker.orders().values()].map(({ job: of, spec }) => [of, spec.env['who']]).toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
    [
      [first, 'you'],
      [second, 'me'],
    ].toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
  );
  await end(bench, worker, first);
  assert.deepEqual([job(bench, first)?.status, job(bench, 'mail')?.version], ['completed', 1]);
  assert.equal(
    [...bench.host.mirror.tasks.values()].some((task) => task.job === 'mail'),
    false,
  );
});

test('only a parameterized job that is not stopped is dispatched', async () => {
  const { bench } = await begin();
  await bench.answer(bench.control.submit({ spec: service('shop'), origin: { kind: 'file' } }));
  await assert.rejects(bench.answer(bench.control.dispatch('shop', { set: {} })), { code: 'conflict', message: /service job/ });
  await assert.rejects(bench.answer(bench.control.dispatch('nobody', { set: {} })), { code: 'not-found' });
  await bench.answer(bench.control.stopJob('mail', { purge: false }));
  await assert.rejects(bench.answer(bench.control.dispatch('mail', { set: {} })), { code: 'conflict', message: /stopped/ });
  await bench.answer(bench.control.startJob('mail'));
  await dispatch(bench);
});

test('a dispatch that is refused leaves nothing behind', async () => {
  const { bench } = await begin({ parameters: { who: null } });
  await assert.rejects(bench.answer(bench.control.dispatch('mail', { set: {} })), { code: 'usage', message: /needs who/ });
  await assert.rejects(bench.answer(bench.control.dispatch('mail', { set: { who: 'a' }, payload: new Uint8Array(1) })), { code: 'usage' });
  await bench.pass(100);
  assert.deepEqual(runs(bench), []);
});

test('runs under way are bounded', async () => {
  const { bench, worker } = await begin({}, { dispatchedLiveMax: 1 });
  const first = await dispatch(bench);
  await assert.rejects(bench.answer(bench.control.dispatch('mail', { set: {} })), { code: 'busy' });
  await end(bench, worker, first);
  await dispatch(bench);
});

test('ended runs are kept but for the oldest beyond the limit, whether they went well or not; live ones always', async () => {
  const { bench, worker } = await begin({}, { dispatchedRunsMax: 2, replaceDelayMs: 60_000 });
  const live = await dispatch(bench);
  const names: string[] = [];
  for (let round = 0; round < 4; round++) {
    const name = await dispatch(bench);
    names.push(name);
    await end(bench, worker, name, round % 2);
  }
  assert.deepEqual(runs(bench).toSorted(), [live, ...names.slice(2)].toSorted());
  assert.equal(
    [...bench.host.mirror.tasks.values()].some((task) => names.slice(0, 2).includes(task.job)),
    false,
    'their tasks are gone, too',
  );
  await end(bench, worker, live);
  assert.deepEqual(runs(bench).toSorted(), names.slice(2).toSorted(), 'the one that was begun first is the oldest');
});

test('stopping the parent stops the runs that go on, and leaves those that have ended as they are', async () => {
  const { bench, worker } = await begin();
  const ended = await dispatch(bench);
  await end(bench, worker, ended);
  const live = await dispatch(bench);
  await bench.answer(bench.control.stopJob('mail', { purge: false }));
  await bench.pass(100);
  assert.deepEqual([job(bench, ended)?.status, job(bench, ended)?.stopWanted], ['completed', false]);
  assert.deepEqual([job(bench, live)?.stopWanted, taskOf(bench, live).desired], [true, 'stopped']);
  assert.equal(job(bench, 'mail')?.status, 'stopped');
});

test('purging the parent purges its runs: the ended at once, the others when they have ended', async () => {
  const { bench, worker } = await begin();
  const ended = await dispatch(bench);
  await end(bench, worker, ended);
  const live = await dispatch(bench);
  await bench.answer(bench.control.stopJob('mail', { purge: true }));
  await bench.pass(100);
  assert.deepEqual(runs(bench), [live]);
  worker.send({ type: 'reports', reports: [report(taskOf(bench, live).id, 9, 'stopped')] });
  await bench.pass(100);
  assert.equal(bench.host.mirror.jobs.size, 0);
  assert.equal(bench.host.mirror.tasks.size, 0);
});

test('a run is stopped by its own name, and by its task', async () => {
  const { bench } = await begin();
  const [first, second] = [await dispatch(bench), await dispatch(bench)];
  await bench.answer(bench.control.stopJob(first, { purge: false }));
  await bench.answer(bench.control.stopTask(`${second}/main.1`));
  assert.deepEqual([job(bench, first)?.stopWanted, job(bench, second)?.stopWanted], [true, true]);
  assert.equal(job(bench, 'mail')?.stopWanted, false);
});

test('no file takes the name of a run, and a plan says so, too', async () => {
  const { bench } = await begin();
  const name = await dispatch(bench);
  const request = { spec: batch(name), origin: { kind: 'file' as const } };
  await assert.rejects(bench.answer(bench.control.submit(request)), { code: 'conflict', message: /a run of job mail/ });
  await assert.rejects(bench.answer(bench.control.plan(request)), { code: 'conflict' });
  assert.equal(job(bench, name)?.version, 1);
});

test('a change of the parent leaves its runs alone, and the next one follows it', async () => {
  const { bench, worker } = await begin();
  const first = await dispatch(bench);
  await bench.answer(
    bench.control.submit({ spec: { ...parent(), ...jobSpec('mail', 'parameterized', 'fails:100', 1) }, origin: { kind: 'file' } }),
  );
  const second = await dispatch(bench);
  const images = new Map([...worker.orders().values()].map((order) => [order.job, order.spec.image]));
  assert.deepEqual([images.get(first), images.get(second)], ['completes:100', 'fails:100']);
  assert.equal(taskOf(bench, first).desired, 'running');
});

test('runs are there after a manager that was killed', async () => {
  const { bench } = await begin();
  const name = await dispatch(bench, { set: { who: 'you' } });
  bench.host.kill();
  await bench.start();
  const { jobs, tasks } = await bench.answer(bench.control.status({ job: name }));
  assert.deepEqual([jobs[0]?.origin.parent, jobs[0]?.spec.tasks['main']?.env['who'], tasks.length], ['mail', 'you', 1]);
});
