/** Secrets and configs on the manager: versions, who uses them, who follows a change, and who is told what they hold. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { CubeError } from '../../src/core/errors.ts';
import type { FileAsk } from '../../src/core/files.ts';
import type { JobSpec, TaskSpec } from '../../src/core/job.ts';
import { isFinal } from '../../src/core/task.ts';
import { batch, service } from '../sim/scripts.ts';
import { createManagerBench, report, type ManagerBench, type ScriptedWorker } from './manager-bench.ts';

const marker = 'MARKER-77';
const bytes = (text: string): Uint8Array => Buffer.from(text);
const refused = (code: string, message: RegExp) => (error: CubeError) => {
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return true;
};

function shop(more: Partial<TaskSpec> = { secrets: { db: '/run/secrets/db' } }, name = 'shop'): JobSpec {
  return service(name, 'runs', 1, more);
}

/** A manager with workers that do what they are told when `rest` is called. */
async function withWorkers(names: readonly string[] = ['w1'], limits: Readonly<Record<string, number>> = {}) {
  const bench = createManagerBench({ limits });
  await bench.start();
  const workers = new Map<string, ScriptedWorker>();
  for (const name of names) {
    const worker = bench.worker(name);
    workers.set(name, worker);
    await bench.answer(worker.join({ protocolMax: 3, facts: { ...worker.facts, features: ['volumes', 'files'], mounts: [] } }));
  }
  const told = new Map<string, number>();
  const obey = (worker: ScriptedWorker): boolean => {
    const fresh = [...worker.orders().values()].filter(({ id, desired }) => told.get(id) !== (desired === 'running' ? 1 : 2));
    for (const { id, desired } of fresh) {
      told.set(id, desired === 'running' ? 1 : 2);
      worker.send({ type: 'reports', reports: [report(id, told.get(id)!, desired === 'running' ? 'running' : 'stopped')] });
    }
    return fresh.length > 0;
  };
  const rest = async (): Promise<void> => {
    // Longer than a new instance must have run.
    do await bench.pass(1_200);
    while ([...workers.values()].map(obey).includes(true));
  };
  const set = (name: string, text: string, kind: 'secret' | 'config' = 'secret') =>
    bench.answer(bench.control.setFile(kind, name, bytes(text)));
  const submit = (spec: JobSpec) => bench.answer(bench.control.submit({ spec, origin: { kind: 'file' } }));
  return { bench, worker: workers.get(names[0]!)!, workers, rest, set, submit };
}

async function live(bench: ManagerBench, job = 'shop') {
  const { tasks } = await bench.answer(bench.control.status({ job }));
  return tasks.filter((task) => !isFinal(task));
}

async function ask(bench: ManagerBench, worker: ScriptedWorker, task: string, refs: readonly FileAsk[]) {
  const call = 1_000 + worker.heard.length;
  worker.send({ type: 'call', call, what: { kind: 'files', task, refs } });
  await bench.pass(200);
  const answer = worker.heard.find((frame) => frame.type === 'answer' && frame.call === call);
  assert.ok(answer?.type === 'answer');
  return answer.ok ? (answer.value as { content: Uint8Array }[]).map(({ content }) => Buffer.from(content).toString()) : answer.code;
}

test('a content has a version; the same again changes nothing; another is the next', async () => {
  const { bench, set } = await withWorkers();
  assert.deepEqual(tell(await set('db', 'one')), ['created', 1, 3]);
  assert.deepEqual(tell(await set('db', 'one')), ['unchanged', 1, 3]);
  assert.deepEqual(tell(await set('db', 'two!')), ['updated', 2, 4]);
  assert.deepEqual(tell(await set('db', 'one')), ['updated', 3, 3]);
  assert.deepEqual(tell(await set('db', 'one', 'config')), ['created', 1, 3]);
  const [secrets, configs] = [await bench.answer(bench.control.files('secret')), await bench.answer(bench.control.files('config'))];
  assert.deepEqual(
    [secrets, configs].map((list) => list.map(({ kind, name, version }) => [kind, name, version].join(' '))),
    [['secret db 3'], ['config db 1']],
  );
});

function tell({ change, version, bytes: size }: { change: string; version: number; bytes: number }): unknown[] {
  return [change, version, size];
}

test('names, sizes and numbers have bounds', async () => {
  const { bench, set } = await withWorkers([], { fileBytesMax: 10, filesMax: 2, filesBytesMax: 25 });
  for (const name of ['', '.', '-a', 'a/b', 'a b', '../x', 'ä', 'x'.repeat(64)])
    await assert.rejects(bench.answer(bench.control.setFile('secret', name, bytes('x'))), refused('usage', /is no name of a secret/));
  await assert.rejects(set('db', ''), refused('usage', /would be empty/));
  assert.equal((await set('empty', '', 'config')).change, 'created');
  await assert.rejects(set('db', 'x'.repeat(11)), refused('too-large', /has 11 bytes, and may have 10/));
  await set('a', 'x'.repeat(10));
  await set('b', 'x'.repeat(10));
  await assert.rejects(set('c', 'x'), refused('too-large', /no more than 2 are kept/));
  await assert.rejects(set('b', 'y'.repeat(10)), refused('too-large', /would have 30 bytes in all/));
});

