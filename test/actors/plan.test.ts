/** What `plan` says, without anything being done. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobPlan } from '../../src/core/job-plan.ts';
import type { JobSpec } from '../../src/core/job.ts';
import type { SubmitRequest } from '../../src/ports/control.ts';
import { batch, quickCheck, service } from '../sim/scripts.ts';
import type { WorldOptions } from '../sim/world.ts';
import { createManagerBench, report, type ManagerBench, type ScriptedWorker } from './manager-bench.ts';

const whole = { cpu: 4, memoryBytes: 0, diskBytes: 0, custom: {} };
const half = { ...whole, cpu: 2 };

function request(spec: JobSpec, more: Partial<SubmitRequest> = {}): SubmitRequest {
  return { spec, origin: { kind: 'file' }, ...more };
}

/** A manager whose workers start and stop whatever they are told to. */
async function withWorkers(
  names: readonly string[],
  options: Partial<WorldOptions> = {},
): Promise<{ bench: ManagerBench; workers: ScriptedWorker[]; rest: () => Promise<void> }> {
  const bench = createManagerBench(options);
  await bench.start();
  const workers = names.map((name) => bench.worker(name));
  for (const worker of workers) await bench.answer(worker.join());
  const sequences = new Map<string, number>();
  const obey = (worker: ScriptedWorker): boolean => {
    const fresh = [...worker.orders().values()].filter(({ id, desired }) => sequences.get(id) !== (desired === 'running' ? 1 : 2));
    const reports = fresh.map(({ id, desired }) => {
      const sequence = desired === 'running' ? 1 : 2;
      sequences.set(id, sequence);
      return report(id, sequence, desired === 'running' ? 'running' : 'stopped');
    });
    if (reports.length > 0) worker.send({ type: 'reports', reports });
    return reports.length > 0;
  };
  const rest = async (): Promise<void> => {
    do await bench.pass(50);
    while (workers.map(obey).includes(true));
  };
  return { bench, workers, rest };
}

function plan(bench: ManagerBench, spec: JobSpec, more: Partial<SubmitRequest> = {}): Promise<JobPlan> {
  return bench.answer(bench.control.plan(request(spec, more)));
}

async function submit(bench: ManagerBench, spec: JobSpec): Promise<void> {
  await bench.answer(bench.control.submit(request(spec)));
}

function brief({ changes }: JobPlan): unknown[] {
  return changes.map(({ action, slot, node }) => [action, slot, node]);
}

test('a new job is placed, and a plan of it leaves no trace', async () => {
  const { bench } = await withWorkers(['w1']);
  const events = bench.host.mirror.events.length;
  const planned = await plan(bench, service('shop', 'runs', 2));
  assert.deepEqual([planned.index, planned.change, planned.unplaced], [0, 'created', []]);
  assert.deepEqual(brief(planned), [
    ['place', 'shop/main.1', 'w1'],
    ['place', 'shop/main.2', 'w1'],
  ]);
  assert.match(planned.changes[0]!.reason, /^the job is new; w1 is the best by epvm$/);
  assert.equal(typeof planned.changes[0]!.score, 'number');
  await bench.pass(1_000);
  assert.equal(bench.host.mirror.events.length, events);
  const { jobs, tasks } = await bench.answer(bench.control.status());
  assert.deepEqual([jobs, tasks], [[], []]);
});

test('without nodes all is unplaced; with nodes that are too small the reasons are told, most frequent first', async () => {
  const bench = createManagerBench();
  await bench.start();
  const nowhere = await plan(bench, service('shop'));
  assert.deepEqual(nowhere.unplaced, [{ slot: 'shop/main.1', reasons: [{ filter: 'state', nodes: 0, detail: 'no node has joined' }] }]);
  for (const name of ['w1', 'w2']) await bench.answer(bench.worker(name).join());
  const big = await plan(bench, service('shop', 'runs', 1, { resources: { ...whole, cpu: 5 } }));
  assert.deepEqual(brief(big), [['place', 'shop/main.1', null]]);
  assert.match(big.changes[0]!.reason, /no node can take it now/);
  assert.deepEqual(
    big.unplaced.map(({ slot, reasons }) => [slot, reasons.map(({ filter, nodes }) => [filter, nodes])]),
    [['shop/main.1', [['cpu', 2]]]],
  );
});

test('an unchanged job is kept, and one that waits says why', async () => {
  const { bench, rest } = await withWorkers(['w1']);
  const spec = service('shop', 'runs', 2, { resources: { ...whole, cpu: 3 } });
  await submit(bench, spec);
  await rest();
  const planned = await plan(bench, spec);
  assert.deepEqual([planned.change, planned.diff], ['unchanged', []]);
  assert.deepEqual(brief(planned), [
    ['keep', 'shop/main.1', 'w1'],
    ['keep', 'shop/main.2', null],
  ]);
  assert.equal(planned.changes[1]!.reason, 'it waits, and no node can take it now');
  assert.deepEqual(
    planned.unplaced.map(({ slot, reasons }) => [slot, reasons[0]?.filter]),
    [['shop/main.2', 'cpu']],
  );
});

