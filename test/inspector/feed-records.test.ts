import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskJson } from '../../src/core/views.ts';
import { problem } from '../../src/core/errors.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import { fakeNode } from '../support/fake-control.ts';
import { lampFeed, Watcher } from './harness.ts';
import { jobSpec, ScriptedControl } from './scripted-control.ts';

/** The states that a record was shown in, from first to last. */
function valuesOf(watcher: Watcher, sessionId: string): unknown[] {
  return watcher.messages.flatMap((message) =>
    message.sessionId !== sessionId || message.type === '@xstate.event' ? [] : [message.snapshot.value],
  );
}

function context(message: { readonly snapshot: { readonly context: unknown } } | undefined): unknown {
  return message!.snapshot.context;
}

/** A feed over a job whose tasks all run, and somebody who has seen them. */
async function watchedJob(count = 2) {
  const control = await ScriptedControl.withJob(count);
  const made = lampFeed({ control });
  const watcher = new Watcher();
  const stop = made.feed.subscribe(watcher.take);
  await watcher.until(() => watcher.actor(`task shop/web.${count}`));
  const idOf = (slot: string): string => `n1/task:${control.tasksKept.find((task) => task.slot === slot)!.id}`;
  return { ...made, control, watcher, stop, idOf };
}

test('while nobody looks nothing is attached, and nothing is asked', async () => {
  const control = await ScriptedControl.withJob(1);
  const { feed, observers, clock } = lampFeed({ control });
  assert.deepEqual([observers.total(), control.asks.status, control.streamsOpen], [0, 0, 0]);
  const watchers = [new Watcher(), new Watcher()];
  const stops = watchers.map((watcher) => feed.subscribe(watcher.take));
  await Promise.all(watchers.map((watcher) => watcher.until(() => watcher.actor('task shop/web.1'))));
  assert.deepEqual([observers.count(), control.asks.status, control.lastEventFilters.length], [1, 1, 1]);
  stops[0]!();
  assert.equal(observers.count(), 1);
  stops[1]!();
  assert.equal(observers.count(), 0);
  assert.equal(control.lastEventFilters[0]!.signal.aborted, true);
  const said = watchers[1]!.texts.length;
  control.move('shop/web.1', 'stopping');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([watchers[1]!.texts.length, control.streamsOpen, clock.timers.size], [said, 0, 0]);
});

test('who looks again after a pause sees the state of that moment', async () => {
  const { feed, root, control, stop } = await watchedJob(1);
  stop();
  control.move('shop/web.1', 'failed');
  root.send({ type: 'lamp.sold' });
  const watcher = new Watcher();
  feed.subscribe(watcher.take);
  const task = await watcher.until(() => watcher.actor('task shop/web.1'));
  assert.deepEqual([task.snapshot.value, task.snapshot.status], ['failed', 'done']);
  assert.deepEqual([watcher.actor('lamp')!.snapshot.value, watcher.actor('lamp')!.snapshot.status], ['gone', 'done']);
});

test('nodes, jobs and tasks appear as actors of their machines: nodes first, a task below its job', async () => {
  const { control, watcher, idOf } = await watchedJob(1);
  assert.deepEqual(
    watcher.actors.map(({ name }) => name),
    ['lamp', 'node bar', 'job shop', 'task shop/web.1'],
  );
  const [, node, job, task] = watcher.actors;
  assert.deepEqual([node!.sessionId, node!.snapshot.value], ['n1/node:node-1', 'ready']);
  assert.deepEqual([job!.sessionId, job!.snapshot.value, job!.parentId], ['n1/job:shop', 'running', undefined]);
  assert.deepEqual([task!.sessionId, task!.parentId, task!.rootId], [idOf('shop/web.1'), 'n1/job:shop', 'n1/job:shop']);
  assert.deepEqual([task!.snapshot.value, task!.snapshot.status, task!.snapshot.tags], [{ running: 'healthy' }, 'active', ['worker']]);
  assert.equal((context(task) as TaskJson).slot, 'shop/web.1');
  assert.equal((JSON.parse(task!.definition!) as { id: string }).id, 'task');
  assert.equal(watcher.texts.join('').includes('hunter2'), false);
  assert.equal(control.lastEventFilters[0]!.afterSeq, 0);
});