test('a job that names what there is not is refused, and plan says so too', async () => {
  const { bench, set, submit } = await withWorkers();
  await set('database', 'x');
  await assert.rejects(submit(shop()), (error: CubeError) => {
    assert.deepEqual([error.code, error.row.exit, error.hint], ['not-found', 4, 'set it first: `cube secret set db FILE`']);
    return true;
  });
  await assert.rejects(
    bench.answer(bench.control.plan({ spec: shop(), origin: { kind: 'file' } })),
    refused('not-found', /no secret "db"/),
  );
  await assert.rejects(
    submit(shop({ configs: { database: '/x' } })),
    refused('not-found', /no config "database"; there is a secret of that name/),
  );
  assert.equal((await bench.answer(bench.control.status())).jobs.length, 0);
});

test('all that is missing is told at once, each with what was meant', async () => {
  const { set, submit } = await withWorkers();
  await set('database', 'x');
  await set('site.conf', 'x', 'config');
  const files = { secrets: { databse: '/a', database: '/b', zzzzzzzz: '/c' }, configs: { 'site.cnf': '/d' } };
  await assert.rejects(submit(shop(files)), (error: CubeError) => {
    assert.deepEqual(error.message.split('\n').toSorted(), [
      'there is no config "site.cnf"; did you mean "site.conf"?',
      'there is no secret "databse"; did you mean "database"?',
      'there is no secret "zzzzzzzz"',
    ]);
    assert.deepEqual([error.code, error.row.exit], ['not-found', 4]);
    assert.equal(error.hint, 'set them first: `cube secret set NAME FILE`, `cube config set NAME FILE`');
    return true;
  });
  await assert.rejects(submit(shop({ secrets: { x1: '/a', y2: '/b' } })), (error: CubeError) => {
    assert.equal(error.hint, 'set them first: `cube secret set NAME FILE`');
    return true;
  });
});

test('an order has the versions its task was made with; a change rolls the services that use it and no others', async () => {
  const { bench, worker, rest, set, submit } = await withWorkers();
  await set('db', 'one');
  await set('site', 'one', 'config');
  await submit(shop({ secrets: { db: '/db' }, configs: { site: '/site' } }));
  await submit(shop({}, 'other'));
  await rest();
  const [first] = await live(bench);
  const [other] = await live(bench, 'other');
  assert.deepEqual(worker.orders().get(first!.id)!.files, [
    { kind: 'secret', name: 'db', path: '/db', version: 1 },
    { kind: 'config', name: 'site', path: '/site', version: 1 },
  ]);
  assert.equal(worker.orders().get(other!.id)!.files, undefined);

  const set2 = await set('db', 'two');
  assert.deepEqual(set2.usedBy, ['shop']);
  await rest();
  const [second] = await live(bench);
  assert.notEqual(second!.id, first!.id);
  assert.deepEqual(
    worker
      .orders()
      .get(second!.id)!
      .files!.map(({ version }) => version),
    [2, 1],
  );
  assert.equal((await live(bench, 'other'))[0]!.id, other!.id);
  const { change } = await submit(shop({ secrets: { db: '/db' }, configs: { site: '/site' } }));
  assert.equal(change, 'unchanged');
});

test('a run of a batch job ends with what it began with, and the next one has the newest', async () => {
  const { bench, worker, rest, set, submit } = await withWorkers();
  await set('db', 'one');
  await submit(batch('report', 'runs', 1, { secrets: { db: '/db' } }));
  await rest();
  const [first] = await live(bench, 'report');
  await set('db', 'two');
  await rest();
  assert.equal((await live(bench, 'report'))[0]!.id, first!.id);
  worker.send({ type: 'reports', reports: [report(first!.id, 9, 'completed', { exitCode: 0 })] });
  await rest();
  await bench.answer(bench.control.startJob('report'));
  await rest();
  const [second] = await live(bench, 'report');
  assert.equal(worker.orders().get(second!.id)!.files![0]!.version, 2);
});

test('a stopped job starts with the newest', async () => {
  const { bench, worker, rest, set, submit } = await withWorkers();
  await set('db', 'one');
  await submit(shop());
  await rest();
  await bench.answer(bench.control.stopJob('shop', { purge: false }));
  await rest();
  await set('db', 'two');
  await rest();
  assert.deepEqual(await live(bench), []);
  await bench.answer(bench.control.startJob('shop'));
  await rest();
  assert.equal(worker.orders().get((await live(bench))[0]!.id)!.files![0]!.version, 2);
});

