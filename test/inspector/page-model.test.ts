import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machines } from '../../machines/index.ts';
import { chartOf } from '../../src/core/chart.ts';
import type { InspectedSnapshot, InspectMessage } from '../../src/core/inspect-protocol.ts';
import { definitionOf } from '../../src/inspector/definition.ts';
import { Model } from '../../src/inspector/page/model.ts';
import { takenEdge, valueText } from '../../src/inspector/page/transition.ts';

let messages = 0;

function message(sessionId: string, more: object): InspectMessage {
  return {
    id: String(++messages),
    sessionId,
    rootId: sessionId,
    createdAt: String(messages),
    _version: '0.7.2',
    ...more,
  } as InspectMessage;
}

function snapshot(value: unknown, status: InspectedSnapshot['status'] = 'active', context: unknown = {}): InspectedSnapshot {
  return { status, value, context, tags: [], children: {}, historyValue: {} };
}

/** Writes what a feed would say. */
function talk(model: Model) {
  return {
    described: (
      id: string,
      name: string,
      value: unknown,
      machine: keyof typeof machines = 'task',
      status: InspectedSnapshot['status'] = 'active',
    ) =>
      model.apply(
        message(id, {
          type: '@xstate.actor',
          name,
          definition: definitionOf(machines[machine].config).text,
          snapshot: snapshot(value, status),
        }),
      ),
    event: (id: string, type: string, sourceId?: string, more: object = {}) =>
      model.apply(message(id, { type: '@xstate.event', event: { type, ...more }, ...(sourceId ? { sourceId } : {}) })),
    now: (id: string, type: string, value: unknown, status: InspectedSnapshot['status'] = 'active') =>
      model.apply(message(id, { type: '@xstate.snapshot', event: { type }, snapshot: snapshot(value, status) })),
  };
}

test('an event and its snapshot are one entry, which says where it led', () => {
  const model = new Model();
  const { described, event, now } = talk(model);
  described('n/task:1', 'task shop/web.1', 'preparing');
  event('n/task:1', 'report.starting', undefined, { cause: 'made' });
  const actor = model.actors.get('n/task:1')!;
  assert.deepEqual([actor.log[0]!.from, actor.log[0]!.to], ['preparing', null]);
  now('n/task:1', 'report.starting', 'starting');
  assert.equal(actor.log.length, 1);
  const [entry] = actor.log;
  assert.deepEqual(
    [entry!.from, entry!.to, entry!.edge?.event, entry!.event['cause']],
    ['preparing', 'starting', 'report.starting', 'made'],
  );
  assert.deepEqual([actor.stateText, actor.innerText, actor.taken?.count, actor.since], ['starting', '', 1, messages]);
});

test('events that come while another is done with each get their own snapshot', () => {
  const model = new Model();
  const { described, event, now } = talk(model);
  described('n/x:1', 'link a', 'dialing', 'link');
  described('n/x:2', 'worker', 'joining', 'worker');
  event('n/x:1', 'xstate.done.actor.dial', 'n/x:2');
  event('n/x:1', 'greeting.done');
  now('n/x:1', 'xstate.done.actor.dial', { connected: 'greeting' });
  now('n/x:1', 'greeting.done', { connected: 'open' });
  const { log } = model.actors.get('n/x:1')!;
  assert.deepEqual(
    log.map(({ from, to, source }) => [from, to, source]),
    [
      ['dialing', 'connected.greeting', 'worker'],
      ['connected.greeting', 'connected.open', null],
    ],
  );
});

test('a snapshot without an event is one of its own, but for what changed no state', () => {
  const model = new Model();
  const { described, now } = talk(model);
  described('n/node:a', 'node a', 'ready', 'node');
  now('n/node:a', 'deadline.suspect', 'suspect');
  now('n/node:a', 'record.changed', 'suspect');
  const actor = model.actors.get('n/node:a')!;
  assert.deepEqual(
    actor.log.map(({ event }) => event.type),
    ['deadline.suspect'],
  );
});

test('what is said of nobody known is passed over', () => {
  const model = new Model();
  const { event, now } = talk(model);
  event('n/x:9', 'frame.heard');
  now('n/x:9', 'frame.heard', 'open');
  assert.equal(model.actors.size, 0);
});

test('actors are sorted into groups, and ended tasks and actors apart', () => {
  const model = new Model();
  const { described } = talk(model);
  described('n/x:0', 'manager', 'leading', 'manager');
  described('n/x:1', 'link ws://a', 'dialing', 'link');
  described('n/x:2', 'supervisor shop/web.1', 'preparing', 'task');
  described('n/node:a', 'node a', 'ready', 'node');
  described('n/job:shop', 'job shop', 'running', 'job');
  described('n/task:1', 'task shop/web.1', { running: 'healthy' });
  described('n/task:0', 'task shop/web.1', 'failed', 'task', 'done');
  described('n/x:3', 'link ws://b', 'closed', 'link', 'done');
  assert.deepEqual(
    [...model.actors.values()].map(({ group, shortName, record }) => [group, shortName, record]),
    [
      ['This node', 'manager', null],
      ['Links', 'ws://a', null],
      ['Supervisors', 'shop/web.1', null],
      ['Nodes', 'a', 'node'],
      ['Jobs', 'shop', 'job'],
      ['Tasks', 'shop/web.1', 'task'],
      ['Ended', 'shop/web.1', 'task'],
      ['Ended', 'ws://b', null],
    ],
  );
  const task = model.actors.get('n/task:1')!;
  assert.deepEqual([task.stateText, task.innerText, task.shortId], ['running', 'healthy', 'task:1']);
});