test('a stopped job would be started', async () => {
  const { bench, rest } = await withWorkers(['w1']);
  await submit(bench, service('shop'));
  await rest();
  await bench.answer(bench.control.stopJob('shop', { purge: false }));
  await rest();
  const planned = await plan(bench, service('shop'));
  assert.deepEqual([planned.change, brief(planned)], ['started', [['place', 'shop/main.1', 'w1']]]);
  assert.match(planned.changes[0]!.reason, /^the job was stopped; /);
});

test('what differs decides: a new container, only new terms, more or fewer of them', async () => {
  const { bench, rest } = await withWorkers(['w1']);
  await submit(bench, service('shop', 'runs', 2));
  await rest();
  const terms = await plan(bench, service('shop', 'runs', 2, { stopGraceMs: 9_000 }));
  assert.deepEqual(terms.changes.map(({ action, reason }) => [action, reason])[0], ['keep', 'its container stays; new stopGraceMs']);
  assert.deepEqual([terms.change, terms.diff.map(({ path }) => path)], ['updated', ['tasks.main.stopGraceMs']]);
  const image = await plan(bench, service('shop', 'slow:10', 1, { env: { A: '1' } }));
  assert.deepEqual(
    image.changes.map(({ action, slot, node, from, reason }) => [action, slot, node, from, reason]),
    [
      ['update', 'shop/main.1', 'w1', 'w1', 'image and env.A differ; the new one starts first; w1 is the best by epvm'],
      ['stop', 'shop/main.2', 'w1', undefined, 'the job wants fewer instances'],
    ],
  );
  const checked = await plan(bench, service('shop', 'runs', 3, { health: quickCheck }));
  assert.match(checked.changes[0]!.reason, /^health differs; /);
  assert.deepEqual(brief(checked)[2], ['place', 'shop/main.3', 'w1']);
  assert.match(checked.changes[2]!.reason, /^one instance more; /);
});

test('a task that is gone from the job, and one that is new to it', async () => {
  const { bench, rest } = await withWorkers(['w1']);
  const { main } = service('shop').tasks;
  const job = (...tasks: string[]): JobSpec => ({ ...service('shop'), tasks: Object.fromEntries(tasks.map((name) => [name, main!])) });
  await submit(bench, job('web', 'constructor'));
  await rest();
  const planned = await plan(bench, job('web', 'toString'));
  assert.deepEqual(
    planned.changes.map(({ action, slot, reason }) => [action, slot, reason]),
    [
      ['keep', 'shop/web.1', 'nothing about it changes'],
      ['place', 'shop/toString.1', 'the task is new; w1 is the best by epvm'],
      ['stop', 'shop/constructor.1', 'the job has no task "constructor" any more'],
    ],
  );
});

test('with a fixed port the old one stops first, and its port and share are free for the new one', async () => {
  const { bench, rest } = await withWorkers(['w1']);
  const ports = [{ host: 8_080, container: 80, protocol: 'tcp' as const }];
  await submit(bench, service('shop', 'runs', 1, { ports, resources: whole }));
  await rest();
  const planned = await plan(bench, service('shop', 'slow:10', 1, { ports, resources: whole }));
  assert.deepEqual([brief(planned), planned.unplaced], [[['update', 'shop/main.1', 'w1']], []]);
  assert.match(planned.changes[0]!.reason, /the old one stops first, for host port 8080/);
});

test('without one the new one needs room beside the old one; what follows it waits for its turn', async () => {
  const { bench, rest } = await withWorkers(['w1']);
  await submit(bench, service('shop', 'runs', 2, { resources: half }));
  await rest();
  const changed = service('shop', 'slow:10', 2, { resources: half });
  const either = await plan(bench, changed);
  assert.deepEqual(
    either.changes.map(({ action, node, reason }) => [action, node, reason.split('; ')[1]]),
    [1, 2].map(() => ['update', 'w1', 'the old one stops first, since there is no room for both']),
    'where the order does not matter to its user',
  );
  const update = { parallel: 1, order: 'start-first', deadlineMs: 1_000, onFailure: 'pause', canary: 0 } as const;
  const planned = await plan(bench, { ...changed, update });
  assert.deepEqual(
    planned.changes.map(({ action, node, reason }) => [action, node, reason.split('; ').at(-1)]),
    [
      ['update', null, 'no node can take it now'],
      ['update', null, 'waits for its turn'],
    ],
  );
  assert.deepEqual(
    planned.unplaced.map(({ slot }) => slot),
    ['shop/main.1'],
  );
});

