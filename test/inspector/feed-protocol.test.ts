/** The feed as others read it: the receiver of @statelyai/inspect, unmodified, over a real WebSocket. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { after, before, test } from 'node:test';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { createMachine } from 'xstate';
import { limitsDefault } from '../../src/core/limits.ts';
import { createWebSocketServer, serveFeed } from '../../src/transport/index.ts';
import { keptLog } from '../transport/fixtures.ts';
import { lampFeed } from './harness.ts';
import { ScriptedControl } from './scripted-control.ts';

const log = keptLog();
const sockets = createWebSocketServer({ limits: limitsDefault, log });
const web = createServer();
const control = await ScriptedControl.withJob(2);
const { feed, root, observers } = lampFeed({ control });

before(async () => {
  web.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    void sockets
      .upgrade(request, socket, head, 'feed')
      .then((webSocket) => serveFeed(webSocket, { limits: limitsDefault, log, source: feed }));
  });
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
});
after(async () => {
  await sockets.close('the test is over');
  web.close();
});

test('createWebSocketReceiver gets actors, events and snapshots, each as its types say', async () => {
  const { port } = web.address() as AddressInfo;
  const receiver = createWebSocketReceiver({ server: `ws://127.0.0.1:${port}/v1/inspect?ticket=once` });
  const heard: StatelyInspectionEvent[] = [];
  let look: () => void = () => undefined;
  const until = (done: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      look = () => {
        if (done()) resolve();
      };
      look();
    });
  const subscription = receiver.subscribe((event) => {
    heard.push(event);
    look();
  });
  const actors = () => heard.filter((event) => event.type === '@xstate.actor');
  await until(() => actors().some(({ name }) => name === 'task shop/web.2'));
  assert.ok(observers.count() > 0);

  root.send({ type: 'bulb.in' });
  control.move('shop/web.1', 'stopping');
  await until(() =>
    heard.some((event) => event.type === '@xstate.snapshot' && 'value' in event.snapshot && event.snapshot.value === 'stopping'),
  );

  const seen = new Set<string>();
  for (const event of heard) {
    assert.equal(event._version, '0.7.2');
    assert.ok(typeof event.id === 'string' && typeof event.rootId === 'string');
    assert.ok(Number.isFinite(Number(event.createdAt)) && typeof event.createdAt === 'string');
    if (event.type === '@xstate.actor') {
      assert.ok(event.parentId === undefined || seen.has(event.parentId), `${event.name} comes before its parent`);
      // What a viewer draws: the definition is a machine, and the snapshot one of its states.
      const machine = createMachine(JSON.parse(event.definition!) as never);
      assert.ok(machine.resolveState({ value: event.snapshot.value as string, context: {} }).value !== undefined);
      seen.add(event.sessionId);
    } else {
      assert.ok(seen.has(event.sessionId), 'nothing is said of an actor before it is described');
      assert.equal(typeof event.event.type, 'string');
    }
  }
  const kinds = new Set(heard.map(({ type }) => type));
  assert.deepEqual([...kinds].sort(), ['@xstate.actor', '@xstate.event', '@xstate.snapshot']);
  subscription.unsubscribe();
});

test('when the last receiver is gone, nothing is attached any more', async () => {
  const { port } = web.address() as AddressInfo;
  const { WebSocket } = await import('ws');
  const client = new WebSocket(`ws://127.0.0.1:${port}/v1/inspect`);
  await once(client, 'message');
  assert.equal(observers.count(), 1);
  const left = new Promise<void>((resolve) => {
    const look = (): void => void (observers.count() === 0 ? resolve() : setImmediate(look));
    look();
  });
  await sockets.close('all are sent home');
  await left;
  assert.equal(control.streamsOpen, 0);
});
