/** Whether the checkers can see: each is shown histories made by hand, good ones and bad ones. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { ClusterEvent } from '../../src/core/events.ts';
import type { JobRecord } from '../../src/core/job.ts';
import type { NodeRecord } from '../../src/core/node.ts';
import type { Order, TaskRecord } from '../../src/core/task.ts';
import type { ManagerFrame, WorkerFrame } from '../../src/ports/transport.ts';
import { report } from '../actors/manager-bench.ts';
import { order } from '../actors/worker-bench.ts';
import { jobOf, record } from '../core/records.ts';
import {
  checkContainers,
  checkSlots,
  createAckChecker,
  createHistoryChecker,
  createOrderChecker,
  createSequenceChecker,
  type RunningContainer,
} from './checkers.ts';
import { startCluster } from './cluster.ts';
import { createPromises } from './promises.ts';
import { service } from './scripts.ts';
import { unsettled, type ClusterLook, type Fate } from './settled.ts';

const v2 = { version: 2, specHash: 'v2' };

function byId(...tasks: readonly TaskRecord[]): Map<string, TaskRecord> {
  return new Map(tasks.map((task) => [task.id, task]));
}

function container(task: TaskRecord, host = 'w1'): RunningContainer {
  return { host, name: `container of ${task.id}`, taskId: task.id };
}

/** Events of one thing, numbered from 1. */
function history(
  ...steps: readonly (readonly [machine: ClusterEvent['machine'], from: string, to: string, event: string])[]
): ClusterEvent[] {
  return steps.map(([machine, from, to, event], at) => ({ seq: at + 1, at, epoch: '1.1', machine, id: 'x', from, to, event, cause: '' }));
}

function problemsOf(events: readonly ClusterEvent[]): string[] {
  const checker = createHistoryChecker();
  return events.flatMap((event) => checker.see(event));
}

const goodTask = history(
  ['task', 'none', 'pending', 'order.create'],
  ['task', 'pending', 'scheduled', 'order.schedule'],
  ['task', 'scheduled', 'running', 'report.running'],
  ['task', 'running', 'running', 'order.stop'],
  ['task', 'running', 'unreachable', 'node.down'],
  ['task', 'unreachable', 'stopped', 'report.stopped'],
);

test('a history that follows the machines is taken', () => {
  assert.deepEqual(problemsOf(goodTask), []);
  assert.deepEqual(
    problemsOf(
      history(
        ['node', 'none', 'joining', 'node.joined'],
        ['node', 'joining', 'ready', 'link.welcomed'],
        ['node', 'ready', 'joining', 'manager.recovered'],
        ['node', 'joining', 'none', 'node.replaced'],
      ),
    ),
    [],
  );
});

test('a gap in the numbers is seen, and a number that comes twice', () => {
  assert.match(problemsOf(goodTask.toSpliced(1, 1))[0]!, /event 3 follows event 1/);
  assert.match(problemsOf([goodTask[0]!, goodTask[0]!])[0]!, /event 1 follows event 1/);
});

test('a step from where nobody was is seen', () => {
  const [problem] = problemsOf(history(['job', 'none', 'pending', 'job.changed'], ['job', 'deploying', 'running', 'tasks.healthy']));
  assert.match(problem!, /was pending, and now moves from deploying/);
});

test('a step that is no edge of its machine is seen', () => {
  for (const bad of [
    ['task', 'pending', 'running', 'order.schedule'],
    ['task', 'stopped', 'running', 'report.running'],
    ['task', 'stopped', 'stopped', 'order.stop'],
    ['job', 'running', 'pending', 'tasks.healthy'],
    ['node', 'ready', 'down', 'deadline.down'],
    ['node', 'ready', 'ready', 'manager.recovered'],
  ] as const) {
    const problems = problemsOf(history([bad[0], 'none', bad[1], 'made'], bad));
    assert.match(problems[0] ?? '', /has no edge/, bad.join(' '));
  }
});