test('each event of a record is an event and a snapshot of its actor', async () => {
  const { control, watcher, idOf } = await watchedJob(1);
  const from = watcher.messages.length;
  control.move('shop/web.1', 'stopping', { reason: 'told to' });
  await watcher.until(() => watcher.snapshots.some(({ snapshot }) => snapshot.value === 'stopping'));
  const [event, snapshot] = watcher.messages.slice(from);
  assert.equal(event!.sessionId, idOf('shop/web.1'));
  assert.deepEqual(event!.type === '@xstate.event' && event!.event, {
    type: 'report.stopping',
    seq: 1,
    epoch: '1.1',
    from: 'running.healthy',
    to: 'stopping',
    cause: 'it is stopping',
    job: 'shop',
    node: 'bar',
  });
  assert.equal(event!.createdAt, '1000');
  assert.ok(snapshot!.type === '@xstate.snapshot');
  assert.deepEqual([snapshot!.snapshot.value, snapshot!.snapshot.status], ['stopping', 'active']);
  const { state, reason } = context(snapshot) as TaskJson;
  assert.deepEqual([state, reason], ['stopping', 'told to']);
});

test('a burst shows every state in its order, and ends with the record as it is', async () => {
  const { control, watcher, idOf } = await watchedJob(1);
  for (const state of ['backingOff', 'preparing', 'starting', 'running'] as const) control.move('shop/web.1', state, { restarts: 1 });
  control.move('shop/web.1', 'running', { health: 'healthy', restarts: 2 });
  control.move('shop/web.1', 'completed', { exitCode: 0 });
  const last = await watcher.until(() => watcher.snapshots.find(({ snapshot }) => snapshot.status === 'done'));
  assert.deepEqual(valuesOf(watcher, idOf('shop/web.1')), [
    { running: 'healthy' },
    'backingOff',
    'preparing',
    'starting',
    { running: 'unknown' },
    { running: 'healthy' },
    'completed',
  ]);
  assert.equal((context(last) as TaskJson).exitCode, 0);
});

test('nothing falls between the first view and the events: what moves while the view is on its way comes after it', async () => {
  const control = await ScriptedControl.withJob(1);
  control.move('shop/web.1', 'running', { health: 'unhealthy' });
  let open: () => void = () => undefined;
  control.gate = new Promise((resolve) => (open = resolve));
  const { feed } = lampFeed({ control });
  const watcher = new Watcher();
  feed.subscribe(watcher.take);
  await new Promise((resolve) => setImmediate(resolve));
  control.move('shop/web.1', 'stopping');
  control.move('shop/web.1', 'stopped');
  open();
  const last = await watcher.until(() => watcher.snapshots.find(({ snapshot }) => snapshot.status === 'done'));
  assert.deepEqual(valuesOf(watcher, last.sessionId), [{ running: 'unhealthy' }, 'stopping', 'stopped']);
});

test('with a manager that does not tell its last event, all since the view was asked for is told', async () => {
  const control = await ScriptedControl.withJob(1);
  const status = control.status.bind(control);
  control.status = async (filter) => ({ ...(await status(filter)), seq: undefined });
  const { feed, clock } = lampFeed({ control });
  clock.time = 1_500;
  control.emit({ id: 'long ago' });
  const watcher = new Watcher();
  feed.subscribe(watcher.take);
  await watcher.until(() => watcher.actor('task shop/web.1'));
  assert.equal(control.lastEventFilters[0]!.sinceMs, 1_500);
  control.move('shop/web.1', 'stopping');
  await watcher.until(() => watcher.snapshots.some(({ snapshot }) => snapshot.value === 'stopping'));
});

