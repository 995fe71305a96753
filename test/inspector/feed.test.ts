import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchActors } from '../../actors/system.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import { createFeed } from '../../src/inspector/feed.ts';
import { keptLog } from '../transport/fixtures.ts';
import { HandClock, lampFeed, Watcher } from './harness.ts';

function context(message: { readonly snapshot: { readonly context: unknown } } | undefined): unknown {
  return message!.snapshot.context;
}

test('live actors are described at once, parents first, with definition, state and prefixed ids', () => {
  const { feed, root } = lampFeed();
  root.send({ type: 'bulb.in' });
  const watcher = new Watcher();
  feed.subscribe(watcher.take);
  const [top, child, ...more] = watcher.actors;
  assert.deepEqual(more, []);
  assert.deepEqual(
    [top!.type, top!.name, top!.sessionId, top!.rootId, top!.parentId],
    ['@xstate.actor', 'lamp', `n1/${root.sessionId}`, `n1/${root.sessionId}`, undefined],
  );
  assert.deepEqual([child!.name, child!.parentId], ['first', top!.sessionId]);
  assert.deepEqual(top!.snapshot, {
    status: 'active',
    value: 'idle',
    context: { presses: 0 },
    tags: [],
    children: { first: child!.sessionId },
    historyValue: {},
  });
  assert.deepEqual(child!.snapshot.tags, ['cold']);
  const definition = JSON.parse(top!.definition!) as Record<string, unknown>;
  assert.deepEqual([definition['id'], definition['description'], definition['context']], ['lamp', 'A lamp.', undefined]);
});

test('what live actors do follows, and ids of messages never repeat', () => {
  const { feed, root, clock } = lampFeed();
  const watcher = new Watcher();
  feed.subscribe(watcher.take);
  clock.time = 1_234;
  root.send({ type: 'bulb.in' });
  root.send({ type: 'switch.pressed' });
  const current = watcher.events.find(({ event }) => event.type === 'current.on')!;
  assert.equal(current.sourceId, `n1/${root.sessionId}`);
  assert.equal(current.createdAt, '1234');
  assert.equal(current.sessionId, watcher.actor('first')!.sessionId);
  assert.deepEqual(watcher.snapshots.at(-1)!.snapshot.context, { presses: 1 });
  assert.equal(new Set(watcher.messages.map(({ id }) => id)).size, watcher.messages.length);
});

test('secrets do not leave: not in events, contexts or definitions', () => {
  const { feed, root } = lampFeed();
  const watcher = new Watcher();
  feed.subscribe(watcher.take);
  root.send({ type: 'bulb.in', env: { A: 'hush' }, frame: { ticket: 'hush', headers: { authorization: 'Bearer hush' } } });
  assert.equal(watcher.texts.join('').includes('hush'), false);
  assert.deepEqual(context(watcher.actor('first')), { volt: 230, token: '[hidden]' });
});

test('both of two who look get the very same texts', () => {
  const { feed, root } = lampFeed();
  const [one, other] = [new Watcher(), new Watcher()];
  feed.subscribe(one.take);
  feed.subscribe(other.take);
  const from = one.texts.length;
  root.send({ type: 'bulb.in' });
  assert.deepEqual(other.texts.slice(-(one.texts.length - from)), one.texts.slice(from));
  assert.equal(other.actors.length, 2);
});

test('one who throws harms no actor', () => {
  const { feed, root, log } = lampFeed();
  let calls = 0;
  feed.subscribe(() => {
    if (++calls > 1) throw new Error('cannot take it');
  });
  root.send({ type: 'bulb.in' });
  assert.equal(root.getSnapshot().status, 'active');
  assert.ok(log.lines.some(({ message }) => message.includes('cannot take it')));
});

test('one who cannot even be welcomed leaves nothing attached', () => {
  const { feed, observers } = lampFeed();
  assert.throws(() =>
    feed.subscribe(() => {
      throw new Error('no');
    }),
  );
  assert.equal(observers.count(), 0);
});

test('a feed without roots and records says nothing, and can be left', () => {
  const actors = watchActors(() => [], new HandClock());
  const feed = createFeed({ actors, nodeId: 'n', clock: new HandClock(), limits: limitsDefault, log: keptLog() });
  const watcher = new Watcher();
  feed.subscribe(watcher.take)();
  assert.deepEqual(watcher.texts, []);
});