test('two wanted records of a version of a slot are seen, and three of a slot', () => {
  const [one, two] = [record(1, 'running'), record(1, 'pending')];
  assert.match(checkSlots([one, two])[0]!, /two wanted records of one version/);
  const others = [
    { ...two, desired: 'stopped' as const },
    { ...two, state: 'unreachable' as const },
    { ...two, state: 'failed' as const },
    { ...two, ...v2 },
    { ...two, slot: 'shop/web.2' },
  ];
  for (const other of others) assert.deepEqual(checkSlots([one, other]), []);
  assert.match(checkSlots([one, { ...two, ...v2 }, record(1, 'running', { specHash: 'v3' })])[0]!, /3 wanted records/);
});

test('a container that runs without a record is seen, and one whose record has ended, but for those that are excused', () => {
  const task = record(1, 'running');
  assert.deepEqual(checkContainers([container(task)], byId(task)), []);
  for (const [state, tasks] of [
    ['missing', byId()],
    ['stopped', byId({ ...task, state: 'stopped' })],
    ['lost', byId({ ...task, state: 'lost' })],
  ] as const) {
    assert.match(checkContainers([container(task)], tasks)[0]!, new RegExp(`its record is ${state}`));
    assert.deepEqual(
      checkContainers([container(task)], tasks, ({ host }) => host === 'w1'),
      [],
    );
    assert.equal(checkContainers([container(task)], tasks, ({ host }) => host === 'w2').length, 1);
  }
});

test('a task that runs in two places is seen', () => {
  const task = record(1, 'running');
  assert.match(checkContainers([container(task), container(task, 'w2')], byId(task))[0]!, /runs twice/);
});

test('a sequence that falls is seen, and one that comes to mean something else', () => {
  const checker = createSequenceChecker();
  const send = (...reports: ReturnType<typeof report>[]): readonly string[] => checker.sent('n1', { type: 'reports', reports });
  assert.deepEqual(send(report('a', 1, 'running'), report('a', 1, 'running'), report('b', 1, 'failed')), []);
  assert.deepEqual(send(report('a', 3, 'running')), []);
  assert.match(send(report('a', 2, 'running'))[0]!, /report 2 of a follows 3/);
  assert.match(send(report('b', 1, 'running'))[0]!, /said .* before, and now/);
  assert.deepEqual(checker.sent('n2', { type: 'reports', reports: [report('a', 1, 'running')] }), [], 'another node counts by itself');
});

function delta(orders: readonly Order[], epoch: number, revision: number, forget: readonly string[] = []): ManagerFrame {
  return { type: 'delta', epoch: { generation: 1, revision: epoch }, base: 0, revision, orders, forget };
}

test('orders of an older epoch or revision are seen, and orders that are not on disk', () => {
  const task = record(1, 'scheduled');
  const disk = byId(task);
  const checker = createOrderChecker();
  const one = order(task.id, 'runs');
  assert.deepEqual(checker.sent(delta([one], 2, 7), disk), []);
  assert.match(checker.sent(delta([one], 2, 6), disk)[0]!, /revision 6 follow those of 7/);
  assert.match(checker.sent(delta([one], 1, 9), disk)[0]!, /epoch 1 follow those of epoch 2/);
  assert.match(checker.sent(delta([order('unknown', 'runs')], 3, 1), disk)[0]!, /is not on disk/);
  assert.match(checker.sent(delta([one], 3, 2), byId({ ...task, node: undefined }))[0]!, /its place is not on disk/);
  assert.match(checker.sent(delta([{ ...one, desired: 'stopped' }], 3, 3), disk)[0]!, /told to stop, which is not on disk/);
});

test('an end that is acknowledged before it is on disk is seen', () => {
  const task = record(1, 'running');
  const checker = createAckChecker();
  const ack = (sequence: number): ManagerFrame => ({ type: 'acks', acks: [{ id: task.id, sequence }] });
  checker.reported({ type: 'reports', reports: [report(task.id, 3, 'running')] }, 'w1');
  assert.deepEqual(checker.sent(ack(3), byId(task)), []);
  checker.reported({ type: 'reports', reports: [report(task.id, 4, 'failed')] }, 'w1');
  assert.match(checker.sent(ack(4), byId(task))[0]!, /its record on disk says running/);
  assert.deepEqual(checker.sent(ack(4), byId({ ...task, state: 'failed' })), []);
  assert.deepEqual(checker.sent(ack(4), byId()), []);
});