test('an event that changes no state leaves the state as it is shown', async () => {
  const { control, watcher, idOf } = await watchedJob(1);
  control.move('shop/web.1', 'running', { health: 'healthy', desired: 'stopped' }, { from: 'running', to: 'running', event: 'order.stop' });
  const { snapshot } = await watcher.until(() => watcher.snapshots.find(({ event }) => event.type === 'order.stop'));
  assert.deepEqual(snapshot.value, { running: 'healthy' });
  assert.equal((context({ snapshot }) as TaskJson).desired, 'stopped');
  assert.equal(valuesOf(watcher, idOf('shop/web.1')).length, 2);
});

test('a record that comes while somebody looks is described before its first event', async () => {
  const { control, watcher } = await watchedJob(1);
  await control.submit({ spec: jobSpec('late', 1), origin: { kind: 'file' } });
  const task = control.tasksKept.at(-1)!;
  control.change('late/web.1', { state: 'pending', health: 'unknown' });
  control.emit({ machine: 'job', id: 'late', from: 'none', to: 'pending', event: 'job.created', job: 'late' });
  control.emit({ id: task.id, from: 'none', to: 'pending', event: 'order.create', job: 'late' });
  const made = await watcher.until(() => watcher.snapshots.find(({ event }) => event.type === 'order.create'));
  assert.equal(made.snapshot.value, 'pending');
  const own = watcher.messages.filter(({ sessionId }) => sessionId === made.sessionId).map(({ type }) => type);
  assert.deepEqual(own, ['@xstate.actor', '@xstate.event', '@xstate.snapshot']);
  assert.equal(watcher.actor('task late/web.1')!.parentId, 'n1/job:late');
});

test('counts of a job and loads of nodes follow their tasks, without an event of their own', async () => {
  const { control, watcher, clock } = await watchedJob(2);
  control.nodesKept = [fakeNode({ tasks: 1 })];
  control.move('shop/web.1', 'failed');
  const job = await watcher.until(() => watcher.snapshots.find(({ sessionId }) => sessionId === 'n1/job:shop'));
  assert.equal(job.event.type, 'record.changed');
  assert.equal((context(job) as { running: number }).running, 1);
  clock.fire();
  const node = await watcher.until(() => watcher.snapshots.find(({ sessionId }) => sessionId === 'n1/node:node-1'));
  assert.equal((context(node) as { tasks: number }).tasks, 1);
});

test('a purged job goes, and its tasks with it', async () => {
  const { control, watcher, idOf } = await watchedJob(1);
  const id = idOf('shop/web.1');
  control.jobs.delete('shop');
  control.tasksKept = [];
  control.emit({ machine: 'job', id: 'shop', from: 'stopped', to: 'none', event: 'job.purged', job: 'shop' });
  await watcher.until(() => watcher.snapshots.find(({ sessionId }) => sessionId === 'n1/job:shop'));
  assert.deepEqual(
    watcher.snapshots.map(({ sessionId, snapshot }) => [sessionId, snapshot.status]),
    [
      [id, 'stopped'],
      ['n1/job:shop', 'stopped'],
    ],
  );
});

test('an event of a record that is gone already, and that nobody saw, is passed over', async () => {
  const { control, watcher } = await watchedJob(1);
  control.emit({ id: 'nobody', job: 'gone' });
  control.emit({ machine: 'manager', id: 'm', from: 'electing', to: 'leading' });
  control.move('shop/web.1', 'stopping');
  await watcher.until(() => watcher.snapshots.some(({ snapshot }) => snapshot.value === 'stopping'));
  assert.equal(watcher.texts.join('').includes('nobody'), false);
});

