/** What every store must do (src/ports/store.ts). Run on each implementation by store.test.ts. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limitsDefault, limitsWith } from '../../src/core/limits.ts';
import type { Kind, Store } from '../../src/ports/store.ts';
import { puts, recordsOf } from '../store/help.ts';
import { storeContentContract } from './store-content.ts';
import { storeFaultContract } from './store-faults.ts';
import { loadedStore, manyKeys, reopened } from './store-harness.ts';
import type { MakeStore } from './store-harness.ts';
import { storeModelContract } from './store-model.ts';

/** Runs the whole suite on an implementation. */
export function storeContract(name: string, makeStore: MakeStore): void {
  describe(`store ${name}`, () => {
    storeContentContract(makeStore);
    rangeContract(makeStore);
    openingContract(makeStore);
    storeFaultContract(makeStore);
    storeModelContract(makeStore);
  });
}

function rangeContract(makeStore: MakeStore): void {
  const keysOf = async (store: Store, kind: Kind, from: string, limit: number): Promise<string[]> =>
    (await store.range(kind, from, limit)).map(({ key }) => key);

  test('a range starts at its key, keeps to its kind and its limit', async (t) => {
    const store = await loadedStore(t, makeStore, { limits: limitsWith({ storeReadRecordsMax: 2 }) });
    await store.commit(puts('job', { zz: 0 }));
    await store.commit(puts('task', { a: 1, b: 2, ba: 3, c: 4, d: 5 }));
    await store.commit(puts('version', { a: 0 }));
    assert.deepEqual(await keysOf(store, 'task', '', 100), ['a', 'b', 'ba', 'c', 'd']);
    assert.deepEqual(await keysOf(store, 'task', 'b', 3), ['b', 'ba', 'c']);
    assert.deepEqual(await keysOf(store, 'task', 'bb', 1), ['c']);
    assert.deepEqual(await keysOf(store, 'task', 'd', 2), ['d']);
    assert.deepEqual(await keysOf(store, 'task', 'e', 2), []);
    assert.deepEqual(await keysOf(store, 'task', '', Number.POSITIVE_INFINITY), ['a', 'b', 'ba', 'c', 'd']);
    assert.deepEqual(await keysOf(store, 'node', '', 10), []);
  });

  test('a limit of nothing gives nothing', async (t) => {
    const store = await loadedStore(t, makeStore);
    await store.commit(puts('task', { a: 1 }));
    for (const limit of [0, -1, Number.NaN]) assert.deepEqual(await store.range('task', '', limit), []);
  });

  test('a range and a load are in the order of the keys in UTF-8', async (t) => {
    const store = await loadedStore(t, makeStore);
    await store.commit(puts('meta', Object.fromEntries(manyKeys.map((key) => [key, 0]))));
    const sorted = manyKeys.map((key) => Buffer.from(key)).sort((a, b) => a.compare(b));
    const expected = sorted.map(String);
    assert.deepEqual(await keysOf(store, 'meta', '', 100), expected);
    assert.deepEqual([...(await store.load()).records.get('meta')!.keys()], expected);
    for (const [at, key] of expected.entries()) assert.deepEqual(await keysOf(store, 'meta', key, 3), expected.slice(at, at + 3));
  });

  test('events are read by range and not held by load', async (t) => {
    const store = await loadedStore(t, makeStore, { limits: limitsWith({ storeReadRecordsMax: 7 }) });
    const keys = Array.from({ length: 50 }, (_, i) => String(i + 1).padStart(16, '0'));
    await Promise.all(keys.map((key) => store.commit(puts('event', { [key]: { seq: Number(key) } }))));
    assert.equal((await store.load()).records.has('event'), false);
    assert.deepEqual(await keysOf(store, 'event', '', 1_000), keys);
    const page = await store.range('event', keys[30]!, 5);
    assert.deepEqual(
      page,
      keys.slice(30, 35).map((key) => ({ key, value: { seq: Number(key) } })),
    );
  });
}

function openingContract(makeStore: MakeStore): void {
  test('numbers of commits rise by one and go on after opening again', async (t) => {
    const open = await makeStore(t);
    let expected = 0;
    for (let round = 0; round < 3; round++) {
      const store = open();
      assert.equal((await store.load()).revision, expected);
      for (let i = 0; i < 4; i++) assert.equal(await store.commit(puts('task', { [`${round}.${i}`]: i })), ++expected);
      await store.close();
    }
  });

  test('an empty batch is a commit too', async (t) => {
    const open = await makeStore(t);
    const store = open();
    await store.load();
    assert.equal(await store.commit({ puts: [], removals: [] }), 1);
    assert.equal(await store.commit({ puts: [], removals: [] }), 2);
    const loaded = await reopened(open, store);
    assert.equal(loaded.revision, 2);
    assert.deepEqual(loaded.damage, []);
  });

  test('before it is loaded a store takes nothing', async (t) => {
    const store = (await makeStore(t))();
    t.after(() => store.close());
    await assert.rejects(store.commit(puts('task', { a: 1 })), { code: 'store-failed', message: /has not been loaded/ });
    await assert.rejects(store.range('task', '', 1), { code: 'store-failed' });
  });

  test('a second store on the same place is refused until the first is closed', async (t) => {
    const open = await makeStore(t);
    const first = open();
    await first.load();
    await first.commit(puts('task', { a: 1 }));
    const second = open();
    await assert.rejects(second.load(), { code: 'data-held' });
    await assert.rejects(second.commit(puts('task', { b: 1 })), { code: 'store-failed' });
    await first.commit(puts('task', { a: 2 }));
    await first.close();
    assert.deepEqual(recordsOf(await second.load(), 'task'), { a: 2 });
    await second.close();
  });

  test('a store can be loaded again while it is open', async (t) => {
    const store = await loadedStore(t, makeStore);
    await store.commit(puts('task', { a: 1 }));
    const committed = store.commit(puts('task', { b: 2 }));
    const loaded = await store.load();
    assert.deepEqual(recordsOf(loaded, 'task'), { a: 1, b: 2 });
    assert.equal(loaded.revision, await committed);
    assert.equal(await store.commit(puts('task', { c: 3 })), 3);
  });

  test('a closed store refuses everything, closing twice is fine, and so is closing one never loaded', async (t) => {
    const open = await makeStore(t);
    const store = open();
    await store.load();
    await Promise.all([store.close(), store.close()]);
    await store.close();
    for (const call of [() => store.load(), () => store.commit(puts('task', {})), () => store.range('task', '', 1)]) {
      await assert.rejects(call(), { code: 'store-failed', message: /closed/ });
    }
    await open().close();
  });

  test('marks that are dropped with age are no damage, whatever number is kept', async (t) => {
    const open = await makeStore(t);
    for (const storeMarksMax of [5, 2, 0, 10, limitsDefault.storeMarksMax]) {
      const store = open({ limits: limitsWith({ storeMarksMax }) });
      assert.deepEqual((await store.load()).damage, []);
      for (let i = 0; i < 7; i++) await store.commit(puts('task', { [`${i}`]: storeMarksMax }));
      await store.close();
    }
    const last = open();
    t.after(() => last.close());
    const loaded = await last.load();
    assert.deepEqual([loaded.revision, loaded.damage], [35, []]);
  });
}
