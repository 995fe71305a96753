/** What every store must do with what it is given. A part of the suite in store.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsWith } from '../../src/core/limits.ts';
import { puts, recordsOf, removals } from '../store/help.ts';
import { loadedStore, manyKeys, reopened } from './store-harness.ts';
import type { MakeStore } from './store-harness.ts';

/** Runs what concerns values and keys on an implementation. */
export function storeContentContract(makeStore: MakeStore): void {
  valuesContract(makeStore);
  oddContract(makeStore);
}

function valuesContract(makeStore: MakeStore): void {
  test('an empty store has revision 0, no damage and a map for each kind but event', async (t) => {
    const store = (await makeStore(t))();
    t.after(() => store.close());
    const loaded = await store.load();
    assert.equal(loaded.revision, 0);
    assert.deepEqual(loaded.damage, []);
    const kinds = ['answer', 'claim', 'file', 'job', 'meta', 'node', 'order', 'release', 'task', 'version'];
    assert.deepEqual([...loaded.records.keys()].sort(), kinds);
    for (const records of loaded.records.values()) assert.equal(records.size, 0);
  });

  test('what was acknowledged is there after opening again', async (t) => {
    const open = await makeStore(t);
    const store = open();
    await store.load();
    await store.commit(puts('task', { a: { n: 1 }, b: { n: 2 } }));
    await store.commit({ puts: [{ kind: 'job', key: 'shop', value: 'x' }], removals: [] });
    const last = await store.commit(puts('task', { a: { n: 3 } }));
    const loaded = await reopened(open, store);
    assert.deepEqual(recordsOf(loaded, 'task'), { a: { n: 3 }, b: { n: 2 } });
    assert.deepEqual(recordsOf(loaded, 'job'), { shop: 'x' });
    assert.equal(loaded.revision, last);
    assert.deepEqual(loaded.damage, []);
  });

  test('what was removed is gone, and removing what is not there is fine', async (t) => {
    const open = await makeStore(t);
    const store = open();
    await store.load();
    await store.commit(puts('task', { a: 1, b: 2, c: 3 }));
    await store.commit(removals('task', 'a', 'c', 'never there'));
    assert.deepEqual(await store.range('task', '', 10), [{ key: 'b', value: 2 }]);
    assert.deepEqual(recordsOf(await reopened(open, store), 'task'), { b: 2 });
  });

  test('in one batch removals come before puts, and the last put of a key counts', async (t) => {
    const store = await loadedStore(t, makeStore);
    await store.commit(puts('task', { a: 1 }));
    const a = { kind: 'task', key: 'a' } as const;
    await store.commit({
      puts: [
        { ...a, value: 2 },
        { ...a, value: 3 },
      ],
      removals: [a],
    });
    assert.deepEqual(await store.range('task', '', 10), [{ key: 'a', value: 3 }]);
  });

  test('values come back as they were, without fields that are undefined', async (t) => {
    const open = await makeStore(t);
    const store = open();
    await store.load();
    const value = {
      text: 'grüße 😀 \u0000',
      long: 'x'.repeat(70_000),
      numbers: [0, -1, 1.5, 4_294_967_296, 1_763_632_800_000, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 1e-9],
      flags: [true, false, null],
      nested: { empty: {}, none: [], deep: { er: [{ a: 1 }] } },
      '': 'empty name',
    };
    await store.commit(puts('meta', { all: { ...value, gone: undefined, nested: { ...value.nested, gone: undefined } } }));
    const found = recordsOf(await reopened(open, store), 'meta')['all'];
    assert.deepStrictEqual(found, value);
    assert.equal(Object.hasOwn(found as object, 'gone'), false);
  });

  test('a value changed after the call is stored as it was at the call', async (t) => {
    const store = await loadedStore(t, makeStore);
    const value = { state: 'before', list: [1] };
    const committed = store.commit(puts('task', { a: value }));
    value.state = 'after';
    value.list.push(2);
    await committed;
    assert.deepEqual(await store.range('task', '', 1), [{ key: 'a', value: { state: 'before', list: [1] } }]);
  });
}

function oddContract(makeStore: MakeStore): void {
  test('large values and batches above the limit of one write are taken whole', async (t) => {
    const open = await makeStore(t);
    const store = open({ limits: limitsWith({ storeBatchMax: 10 }) });
    await store.load();
    const blob = 'é'.repeat(1_500_000);
    await store.commit(puts('meta', { blob }));
    await store.commit(puts('task', Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`t${i}`, i]))));
    const loaded = await reopened(open, store);
    assert.equal(recordsOf(loaded, 'meta')['blob'], blob);
    assert.equal(loaded.records.get('task')!.size, 25);
  });

  test('keys may hold slashes, colons and any character, and keep apart', async (t) => {
    const open = await makeStore(t);
    const store = open();
    await store.load();
    await store.commit(puts('version', Object.fromEntries(manyKeys.map((key) => [key, `value of ${key}`]))));
    const found = (await reopened(open, store)).records.get('version')!;
    assert.equal(found.size, manyKeys.length);
    for (const key of manyKeys) assert.equal(found.get(key), `value of ${key}`);
  });

  test('a key that is half a character is refused and takes nothing of its batch along', async (t) => {
    const store = await loadedStore(t, makeStore);
    await assert.rejects(store.commit(puts('task', { good: 1, '\ud83d': 2 })), { code: 'failed' });
    await assert.rejects(store.commit(removals('task', 'x\udc00')), { code: 'failed' });
    assert.deepEqual(await store.range('task', '', 10), []);
    assert.equal(await store.commit(puts('task', { good: 1 })), 1);
  });

  test('a value that cannot be written is refused and takes nothing of its batch along', async (t) => {
    const store = await loadedStore(t, makeStore);
    const endless: Record<string, unknown> = {};
    endless['self'] = endless;
    await assert.rejects(store.commit(puts('task', { good: 1, endless })), { code: 'failed', message: /task\/endless/ });
    await store.commit(puts('task', { after: 1 }));
    assert.deepEqual(await store.range('task', '', 10), [{ key: 'after', value: 1 }]);
  });
}
