import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeptAnswer } from '../../actors/manager/answers.ts';
import type { JobSpec } from '../../src/core/job.ts';
import type { Control, RequestKey } from '../../src/ports/control.ts';
import { openMemoryStore } from '../../src/store/memory.ts';
import { jobSpec, service } from '../sim/scripts.ts';
import { createManagerBench, type ManagerBench } from './manager-bench.ts';

const key: RequestKey = { key: 'key-1', print: 'print-1' };

const submitted = (spec: JobSpec) => ({ spec, origin: { kind: 'file' as const } });

async function begin(limits: Readonly<Record<string, number>> = {}): Promise<ManagerBench> {
  const bench = createManagerBench({ limits });
  await bench.start();
  await bench.answer(bench.control.submit(submitted(service('shop', 'runs', 2))));
  await bench.answer(bench.control.submit(submitted(jobSpec('mail', 'parameterized', 'runs', 1))));
  return bench;
}

/** What is on disk of jobs and tasks. */
function onDisk({ host: { mirror } }: ManagerBench): unknown {
  return structuredClone({ jobs: mirror.jobs, tasks: mirror.tasks, events: mirror.events.length });
}

/** The manager is killed when the change is on disk, before anybody hears of it, and started again. */
async function crashBeforeAnswer(bench: ManagerBench, ask: (control: Control) => Promise<unknown>): Promise<void> {
  let heard = false;
  bench.world.diesAt = ({ where }) => where === 'after write';
  void ask(bench.control).then(
    () => (heard = true),
    () => (heard = true),
  );
  await bench.pass(100);
  assert.equal(bench.host.process?.alive, false, 'nothing was written');
  assert.equal(heard, false);
  bench.world.diesAt = () => false;
  await bench.start();
}

/** What is on disk of answers; the manager is started anew for that. */
async function keptAnswers(bench: ManagerBench): Promise<readonly KeptAnswer[]> {
  const { host, world } = bench;
  const { log } = host.process!.ambient;
  host.kill();
  const store = openMemoryStore({ disk: host.disk, limits: world.limits, log });
  const { records } = await store.load();
  await store.close();
  await bench.start();
  return [...(records.get('answer')?.values() ?? [])] as KeptAnswer[];
}

for (const [name, ask] of [
  ['a dispatch', (control: Control) => control.dispatch('mail', { set: { who: 'you' } })],
  ['a restart', (control: Control) => control.restartJob('shop')],
  ['a scale', (control: Control) => control.scale('shop', { main: 3 }, {})],
  ['a submit', (control: Control) => control.submit(submitted(service('shop', 'slow:5', 2)))],
  ['a stop of a task', (control: Control) => control.stopTask('shop/main.1')],
  ['a purge', (control: Control) => control.stopJob('mail', { purge: true })],
] as const) {
  test(`${name} that was written down before a crash, and never answered, is done once when it is asked for again`, async () => {
    const bench = await begin();
    await crashBeforeAnswer(bench, (control) => ask(control.keyed(key)));
    await bench.pass(100);
    const before = onDisk(bench);
    await bench.answer<unknown>(ask(bench.control.keyed(key)));
    await bench.pass(100);
    assert.deepEqual(onDisk(bench), before);
  });
}

test('a dispatch that is asked for again is answered with the run that it began, as it is by then', async () => {
  const bench = await begin();
  const first = await bench.answer(bench.control.keyed(key).dispatch('mail', { set: {} }));
  await bench.answer(bench.control.stopJob(first.name, { purge: false }));
  bench.host.kill();
  await bench.start();
  const again = await bench.answer(bench.control.keyed(key).dispatch('mail', { set: {} }));
  assert.deepEqual([again.name, again.stopWanted], [first.name, true]);
});

test('a job that is gone by then is told as it was', async () => {
  const bench = await begin();
  const first = await bench.answer(bench.control.keyed(key).stopJob('mail', { purge: true }));
  assert.equal(bench.host.mirror.jobs.has('mail'), false);
  const again = await bench.answer(bench.control.keyed(key).stopJob('mail', { purge: true }));
  assert.deepEqual([again.name, again.version, again.counts], [first.name, first.version, first.counts]);
});