test('what a job uses is not removed; what none uses is, and no number comes to mean two contents', async () => {
  const { bench, rest, set, submit } = await withWorkers();
  await set('db', 'one');
  await set('db', 'two');
  await submit(shop());
  await submit(shop(undefined, 'shop2'));
  await rest();
  const remove = () => bench.answer(bench.control.removeFile('secret', 'db'));
  await assert.rejects(remove(), refused('conflict', /used by jobs shop and shop2/));
  await bench.answer(bench.control.stopJob('shop2', { purge: true }));
  await submit(shop({}));
  await rest();
  assert.equal((await remove()).version, 2);
  await assert.rejects(remove(), refused('not-found', /no secret "db"/));
  assert.equal((await set('db', 'three')).version, 3);
});

test('a rollback to a version whose secret was removed is refused', async () => {
  const { bench, rest, set, submit } = await withWorkers();
  await set('db', 'one');
  await submit(shop());
  await rest();
  await submit(shop({}));
  await rest();
  await bench.answer(bench.control.removeFile('secret', 'db'));
  await assert.rejects(bench.answer(bench.control.rollback('shop')), refused('not-found', /no secret "db"/));
  assert.equal((await live(bench)).length, 1);
});

test('only the newest few versions are kept, and those that something has', async () => {
  const { bench, worker, rest, set, submit } = await withWorkers(['w1'], { fileVersionsMax: 2 });
  await set('db', 'one');
  await submit(batch('report', 'runs', 1, { secrets: { db: '/db' } }));
  await rest();
  for (const text of ['two', 'three', 'four', 'five']) await set('db', text);
  const [task] = await live(bench, 'report');
  assert.deepEqual(
    bench.host.disk.keys().filter((key) => key.startsWith('file:')),
    ['file:secret/db/00000001', 'file:secret/db/00000004', 'file:secret/db/00000005'],
  );
  assert.deepEqual(await ask(bench, worker, task!.id, [{ kind: 'secret', name: 'db', version: 1 }]), ['one']);
});

test('a worker is told only what its own live tasks were given', async () => {
  const { bench, workers, rest, set, submit } = await withWorkers(['w1', 'w2']);
  await set('db', marker);
  await set('db2', 'other');
  await submit(shop());
  await rest();
  const [task] = await live(bench);
  const here = workers.get(task!.nodeName!)!;
  const there = workers.get(task!.nodeName === 'w1' ? 'w2' : 'w1')!;
  const own: FileAsk = { kind: 'secret', name: 'db', version: 1 };
  assert.deepEqual(await ask(bench, here, task!.id, [own]), [marker]);
  assert.equal(await ask(bench, there, task!.id, [own]), 'forbidden');
  assert.equal(await ask(bench, here, 'nobody', [own]), 'forbidden');
  for (const wrong of [{ name: 'db2' }, { version: 2 }, { kind: 'config' as const }, { kind: 'payload' as const, name: 'shop' }])
    assert.equal(await ask(bench, here, task!.id, [own, { ...own, ...wrong }]), 'forbidden');
  await bench.answer(bench.control.stopJob('shop', { purge: false }));
  await rest();
  assert.equal(await ask(bench, here, task!.id, [own]), 'forbidden');
});

test('all is there after a crash, and nothing of it lies readable in the store', async () => {
  const { bench, rest, set, submit } = await withWorkers();
  await set('db', marker);
  await submit(shop());
  await rest();
  bench.host.kill();
  await bench.start();
  const [file] = await bench.answer(bench.control.files('secret'));
  assert.deepEqual([file!.version, file!.usedBy], [1, ['shop']]);
  assert.equal((await set('db', marker)).change, 'unchanged');
});

test('a payload is sealed as a secret is, found by its run, and goes with it', async () => {
  const { bench, worker, rest } = await withWorkers();
  const parent: JobSpec = { ...batch('import', 'runs'), type: 'parameterized', payload: { file: '/in' } };
  await bench.answer(bench.control.submit({ spec: parent, origin: { kind: 'file' } }));
  const run = await bench.answer(bench.control.dispatch('import', { set: {}, payload: bytes(marker) }));
  await rest();
  const [task] = await live(bench, run.name);
  const [ref] = worker.orders().get(task!.id)!.files!;
  assert.deepEqual(ref, { kind: 'payload', name: run.name, version: 1, path: '/in' });
  assert.deepEqual(await ask(bench, worker, task!.id, [ref]), [marker]);
  assert.deepEqual(await bench.answer(bench.control.files('secret')), []);
  await bench.answer(bench.control.stopJob(run.name, { purge: true }));
  await rest();
  assert.equal(await ask(bench, worker, task!.id, [ref]), 'forbidden');
});

test('who set and removed what is among the events, and what it held is not', async () => {
  const { bench, set } = await withWorkers();
  await set('db', marker);
  await bench.answer(bench.control.removeFile('secret', 'db'));
  const seen: string[] = [];
  for await (const event of bench.control.events({ follow: false, signal: new AbortController().signal })) seen.push(JSON.stringify(event));
  assert.match(seen.join(), /secret\.set[^]*secret\.removed/);
  assert.ok(!seen.join().includes(marker));
});