test('a report that is never acknowledged is seen, until its task is forgotten or it is said again', () => {
  const checker = createAckChecker();
  const reports = (sequence: number): WorkerFrame => ({ type: 'reports', reports: [report('one', sequence, 'running')] });
  checker.reported(reports(3), 'w1');
  assert.match(checker.unanswered()[0]!, /report 3 of one was never acknowledged/);
  checker.sent({ type: 'acks', acks: [{ id: 'one', sequence: 2 }] }, byId());
  assert.equal(checker.unanswered().length, 1, 'an older one was acknowledged');
  checker.sent({ type: 'acks', acks: [{ id: 'one', sequence: 3 }] }, byId());
  assert.deepEqual(checker.unanswered(), []);
  checker.reported(reports(4), 'w1');
  checker.sent(delta([], 1, 1, ['one']), byId());
  assert.deepEqual(checker.unanswered(), []);
});

function jobs(...all: readonly JobRecord[]): Map<string, JobRecord> {
  return new Map(all.map((job) => [job.name, job]));
}

function shop(priority: number, changes: Partial<JobRecord> = {}): JobRecord {
  const job = jobOf('service', 1, changes);
  return { ...job, spec: { ...job.spec, priority } };
}

test('a promise that was broken is seen: what was accepted and is gone, or is not as it was asked for', () => {
  const promises = createPromises();
  promises.made({ kind: 'submit', job: 'shop', spec: 1 })('done');
  assert.deepEqual(promises.check(jobs(shop(1))), []);
  assert.match(promises.check(jobs())[0]!, /job shop is "none"/);
  assert.match(promises.check(jobs(shop(2)))[0]!, /is "2 false false"/);
  promises.made({ kind: 'stop', job: 'shop', purge: false })('done');
  assert.deepEqual(promises.check(jobs(shop(1, { stopWanted: true }))), []);
  assert.match(promises.check(jobs(shop(1)))[0]!, /was promised as "1 true false"/);
  assert.match(promises.check(jobs(shop(1, { stopWanted: true }), jobOf('batch', 1, { name: 'other' })))[0]!, /nobody asked for job other/);
});

test('a request that was refused must change nothing; one whose answer was lost may or may not have been taken', () => {
  const promises = createPromises();
  promises.made({ kind: 'submit', job: 'shop', spec: 1 })('done');
  promises.made({ kind: 'submit', job: 'shop', spec: 2 })('refused');
  assert.equal(promises.check(jobs(shop(2))).length, 1);
  const heard = promises.made({ kind: 'submit', job: 'shop', spec: 3 });
  for (const spec of [1, 3]) assert.deepEqual(promises.check(jobs(shop(spec))), [], 'while it is under way');
  heard('unknown');
  for (const spec of [1, 3]) assert.deepEqual(promises.check(jobs(shop(spec))), [], 'when nothing was heard');
  promises.made({ kind: 'start', job: 'shop' })('done');
  for (const spec of [1, 3]) assert.deepEqual(promises.check(jobs(shop(spec))), []);
  assert.equal(promises.check(jobs(shop(2))).length, 1);
});

test('a job that is purged may be there until it is gone, and not come back', () => {
  const promises = createPromises();
  promises.made({ kind: 'submit', job: 'shop', spec: 1 })('done');
  promises.made({ kind: 'stop', job: 'shop', purge: true })('done');
  assert.deepEqual(promises.check(jobs(shop(1, { stopWanted: true, purgeWanted: true }))), []);
  assert.deepEqual(promises.check(jobs()), []);
  assert.equal(promises.check(jobs(shop(1))).length, 1);
});

const node = { id: 'n1', name: 'one', state: 'ready' } as NodeRecord;