test('a submit that changed nothing is not made up for when things have changed', async () => {
  const bench = await begin();
  const old = submitted(service('shop', 'runs', 2));
  assert.equal((await bench.answer(bench.control.keyed(key).submit(old))).change, 'unchanged');
  await bench.answer(bench.control.submit(submitted(service('shop', 'runs', 5))));
  const again = await bench.answer(bench.control.keyed(key).submit(old));
  assert.deepEqual([again.change, again.job.version], ['unchanged', 2]);
  assert.equal(bench.host.mirror.jobs.get('shop')?.spec.tasks['main']?.count, 5);
});

test('a key that stands for another request is a conflict, and does nothing', async () => {
  const bench = await begin();
  await bench.answer(bench.control.keyed(key).restartJob('shop'));
  const before = onDisk(bench);
  const other = { ...key, print: 'print-2' };
  await assert.rejects(bench.answer(bench.control.keyed(other).restartJob('shop')), { code: 'conflict', message: /another request/ });
  await assert.rejects(bench.answer(bench.control.keyed(key).stopJob('shop', { purge: false })), { code: 'conflict' });
  assert.deepEqual(onDisk(bench), before);
  await bench.answer(bench.control.keyed({ ...key, key: 'key-2' }).restartJob('shop'));
  assert.notDeepEqual(onDisk(bench), before);
});

test('what was refused is tried again under its key', async () => {
  const bench = await begin();
  const ask = () => bench.answer(bench.control.keyed(key).startJob('late'));
  await assert.rejects(ask(), { code: 'not-found' });
  await bench.answer(bench.control.submit(submitted(service('late'))));
  assert.equal((await ask()).name, 'late');
});

test('two of one key at once are one change', async () => {
  const bench = await begin();
  bench.world.writeMs = [50, 50];
  const both = [1, 2].map(() => bench.control.keyed(key).dispatch('mail', { set: {} }));
  const [first, second] = await bench.answer(Promise.all(both));
  assert.equal(first!.name, second!.name);
  assert.equal(bench.host.mirror.jobs.size, 3);
});

test('a request that makes several changes goes on where it was broken off', async () => {
  const bench = await begin();
  const first = await bench.answer(bench.control.keyed(key).dispatch('mail', { set: {} }));
  const again = bench.control.keyed(key);
  assert.equal((await bench.answer(again.dispatch('mail', { set: {} }))).name, first.name);
  const second = await bench.answer(again.dispatch('mail', { set: {} }));
  assert.notEqual(second.name, first.name);
});

test('answers are forgotten after their time, on disk as well', async () => {
  const bench = await begin({ idempotencyMs: 1_000, eventsSweepMs: 500 });
  const first = await bench.answer(bench.control.keyed(key).dispatch('mail', { set: {} }));
  assert.equal((await keptAnswers(bench)).length, 1);
  await bench.pass(2_000);
  assert.equal((await keptAnswers(bench)).length, 0);
  const second = await bench.answer(bench.control.keyed(key).dispatch('mail', { set: {} }));
  assert.notEqual(second.name, first.name);
});

test('beyond their number the oldest answers go, also after a restart', async () => {
  const bench = await begin({ idempotencyKeysMax: 2 });
  const ask = (name: string) => bench.answer(bench.control.keyed({ key: name, print: 'p' }).dispatch('mail', { set: {} }));
  const a = await ask('a');
  const b = await ask('b');
  bench.host.kill();
  await bench.start();
  await ask('c');
  assert.equal((await keptAnswers(bench)).length, 2);
  assert.equal((await ask('b')).name, b.name);
  assert.notEqual((await ask('a')).name, a.name);
});

test('neither keys nor what a job is made of is kept with an answer', async () => {
  const bench = await begin();
  const spec = service('vault', 'runs', 1, { env: { TOKEN: 'open sesame' } });
  await bench.answer(bench.control.keyed({ key: 'the-key', print: 'the-print' }).submit(submitted(spec)));
  const text = JSON.stringify(await keptAnswers(bench));
  assert.match(text, /vault/);
  assert.doesNotMatch(text, /sesame|the-key|the-print/);
});
