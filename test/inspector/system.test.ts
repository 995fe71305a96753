import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor, fromPromise, setup, type AnyActorRef } from 'xstate';
import { watchActors, type NamedRoot } from '../../actors/system.ts';
import { linkMachine, taskMachine } from '../../machines/index.ts';
import type { ActorRecord } from '../../src/ports/inspection.ts';
import { order } from '../machines/order.ts';
import { countObservers, HandClock, lamp } from './harness.ts';

function watched(names: readonly string[] = ['lamp']) {
  const clock = new HandClock();
  const roots: NamedRoot[] = names.map((name) => ({ name, ref: createActor(lamp).start() as AnyActorRef }));
  const watch = watchActors(() => roots, clock);
  const records: ActorRecord[] = [];
  return { clock, roots, watch, records, root: roots[0]!.ref, keep: (record: ActorRecord) => void records.push(record) };
}

function told(records: readonly ActorRecord[]): string[] {
  return records.map((record) => {
    if (record.kind === 'actor') return `actor ${record.actor.name} ${JSON.stringify(record.actor.snapshot.value)}`;
    if (record.kind === 'event') return `event ${record.event.type}`;
    return `snapshot ${record.event.type} ${record.snapshot.status} ${JSON.stringify(record.snapshot.value)}`;
  });
}

test('the list has every machine below the roots, parents first, and no helpers', () => {
  const { root, watch } = watched();
  root.send({ type: 'bulb.in' });
  root.send({ type: 'switch.pressed' });
  const [top, child, ...more] = watch.list();
  assert.deepEqual(more, []);
  assert.deepEqual([top!.name, top!.parentId, top!.rootId, top!.snapshot.value], ['lamp', null, root.sessionId, 'idle']);
  assert.deepEqual([child!.name, child!.parentId, child!.rootId, child!.snapshot.value], ['first', root.sessionId, root.sessionId, 'lit']);
  assert.deepEqual(top!.snapshot.children, { first: child!.sessionId });
  assert.equal(top!.config, lamp.config);
});

test('what actors do is told in order: a child is described before it gets its first event', () => {
  const { root, watch, records, keep, clock } = watched();
  clock.time = 7;
  watch.inspect(keep);
  root.send({ type: 'bulb.in' });
  root.send({ type: 'switch.pressed' });
  root.send({ type: 'nobody.knows' });
  assert.deepEqual(told(records), [
    'event bulb.in',
    'actor first "dark"',
    'event xstate.init',
    'snapshot xstate.init active "dark"',
    'snapshot bulb.in active "idle"',
    'event switch.pressed',
    'event current.on',
    'snapshot current.on active "lit"',
    'snapshot switch.pressed active "idle"',
    'event nobody.knows',
    'snapshot nobody.knows active "idle"',
  ]);
  assert.ok(records.every(({ at }) => at === 7));
  const current = records.find((record) => record.kind === 'event' && record.event.type === 'current.on');
  assert.equal(current?.kind === 'event' && current.sourceId, root.sessionId);
});

test('the end of an actor is told: one that is done, and one that is stopped', () => {
  const { root, watch, records, keep } = watched();
  root.send({ type: 'bulb.in' });
  watch.inspect(keep);
  root.send({ type: 'bulb.out' });
  root.send({ type: 'lamp.sold' });
  const ends = told(records).filter((line) => / (?:done|stopped) /.test(line));
  assert.deepEqual(ends, ['snapshot xstate.stop stopped "dark"', 'snapshot lamp.sold done "gone"']);
  assert.equal(watch.list()[0]!.snapshot.status, 'done');
});

test('nothing is attached while nobody listens, and once for all who do', () => {
  const { root, watch, keep, records } = watched();
  const observers = countObservers(root);
  watch.list();
  assert.equal(observers.total(), 0);
  const first = watch.inspect(keep);
  const second = watch.inspect(keep);
  assert.equal(observers.count(), 1);
  first();
  first();
  root.send({ type: 'nobody.knows' });
  assert.ok(records.length > 0);
  second();
  assert.equal(observers.count(), 0);
  records.length = 0;
  root.send({ type: 'nobody.knows' });
  assert.deepEqual(records, []);
});

test('roots come and go: a new one is told of and heard, one that went is heard no more', () => {
  const { roots, watch, keep, records } = watched();
  watch.inspect(keep);
  const second = createActor(lamp).start();
  roots.push({ name: 'another', ref: second as AnyActorRef });
  second.send({ type: 'bulb.in' });
  assert.deepEqual(records, []);
  watch.refresh();
  assert.deepEqual(told(records), ['actor another "idle"', 'actor first "dark"']);
  const [old] = roots.splice(0, 1);
  const observers = countObservers(second);
  watch.refresh();
  assert.equal(observers.total(), 0);
  records.length = 0;
  old!.ref.send({ type: 'nobody.knows' });
  assert.deepEqual(records, []);
  second.send({ type: 'nobody.knows' });
  assert.ok(records.length > 0);
  assert.deepEqual(
    watch.list().map(({ name }) => name),
    ['another', 'first'],
  );
});

test('a refresh while nobody listens attaches nothing', () => {
  const { root, watch } = watched();
  const observers = countObservers(root);
  watch.refresh();
  assert.equal(observers.total(), 0);
});

test('a root that is no machine is left out', () => {
  const helper = createActor(fromPromise(() => Promise.resolve())).start();
  const watch = watchActors(() => [{ name: 'helper', ref: helper as AnyActorRef }], new HandClock());
  assert.deepEqual(watch.list(), []);
});

test('supervisors are called by their slot and links by their other end', () => {
  const parent = createActor(
    setup({ actors: { task: taskMachine, link: linkMachine } }).createMachine({
      invoke: [
        { id: 'a', src: 'task', input: { order } },
        { id: 'b', src: 'link', input: { id: 'b', peer: 'ws://10.0.0.1:5555', redials: true } },
      ],
    }),
  ).start();
  const watch = watchActors(() => [{ name: 'node', ref: parent as AnyActorRef }], new HandClock());
  assert.deepEqual(
    watch.list().map(({ name }) => name),
    ['node', 'supervisor shop/web.1', 'link ws://10.0.0.1:5555'],
  );
  parent.stop();
});