test('after a break, who is not described again is dropped; the events of the others are kept', () => {
  const model = new Model();
  const { described, event } = talk(model);
  described('n/task:1', 'task a/b.1', 'pending');
  described('n/task:2', 'task a/b.2', 'pending');
  event('n/task:1', 'order.schedule');
  model.beginAnew();
  described('n/task:1', 'task a/b.1', 'preparing');
  assert.deepEqual([model.actors.get('n/task:1')!.stale, model.actors.get('n/task:2')!.stale], [false, true]);
  model.dropStale();
  assert.deepEqual([...model.actors.keys()], ['n/task:1']);
  assert.equal(model.actors.get('n/task:1')!.log.length, 1);
  assert.equal(model.actors.get('n/task:1')!.stateText, 'preparing');
});

test('an actor whose machine is another one after an upgrade is drawn anew', () => {
  const model = new Model();
  const { described } = talk(model);
  described('n/x:0', 'worker', 'joining', 'worker');
  described('n/x:0', 'manager', 'leading', 'manager');
  assert.equal(model.actors.get('n/x:0')!.chart.id, 'manager');
});

test('actors of one machine share its chart', () => {
  const model = new Model();
  const { described } = talk(model);
  for (let task = 0; task < 3; task++) described(`n/task:${task}`, 'task', 'pending');
  assert.equal(new Set([...model.actors.values()].map(({ chart }) => chart)).size, 1);
});

test('memory is bounded: entries of an actor, entries in all, and actors that ended', () => {
  const model = new Model({ entriesPerActorMax: 5, entriesMax: 12, endedMax: 2 });
  const { described, event } = talk(model);
  const ids = ['n/x:1', 'n/x:2', 'n/x:3'];
  for (const id of ids) described(id, id, 'leading', 'manager');
  for (let round = 0; round < 20; round++) event('n/x:1', `frame.${round}`);
  assert.deepEqual(
    model.actors.get('n/x:1')!.log.map(({ event: { type } }) => type),
    ['frame.15', 'frame.16', 'frame.17', 'frame.18', 'frame.19'],
  );
  for (let round = 0; round < 4; round++) for (const id of ids) event(id, 'frame.received');
  const lengths = ids.map((id) => model.actors.get(id)!.log.length);
  assert.ok(lengths.reduce((sum, length) => sum + length) <= 12, String(lengths));
  for (let round = 0; round < 50; round++) event('n/x:3', 'frame.received');
  assert.equal(model.actors.get('n/x:3')!.log.length, 5);
  assert.ok(model.actors.get('n/x:2')!.log.length <= 4);
  for (let task = 0; task < 5; task++) described(`n/task:${task}`, 'task', 'failed', 'task', 'done');
  assert.deepEqual(
    [...model.actors.keys()].filter((id) => id.includes('task')),
    ['n/task:3', 'n/task:4'],
  );
});

test('a feed of ten thousand events of many actors stays within its bounds, and keeps the newest', () => {
  const model = new Model({ entriesPerActorMax: 20, entriesMax: 100, endedMax: 10 });
  const { described, event } = talk(model);
  for (let actor = 0; actor < 30; actor++) described(`n/x:${actor}`, `a${actor}`, 'leading', 'manager');
  for (let at = 0; at < 10_000; at++) event(`n/x:${(at * 7) % 30}`, `e.${at}`);
  const logs = [...model.actors.values()].flatMap(({ log }) => log.map(({ event: { type } }) => Number(type.slice(2))));
  assert.equal(logs.length, 100);
  assert.equal(Math.min(...logs), 9_900);
});

test('an actor without a definition is kept, with no chart', () => {
  const model = new Model();
  model.apply(message('n/x:1', { type: '@xstate.actor', name: 'promise', definition: 'not JSON', snapshot: snapshot(undefined) }));
  const actor = model.actors.get('n/x:1')!;
  assert.deepEqual([actor.chart.edges, actor.stateText], [[], '']);
});

test('the edge taken is the one of the event, the deepest that fits', () => {
  const chart = chartOf(machines.task.config);
  const sourceOf = (event: string, before: unknown, after: unknown): string | undefined => {
    const edge = takenEdge(chart, event, before, after);
    return edge === null ? undefined : `${edge.source || '*'} ${edge.event}`;
  };
  assert.equal(sourceOf('report.running', 'starting', { running: 'unknown' }), 'starting report.running');
  assert.equal(sourceOf('report.running', 'scheduled', { running: 'unknown' }), '* report.running');
  assert.equal(sourceOf('report.healthy', { running: 'unknown' }, { running: 'healthy' }), 'running.unknown report.healthy');
  assert.equal(sourceOf('order.stop', { running: 'healthy' }, 'stopping'), 'running report.stopping');
  assert.equal(sourceOf('report.progress', 'preparing', 'preparing'), undefined);
  assert.equal(sourceOf('manager.recovered', 'nowhere', 'elsewhere'), undefined);
  const worker = chartOf(machines.worker.config);
  assert.equal(takenEdge(worker, 'link.opened', 'serving', 'serving')?.reenter, true);
});

test('a value reads as `cube events` has it', () => {
  assert.equal(valueText({ running: 'healthy' }), 'running.healthy');
  assert.equal(valueText({ running: 'unknown' }), 'running');
  assert.equal(valueText('pending'), 'pending');
  assert.equal(valueText(undefined), '');
});