test('tasks of one job that move together are read together', async () => {
  const { control, watcher } = await watchedJob(20);
  const before = control.asks.status;
  for (let index = 1; index <= 20; index++) control.move(`shop/web.${index}`, 'stopping');
  await watcher.until(() => watcher.snapshots.filter(({ snapshot }) => snapshot.value === 'stopping').length === 20);
  assert.ok(control.asks.status - before <= 2, `${control.asks.status - before} questions`);
});

test('only the newest of the ended records, and of those at work, are told', async () => {
  const control = await ScriptedControl.withJob(30);
  for (let index = 1; index <= 20; index++) control.change(`shop/web.${index}`, { state: 'completed' });
  const { feed, log } = lampFeed({ control, limits: { inspectEndedMax: 5, inspectRecordsMax: 4 } });
  const watcher = new Watcher();
  feed.subscribe(watcher.take);
  await watcher.until(() => watcher.actor('task shop/web.30'));
  const tasks = watcher.actors.filter(({ name }) => name.startsWith('task ')).map(({ name }) => Number(name.slice(14)));
  assert.deepEqual(tasks, [16, 17, 18, 19, 20, 27, 28, 29, 30]);
  assert.ok(log.lines.some(({ message }) => message.includes('and 21 more')));
  control.move('shop/web.21', 'stopping');
  await watcher.until(() => watcher.actor('task shop/web.21'));
});

test('a manager that does not lead yet is asked again after a pause', async () => {
  const control = await ScriptedControl.withJob(1);
  control.failure = problem('not-leading', 'this manager does not lead yet');
  const { feed, clock, log } = lampFeed({ control });
  const watcher = new Watcher();
  feed.subscribe(watcher.take);
  while (clock.timers.size === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(watcher.actor('job shop'), undefined);
  assert.ok(log.lines.some(({ level, message }) => level === 'debug' && message.includes('does not lead')));
  control.failure = undefined;
  clock.fire();
  await watcher.until(() => watcher.actor('task shop/web.1'));
});

test('when the events break off, all records are read anew, and those that are gone are told', async () => {
  const { control, watcher, clock } = await watchedJob(2);
  control.failure = problem('store-failed', 'the leadership ended');
  control.wake();
  while (clock.timers.size === 0) await new Promise((resolve) => setImmediate(resolve));
  control.failure = undefined;
  control.tasksKept = control.tasksKept.slice(0, 1);
  const from = watcher.messages.length;
  clock.fire();
  await watcher.until(() =>
    watcher.messages.slice(from).find((message) => message.type === '@xstate.actor' && message.name.startsWith('task')),
  );
  const gone = watcher.snapshots.find(({ snapshot }) => snapshot.status === 'stopped');
  assert.equal((context(gone) as TaskJson).slot, 'shop/web.2');
  control.move('shop/web.1', 'stopping');
  await watcher.until(() => watcher.snapshots.some(({ snapshot }) => snapshot.value === 'stopping'));
});

test('the welcome of the largest cluster shown fits what a client may be behind', async () => {
  const control = await ScriptedControl.withJob(limitsDefault.inspectRecordsMax + limitsDefault.inspectEndedMax);
  for (let index = 1; index <= limitsDefault.inspectEndedMax; index++) control.change(`shop/web.${index}`, { state: 'completed' });
  for (let job = 1; job < limitsDefault.inspectRecordsMax; job++) {
    await control.submit({ spec: jobSpec(`job-${job}`, 0), origin: { kind: 'file' } });
  }
  control.nodesKept = Array.from({ length: 1_000 }, (_, index) => fakeNode({ id: `node-${index}`, name: `node-${index}` }));
  const { feed } = lampFeed({ control });
  let bytes = 0;
  let count = 0;
  await new Promise<void>((resolve) => {
    feed.subscribe((json) => {
      bytes += json.length;
      if (++count === 1 + 3 * limitsDefault.inspectRecordsMax + limitsDefault.inspectEndedMax) resolve();
    });
  });
  assert.ok(bytes < limitsDefault.feedBufferBytesMax, `${bytes} bytes`);
});