test('room for one more is enough to update all, one after the other', async () => {
  const { bench, rest } = await withWorkers(['w1']);
  await submit(bench, service('shop', 'runs', 3, { resources: { ...whole, cpu: 1 } }));
  await rest();
  const planned = await plan(bench, service('shop', 'slow:10', 3, { resources: { ...whole, cpu: 1 } }));
  assert.deepEqual([planned.changes.map(({ node }) => node), planned.unplaced], [['w1', 'w1', 'w1'], []]);
});

test('room that a task of a higher priority waits for is not promised; what one of a lower waits for is', async () => {
  for (const [priority, node] of [
    [80, null],
    [20, 'w1'],
  ] as const) {
    const { bench } = await withWorkers(['w1'], { scoreMs: [500, 500] });
    await submit(bench, service('first', 'runs', 1, { priority, resources: { ...whole, cpu: 3 } }));
    assert.equal([...bench.host.mirror.tasks.values()][0]!.state, 'pending', 'it is being scored');
    const planned = await plan(bench, service('shop', 'runs', 1, { resources: half }));
    assert.deepEqual(brief(planned), [['place', 'shop/main.1', node]], 'others are not shown');
    assert.equal(planned.unplaced.length, node === null ? 1 : 0);
  }
});

test('a batch slot that has completed is kept, also when only terms change', async () => {
  const { bench, workers, rest } = await withWorkers(['w1']);
  await submit(bench, batch('sums', 'completes:1', 1));
  await rest();
  const [id] = workers[0]!.orders().keys();
  workers[0]!.send({ type: 'reports', reports: [report(id!, 3, 'completed', { exitCode: 0 })] });
  await bench.pass(100);
  const planned = await plan(bench, batch('sums', 'completes:1', 1, { priority: 60 }));
  assert.deepEqual([planned.change, planned.changes[0]!.action, planned.changes[0]!.reason], ['updated', 'keep', 'it has completed']);
  assert.equal((await plan(bench, batch('sums', 'completes:2', 1))).changes[0]!.action, 'place');
});

test('a plan is refused as the submit would be, and warns as it would', async () => {
  const { bench } = await withWorkers(['w1']);
  await submit(bench, service('shop'));
  const conflict = { code: 'conflict' };
  await assert.rejects(plan(bench, service('shop'), { checkIndex: 0 }), conflict);
  await assert.rejects(plan(bench, service('shop'), { mustBeNew: true }), conflict);
  const { index } = await plan(bench, service('shop', 'runs', 2));
  assert.equal((await plan(bench, service('shop', 'runs', 2), { checkIndex: index })).index, index);
  const far = { ...service('shop'), datacenters: ['atlantis'] };
  const { warnings } = await bench.answer(bench.control.submit(request({ ...far, name: 'other' })));
  assert.deepEqual((await plan(bench, far)).warnings.length, warnings.length);
  assert.ok(warnings.length > 0);
  await assert.rejects(plan(bench, far, { strict: true }), { code: 'invalid-file' });
});

test('a rolling update of many slots is followed in bounded steps, to the same end', async () => {
  const { bench, rest } = await withWorkers(['w1', 'w2'], { limits: { planStepsMax: 5 } });
  const sized = (image: string): JobSpec => service('shop', image, 40, { resources: { ...whole, cpu: 0.1 } });
  await submit(bench, sized('runs'));
  await rest();
  const planned = await plan(bench, sized('slow:10'));
  assert.ok(planned.changes.every(({ action, node }) => action === 'update' && node !== null));
  assert.deepEqual(planned.unplaced, []);
});

test('whoever would be stopped to make room is named', async () => {
  const { bench, rest } = await withWorkers(['w1']);
  await submit(bench, service('small', 'runs', 1, { priority: 20, resources: { ...whole, cpu: 3 } }));
  await rest();
  const planned = await plan(bench, service('shop', 'runs', 1, { priority: 60, resources: half }));
  assert.deepEqual([brief(planned), planned.unplaced], [[['place', 'shop/main.1', 'w1']], []]);
  assert.deepEqual(
    [planned.changes[0]!.waits, planned.changes[0]!.reason.split('; ')[1]],
    [true, 'w1 is the best by epvm once others have stopped'],
  );
  assert.deepEqual(planned.preempted, [{ slot: 'small/main.1', node: 'w1', reason: 'preempted by shop/main.1 (priority 60)' }]);
  assert.equal([...bench.host.mirror.tasks.values()][0]!.desired, 'running');
});

test('a task that waits gets another try when its job may go elsewhere', async () => {
  const { bench, workers, rest } = await withWorkers(['w1']);
  await submit(bench, { ...service('shop'), datacenters: ['other'] });
  await rest();
  assert.equal(workers[0]!.orders().size, 0);
  const wider = { ...service('shop'), datacenters: ['other', 'dc1'] };
  assert.deepEqual(brief(await plan(bench, wider)), [['keep', 'shop/main.1', 'w1']]);
  await submit(bench, wider);
  await rest();
  assert.equal(workers[0]!.orders().size, 1);
});