function looking(job: JobRecord, tasks: readonly TaskRecord[], fate: Fate, changes: Partial<ClusterLook> = {}): readonly string[] {
  const running = tasks.filter((task) => task.state === 'running').map((task) => container(task));
  const kept = running.map(({ taskId }) => taskId);
  return unsettled({ jobs: jobs(job), tasks: byId(...tasks), nodes: new Map([['n1', node]]), running, kept, fate: () => fate, ...changes });
}

test('a cluster that has settled is told from one that has not', () => {
  const task = record(1, 'running');
  assert.deepEqual(looking(jobOf('service', 1), [task], 'runs'), []);
  const done = jobOf('batch', 1, { status: 'completed' });
  assert.deepEqual(looking(done, [record(1, 'completed')], 'completes'), []);
  assert.deepEqual(looking(jobOf('service', 1, { status: 'failed' }), [record(1, 'rejected')], 'fails'), []);
  assert.deepEqual(looking(jobOf('service', 1, { status: 'stopped', stopWanted: true }), [record(1, 'stopped')], 'runs'), []);
});

test('all that is missing or too much in a cluster is named', () => {
  const task = record(1, 'running');
  const job = jobOf('service', 1);
  const stopped = jobOf('service', 1, { status: 'stopped', stopWanted: true });
  const cases: readonly (readonly [RegExp, readonly string[]])[] = [
    [/is pending without a container and is to run/, looking(job, [record(1, 'pending')], 'runs')],
    [/is missing and is to run/, looking(job, [], 'runs')],
    [/running without a container/, looking(job, [task], 'runs', { running: [] })],
    [/2 live records/, looking(job, [task, record(1, 'unreachable')], 'runs')],
    [/unreachable record/, looking(job, [record(1, 'unreachable')], 'runs')],
    [/is to run/, looking({ ...job, version: 2, hashes: { web: 'v2' } }, [task], 'runs')],
    [/nobody wants it/, looking(stopped, [task], 'runs')],
    [/is to stop and is running/, looking({ ...stopped, status: 'running' }, [], 'runs')],
    [/is deploying, not running/, looking({ ...job, status: 'deploying' }, [task], 'runs')],
    [/is failed and is to end/, looking(jobOf('batch', 1, { status: 'completed' }), [record(1, 'failed')], 'completes')],
    [/is running, not failed or degraded/, looking(job, [record(1, 'rejected')], 'fails')],
    [/is backingOff and is to fail/, looking({ ...job, status: 'degraded' }, [record(1, 'backingOff')], 'fails')],
    [/there is no such record/, looking(job, [task], 'runs', { kept: ['gone'] })],
    [/is of no job/, looking(job, [task, record(1, 'stopped', { job: 'gone' })], 'runs')],
    [/node one is suspect/, looking(job, [task], 'runs', { nodes: new Map([['n1', { ...node, state: 'suspect' }]]) })],
  ];
  for (const [expected, problems] of cases) assert.match(problems.join('\n'), expected);
});

test('a container that somebody else started under a task’s name fails the run at the next step, with its seed', async () => {
  const cluster = await startCluster({ seed: 77 });
  assert.ok((await cluster.finish(cluster.submit(service('shop')))).ok);
  await cluster.settled();
  const { engine } = cluster.host('w1');
  const [one] = engine.running();
  const owner = { clusterId: 'c', nodeId: 'n' };
  const twin = engine.create({ ...one!.work, attempt: 2 }, owner, {});
  engine.begin(engine.find(twin.id)!);
  await assert.rejects(cluster.pass(1_000), (error: Error) => {
    assert.match(error.message, /runs twice/);
    assert.match(error.message, /runs in two containers on w1/);
    assert.match(error.message, /CUBE_SEED=77 npm run sim/);
    return true;
  });
});

test('a job that is gone from the disk after it was accepted fails the run', async () => {
  const cluster = await startCluster({ seed: 78 });
  assert.ok((await cluster.finish(cluster.submit(service('shop')))).ok);
  await cluster.settled();
  (cluster.manager.mirror.jobs as Map<string, JobRecord>).delete('shop');
  await assert.rejects(cluster.pass(1_000), /job shop is "none"/);
});
