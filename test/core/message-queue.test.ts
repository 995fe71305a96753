import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageQueue } from '../../src/core/message-queue.ts';

function queueOf(bytesMax: number) {
  const flow: string[] = [];
  const queue = new MessageQueue(bytesMax, { pause: () => flow.push('pause'), resume: () => flow.push('resume') });
  const push = (bytes: number) => queue.push({ bytes: new Uint8Array(bytes), isBinary: true });
  return { queue, flow, push };
}

test('messages are read in order, those that came before and those that come while somebody waits', async () => {
  const { queue, push } = queueOf(1_000);
  push(1);
  push(2);
  assert.deepEqual([(await queue.next())?.bytes.length, (await queue.next())?.bytes.length], [1, 2]);
  const waiting = queue.next();
  push(3);
  assert.equal((await waiting)?.bytes.length, 3);
});

test('the source is paused once while too much waits, and goes on when enough was read', async () => {
  const { queue, flow, push } = queueOf(100);
  push(60);
  assert.deepEqual(flow, []);
  push(60);
  push(60);
  assert.deepEqual(flow, ['pause']);
  await queue.next();
  assert.deepEqual(flow, ['pause']);
  await queue.next();
  assert.deepEqual(flow, ['pause', 'resume']);
  push(60);
  assert.deepEqual(flow, ['pause', 'resume', 'pause']);
});

test('after the end what waits is read, then there is nothing, and nothing more is taken', async () => {
  const { queue, push } = queueOf(100);
  push(1);
  queue.end();
  push(2);
  assert.equal((await queue.next())?.bytes.length, 1);
  assert.equal(await queue.next(), undefined);
  assert.equal(await queue.next(), undefined);
});

test('the end wakes who waits', async () => {
  const { queue } = queueOf(100);
  const waiting = queue.next();
  queue.end();
  assert.equal(await waiting, undefined);
});

test('a queue that is dropped lets its source run free, and keeps nothing', async () => {
  const { queue, flow, push } = queueOf(100);
  push(200);
  queue.drop();
  push(200);
  assert.deepEqual(flow, ['pause', 'resume']);
  assert.equal(await queue.next(), undefined);
});
