import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Opened } from '../../src/boot/opened.ts';
import type { Log } from '../../src/ports/ambient.ts';

function opened(): { readonly stack: Opened; readonly closed: string[]; readonly said: string[] } {
  const closed: string[] = [];
  const said: string[] = [];
  const note = (message: string): void => void said.push(message);
  const log: Log = { debug: () => undefined, info: note, warn: note, error: note };
  const stack = new Opened(log);
  stack.add('the store', () => void closed.push('store'));
  stack.add('the pool', () => {
    closed.push('pool');
    throw new Error('the pool does not end');
  });
  stack.add('the runtime', () => Promise.reject(new Error('the runtime is gone')).finally(() => void closed.push('runtime')));
  stack.add('the server', () => void closed.push('server'));
  return { stack, closed, said };
}

test('what was opened is closed from the newest on, each though another fails, and the first failure is told', async () => {
  const { stack, closed, said } = opened();
  await assert.rejects(stack.close(), /the runtime is gone/);
  assert.deepEqual(closed, ['server', 'runtime', 'pool', 'store']);
  assert.deepEqual(said, ['the runtime could not be closed: the runtime is gone', 'the pool could not be closed: the pool does not end']);
});

test('nothing is closed twice', async () => {
  const { stack, closed } = opened();
  await assert.rejects(stack.close());
  await stack.close();
  assert.equal(closed.length, 4);
});

test('after a failure all is closed, and that failure is the one that is told', async () => {
  const { stack, closed } = opened();
  await assert.rejects(stack.closeAfter(new Error('the port is taken')), /the port is taken/);
  assert.equal(closed.length, 4);
});
