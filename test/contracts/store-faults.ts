/** What every store must do under load and when its disk fails. A part of the suite in store.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsWith } from '../../src/core/limits.ts';
import type { WriteFault, WriteProbe } from '../../src/store/disk.ts';
import { recordVersions } from '../../src/store/versions.ts';
import type { KindVersions } from '../../src/store/versions.ts';
import { gate, puts, recordsOf } from '../store/help.ts';
import { loadedStore } from './store-harness.ts';
import type { MakeStore } from './store-harness.ts';

const task = (key: string, value: unknown = key) => puts('task', { [key]: value });

/** Counts the writes, and holds each until the gate is open. */
function holding() {
  const { opened, open } = gate();
  const writes: { batches: number; records: number }[] = [];
  const probe: WriteProbe = async (write) => {
    writes.push({ ...write });
    await opened;
    return undefined;
  };
  return { probe, open, writes };
}

/** Gives the faults one after the other, then none. */
function failing(...faults: (WriteFault | undefined)[]): WriteProbe {
  return () => faults.shift();
}

/** Runs queued and batched commits, refusals and faults on an implementation. */
export function storeFaultContract(makeStore: MakeStore): void {
  groupContract(makeStore);
  busyContract(makeStore);
  failureContract(makeStore);
  versionContract(makeStore);
}

function groupContract(makeStore: MakeStore): void {
  test('concurrent commits share writes, settle in their order, and the last one counts', async (t) => {
    const { probe, open, writes } = holding();
    open();
    const store = await loadedStore(t, makeStore, { probe });
    const settled: number[] = [];
    const commits = Array.from({ length: 300 }, (_, i) => store.commit(task('same', i)).then((revision) => settled.push(revision)));
    await Promise.all(commits);
    assert.deepEqual(
      settled,
      Array.from({ length: 300 }, (_, i) => i + 1),
    );
    assert.equal(
      writes.reduce((sum, { batches }) => sum + batches, 0),
      300,
    );
    assert.ok(writes.length < 30, `${writes.length} writes for 300 commits`);
    assert.deepEqual(await store.range('task', '', 10), [{ key: 'same', value: 299 }]);
  });

  test('what comes while a write is under way goes together into the next', async (t) => {
    const { probe, open, writes } = holding();
    const store = await loadedStore(t, makeStore, { probe });
    const first = store.commit(task('first'));
    while (writes.length === 0) await Promise.resolve();
    const rest = Array.from({ length: 20 }, (_, i) => store.commit(task(`t${i}`)));
    open();
    await Promise.all([first, ...rest]);
    assert.deepEqual(writes, [
      { batches: 1, records: 1 },
      { batches: 20, records: 20 },
    ]);
  });

  test('a write holds no more records than its limit, and a larger batch goes alone', async (t) => {
    const { probe, open, writes } = holding();
    open();
    const store = await loadedStore(t, makeStore, { probe, limits: limitsWith({ storeBatchMax: 5 }) });
    const batches = [2, 2, 2, 9, 1, 5, 0, 3].map((size, n) =>
      puts('task', Object.fromEntries(Array.from({ length: size }, (_, i) => [`${n}.${i}`, 0]))),
    );
    await Promise.all(batches.map((batch) => store.commit(batch)));
    assert.deepEqual(
      writes.map(({ records }) => records),
      [4, 2, 9, 1, 5, 3],
    );
    assert.deepEqual(
      writes.map(({ batches: count }) => count),
      [2, 1, 1, 1, 2, 1],
    );
  });

  test('a range sees nothing that is not durable', async (t) => {
    const { probe, open } = holding();
    const store = await loadedStore(t, makeStore, { probe });
    const commit = store.commit(task('a'));
    assert.deepEqual(await store.range('task', '', 10), []);
    open();
    await commit;
    assert.deepEqual(await store.range('task', '', 10), [{ key: 'a', value: 'a' }]);
  });
}

function busyContract(makeStore: MakeStore): void {
  test('a full queue says no, and takes nothing of what it refused', async (t) => {
    const { probe, open, writes } = holding();
    const store = await loadedStore(t, makeStore, { probe, limits: limitsWith({ storeQueueMax: 3 }) });
    const first = store.commit(task('first'));
    while (writes.length === 0) await Promise.resolve();
    const waiting = ['a', 'b', 'c'].map((key) => store.commit(task(key)));
    await assert.rejects(store.commit(task('too many')), { code: 'busy' });
    await assert.rejects(store.commit(task('too many')), { code: 'busy' });
    open();
    assert.deepEqual(await Promise.all([first, ...waiting]), [1, 2, 3, 4]);
    assert.equal(await store.commit(task('later')), 5);
    const found = await store.range('task', '', 10);
    assert.deepEqual(
      found.map(({ key }) => key),
      ['a', 'b', 'c', 'first', 'later'],
    );
  });

  test('closing waits for a load that is under way, and loads wait for one another', async (t) => {
    const open = await makeStore(t);
    const store = open();
    const loads = [store.load(), store.load()];
    const closed = store.close();
    for (const load of loads) assert.equal((await load).revision, 0);
    await closed;
    const next = open();
    t.after(() => next.close());
    assert.equal((await next.load()).revision, 0);
  });

  test('closing waits for what was taken, and takes no more', async (t) => {
    const open = await makeStore(t);
    const held = holding();
    const store = open({ probe: held.probe });
    await store.load();
    const commits = ['a', 'b'].map((key) => store.commit(task(key)));
    let closed = false;
    const closing = store.close().then(() => {
      closed = true;
    });
    await assert.rejects(store.commit(task('late')), { code: 'store-failed', message: /closed/ });
    assert.equal(closed, false);
    held.open();
    assert.deepEqual(await Promise.all(commits), [1, 2]);
    await closing;
    const again = open();
    t.after(() => again.close());
    assert.deepEqual(recordsOf(await again.load(), 'task'), { a: 'a', b: 'b' });
  });
}

