import assert from 'node:assert/strict';
import test from 'node:test';
import { WorkerBook } from '../../actors/worker/book.ts';
import { limitsDefault, limitsWith } from '../../src/core/limits.ts';
import type { Log } from '../../src/ports/ambient.ts';
import type { WriteFault } from '../../src/store/disk.ts';
import { memoryDisk, openMemoryStore, type MemoryDisk } from '../../src/store/memory.ts';
import { settle } from '../sim/clock.ts';
import { order } from './worker-bench.ts';

const said: string[] = [];
const ignore = (): void => undefined;
const log: Log = { debug: ignore, info: ignore, warn: ignore, error: (message) => void said.push(message) };

interface Opened {
  readonly book: WorkerBook;
  /** Writes from now on: held for ever, or with a fault. */
  disk: 'holds' | 'works' | WriteFault;
}

async function open(disk: MemoryDisk): Promise<Opened> {
  const opened: { disk: Opened['disk'] } = { disk: 'works' };
  const store = openMemoryStore({
    disk,
    limits: limitsDefault,
    probe: () => {
      if (opened.disk === 'holds') return new Promise<undefined>(() => undefined);
      return opened.disk === 'works' ? undefined : opened.disk;
    },
  });
  const book = await WorkerBook.open(store, log, () => 'node-1', limitsDefault);
  return Object.assign(opened, { book });
}

const running = { attempt: 1, restarts: 0 };

test('a sequence is used once, whatever a crash leaves unwritten, and however often it crashes', async () => {
  const disk = memoryDisk();
  const first = await open(disk);
  first.book.take(order('a', 'runs'));
  const used = [first.book.note('a', 'running', 'unknown', running)!.sequence];
  await settle();
  for (let life = 2; life < 6; life++) {
    disk.crash();
    const next = await open(disk);
    next.disk = 'holds';
    used.push(next.book.entries.get('a')!.report!.sequence);
    used.push(next.book.note('a', 'running', 'unknown', running)!.sequence);
    await settle();
  }
  assert.deepEqual(
    used,
    [...new Set(used)].toSorted((a, b) => a - b),
  );
});

test('after a start sequences go on as far ahead as is told', async () => {
  const disk = memoryDisk();
  const store = () => openMemoryStore({ disk, limits: limitsDefault });
  const first = await WorkerBook.open(store(), log, () => 'node-1', limitsDefault);
  first.take(order('a', 'runs'));
  const { sequence } = first.note('a', 'running', 'unknown', running)!;
  await first.written();
  disk.crash();
  const next = await WorkerBook.open(store(), log, () => 'node-1', limitsWith({ reportSequenceLeap: 7 }));
  assert.equal(next.entries.get('a')!.report!.sequence, sequence + 7);
});

for (const fault of ['refused', 'unanswered'] as const) {
  test(`a write that was ${fault} is made good with the next one`, async () => {
    const disk = memoryDisk();
    const opened = await open(disk);
    const { book } = opened;
    for (const id of ['a', 'b', 'c']) book.take(order(id, 'runs'));
    await settle();
    opened.disk = fault;
    book.note('a', 'running', 'unknown', running);
    book.forget(['b']);
    await settle();
    opened.disk = 'works';
    book.note('c', 'running', 'unknown', running);
    book.take(order('d', 'runs'));
    await settle();
    disk.crash();
    const { entries } = (await open(disk)).book;
    assert.deepEqual([...entries.keys()], ['a', 'c', 'd']);
    assert.equal(entries.get('a')?.report?.state, 'running');
    assert.equal(entries.get('c')?.report?.state, 'running');
  });
}

test('while the disk says no, each new write tries it again', async () => {
  const disk = memoryDisk();
  const opened = await open(disk);
  const { book } = opened;
  opened.disk = 'refused';
  for (const id of ['a', 'b', 'c']) {
    book.take(order(id, 'runs'));
    await settle();
  }
  opened.disk = 'works';
  book.take(order('d', 'runs'));
  book.forget(['b']);
  await settle();
  disk.crash();
  assert.deepEqual([...(await open(disk)).book.entries.keys()], ['a', 'c', 'd']);
});

test('an epoch that could not be written down was not seen', async () => {
  const disk = memoryDisk();
  const opened = await open(disk);
  const { book } = opened;
  const old = { generation: 1, revision: 1 };
  await book.see(old, 7);
  opened.disk = 'refused';
  await assert.rejects(book.see({ generation: 1, revision: 2 }, 9), { code: 'store-failed' });
  assert.deepEqual(book.seen, { epoch: old, revision: 7 });
  opened.disk = 'works';
  await book.see({ generation: 1, revision: 2 }, 9);
  disk.crash();
  assert.deepEqual((await open(disk)).book.seen, { epoch: { generation: 1, revision: 2 }, revision: 9 });
});

test('who the worker is stands in a second place, and is taken from there when the store is new', async () => {
  const written: unknown[] = [];
  const copy = {
    read: async () => ({ nodeId: 'node-7', clusterId: 'c' }),
    write: async (identity: unknown) => void written.push(identity),
  };
  const openWith = (disk: MemoryDisk) =>
    WorkerBook.open(openMemoryStore({ disk, limits: limitsDefault }), log, () => 'node-1', limitsDefault, copy);
  const book = await openWith(memoryDisk());
  assert.deepEqual(book.identity, { nodeId: 'node-7', clusterId: 'c' });
  await book.pin('d');
  assert.deepEqual(written, [
    { nodeId: 'node-7', clusterId: 'c' },
    { nodeId: 'node-7', clusterId: 'd' },
  ]);
  const disk = memoryDisk();
  await open(disk);
  disk.crash();
  assert.equal((await openWith(disk)).identity.nodeId, 'node-1', 'the store’s own word comes first');
});

test('a damaged store without an identity is not begun anew under another', async () => {
  const disk = memoryDisk();
  await open(disk);
  disk.crash();
  disk.tamper('meta:identity', (bytes) => bytes!.subarray(0, -1));
  await assert.rejects(open(disk), { code: 'store-failed', message: /has lost which node it is/ });
});
