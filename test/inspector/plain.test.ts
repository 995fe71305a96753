import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limitsDefault, limitsWith } from '../../src/core/limits.ts';
import { plain } from '../../src/inspector/plain.ts';

const shown = (value: unknown): unknown => plain(value, limitsDefault);

test('plain data is shown as it is', () => {
  const value = { a: 1, b: ['x', null, true, { c: 1.5 }], d: {}, ticketsMax: 3, tokenExpired: true, secret: null };
  assert.deepEqual(shown(value), value);
});

test('whatever is named like a secret is hidden, at every depth', () => {
  const spec = { image: 'nginx', env: { MODE: 'production' }, Env: ['A=b'], secrets: { db: '/run/db' } };
  const value = {
    orders: [{ spec }],
    headers: { Authorization: 'Bearer abc', cookie: 'c=1' },
    DB_PASSWORD: 'hunter2',
    joinToken: { value: 't' },
    ticket: 'once',
    apiKey: 'k',
    environment: 'all of it',
  };
  assert.deepEqual(shown(value), {
    orders: [{ spec: { image: 'nginx', env: '[hidden]', Env: '[hidden]', secrets: '[hidden]' } }],
    headers: { Authorization: '[hidden]', cookie: '[hidden]' },
    DB_PASSWORD: '[hidden]',
    joinToken: '[hidden]',
    ticket: '[hidden]',
    apiKey: '[hidden]',
    environment: '[hidden]',
  });
});

test('secrets inside of texts are hidden', () => {
  assert.equal(shown('GET /?ticket=abc&tail=5'), 'GET /?ticket=[hidden]&tail=5');
  assert.equal(shown('http://h/#ticket=abc'), 'http://h/#ticket=[hidden]');
  assert.equal(shown('authorization: Bearer a.b-c'), 'authorization: Bearer [hidden]');
  assert.equal(shown(new URL('ws://h/v1/inspect?ticket=abc')), 'ws://h/v1/inspect?ticket=[hidden]');
});

test('what lives is named, not shown', () => {
  class Socket {
    readonly token = 'no';
  }
  assert.deepEqual(shown({ socket: new Socket(), bytes: new Uint8Array(3), run: () => 1, mark: Symbol('m'), list: [() => 1] }), {
    socket: '[Socket]',
    bytes: '[3 bytes]',
    list: [null],
  });
  assert.equal(shown(Object.create(null)) !== undefined, true);
  assert.equal(
    shown(() => 1),
    undefined,
  );
});

test('values that JSON lacks become text', () => {
  assert.deepEqual(shown([Number.NaN, Infinity, 12n, new Date(0), new Date(Number.NaN), new Set([1]), new Map([['a', 1]])]), [
    'NaN',
    'Infinity',
    '12',
    '1970-01-01T00:00:00.000Z',
    'Invalid Date',
    [1],
    { a: 1 },
  ]);
});

test('errors keep their words and code, and lose their stack', () => {
  const error = Object.assign(new TypeError('no', { cause: new Error('deeper, token=x?token=y') }), { code: 'E1', password: 'p' });
  assert.deepEqual(shown(error), {
    name: 'TypeError',
    message: 'no',
    code: 'E1',
    password: '[hidden]',
    cause: { name: 'Error', message: 'deeper, token=x?token=[hidden]' },
  });
});

test('circles, depth, length and number have bounds, and say so', () => {
  const circle: Record<string, unknown> = { name: 'a' };
  circle['self'] = circle;
  circle['twins'] = [{}, {}];
  assert.deepEqual(shown(circle), { name: 'a', self: '[circular]', twins: [{}, {}] });
  const small = limitsWith({ inspectDepthMax: 2, inspectEntriesMax: 2, inspectTextCharsMax: 3, inspectValuesMax: 100 });
  assert.deepEqual(plain({ a: { b: { c: 1 }, d: [1, 2] } }, small), { a: { b: '[deeper]', d: '[list of 2]' } });
  assert.deepEqual(plain([1, 2, 3, 4], small), [1, 2, '[2 more]']);
  assert.deepEqual(plain({ a: 1, b: 2, c: 3 }, small), { a: 1, b: 2, '…': '[1 more]' });
  assert.equal(plain('abcdef', small), 'abc…');
  const few = limitsWith({ inspectValuesMax: 3 });
  assert.deepEqual(plain({ a: 1, b: 2, c: 3, d: 4 }, few), { a: 1, b: 2, '…': '[more]' });
});

test('a name that objects have a meaning for is a name like any other', () => {
  const value = JSON.parse('{"__proto__":{"x":1},"constructor":"c"}') as unknown;
  assert.equal(JSON.stringify(shown(value)), '{"__proto__":{"x":1},"constructor":"c"}');
  assert.equal(({} as Record<string, unknown>)['x'], undefined);
});

test('anything becomes JSON, never with what was named a secret, and of a bounded size', () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }), (value) => {
      const text = JSON.stringify(shown({ value, password: 'hunter2', nested: { env: { A: 'hunter2' } } }));
      assert.ok(!text.includes('hunter2'));
    }),
  );
  const huge = Array.from({ length: 5_000 }, () => Array.from({ length: 1_000 }, () => 'x'.repeat(5_000)));
  assert.ok(JSON.stringify(shown(huge)).length < 1_100_000);
});