function failureContract(makeStore: MakeStore): void {
  test('after a failed write every waiter is told and nothing is taken until the store is loaded anew', async (t) => {
    const held = gate();
    const faults: (WriteFault | undefined)[] = [undefined, 'refused'];
    const probe: WriteProbe = async () => {
      const fault = faults.shift();
      if (fault) await held.opened;
      return fault;
    };
    const store = await loadedStore(t, makeStore, { probe, limits: limitsWith({ storeBatchMax: 2 }) });
    assert.equal(await store.commit(task('kept')), 1);
    const waiters = Array.from({ length: 6 }, (_, i) => store.commit(task(`lost${i}`)));
    held.open();
    for (const waiter of await Promise.allSettled(waiters)) {
      assert.ok(waiter.status === 'rejected');
      assert.equal(waiter.reason.code, 'store-failed');
    }
    await assert.rejects(store.commit(task('after')), { code: 'store-failed', message: /has not been loaded again/ });
    await assert.rejects(store.range('task', '', 1), { code: 'store-failed' });
    const loaded = await store.load();
    assert.deepEqual(recordsOf(loaded, 'task'), { kept: 'kept' });
    assert.deepEqual([loaded.revision, loaded.damage], [1, []]);
    assert.equal(await store.commit(task('again')), 2);
  });

  test('a write whose answer was lost fails its caller, and is there after loading anew', async (t) => {
    const store = await loadedStore(t, makeStore, { probe: failing(undefined, 'unanswered') });
    await store.commit(task('a'));
    await assert.rejects(store.commit(puts('task', { b: 1, c: 2 })), { code: 'store-failed' });
    const loaded = await store.load();
    assert.deepEqual(recordsOf(loaded, 'task'), { a: 'a', b: 1, c: 2 });
    assert.deepEqual([loaded.revision, loaded.damage], [2, []]);
    assert.equal(await store.commit(task('d')), 3);
  });

  test('a batch that fails leaves none of its records, another store sees the same', async (t) => {
    const open = await makeStore(t);
    const store = open({ probe: failing('refused') });
    await store.load();
    const lost = { puts: [...puts('task', { x: 1, y: 2 }).puts, ...puts('job', { z: 3 }).puts], removals: [] };
    await assert.rejects(store.commit(lost), { code: 'store-failed' });
    await store.close();
    const again = open();
    t.after(() => again.close());
    const loaded = await again.load();
    assert.deepEqual([loaded.revision, recordsOf(loaded, 'task'), recordsOf(loaded, 'job')], [0, {}, {}]);
  });

  test('a probe that throws is a failed write like any other', async (t) => {
    const store = await loadedStore(t, makeStore, { probe: () => Promise.reject(new Error('no space left')) });
    await assert.rejects(store.commit(task('a')), { code: 'store-failed', message: /no space left/ });
    assert.equal((await store.load()).revision, 0);
  });

  test('a load that follows a write which then fails opens the store anew', async (t) => {
    const held = gate();
    const probe: WriteProbe = () => held.opened.then(() => 'refused');
    const store = await loadedStore(t, makeStore, { probe });
    const commit = assert.rejects(store.commit(task('a')), { code: 'store-failed' });
    const load = store.load();
    held.open();
    await commit;
    assert.deepEqual(recordsOf(await load, 'task'), {});
    assert.deepEqual(await store.range('task', '', 1), []);
  });
}

function versionContract(makeStore: MakeStore): void {
  const raised: KindVersions = {
    ...recordVersions,
    task: {
      version: 3,
      upgrades: {
        1: (value) => ({ ...(value as object), two: true }),
        2: (value) => ({ ...(value as object), three: Object.keys(value as object) }),
      },
    },
  };

  test('records of an earlier version are upgraded step by step, and written in the new one', async (t) => {
    const open = await makeStore(t);
    const old = open();
    await old.load();
    await old.commit(puts('task', { a: { one: 1 }, b: { one: 2 } }));
    await old.commit(puts('job', { a: { one: 1 } }));
    await old.close();
    const store = open({ versions: raised });
    const loaded = await store.load();
    const upgraded = { one: 1, two: true, three: ['one', 'two'] };
    assert.deepEqual(recordsOf(loaded, 'task')['a'], upgraded);
    assert.deepEqual(recordsOf(loaded, 'job')['a'], { one: 1 });
    await store.commit(puts('task', { a: { fresh: true } }));
    assert.deepEqual(await store.range('task', '', 5), [
      { key: 'a', value: { fresh: true } },
      { key: 'b', value: { ...upgraded, one: 2 } },
    ]);
    await store.close();
  });

  test('records of a newer version are refused by name, and left as they are', async (t) => {
    const open = await makeStore(t);
    const newer = open({ versions: raised });
    await newer.load();
    await newer.commit(task('a', { x: 1 }));
    await newer.close();
    const older = open();
    const refused = {
      code: 'data-newer',
      message: /task\/a was written by a newer Cube: it has version 3, this Cube reads up to version 1/,
    };
    await assert.rejects(older.load(), refused);
    await assert.rejects(older.commit(task('b')), { code: 'store-failed' });
    const again = open({ versions: raised });
    t.after(() => again.close());
    assert.deepEqual(recordsOf(await again.load(), 'task'), { a: { x: 1 } });
    await older.close();
  });
}
