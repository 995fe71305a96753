/**
 * The store in memory: for tests and simulation. A `MemoryDisk` outlives the stores on it, so that a crash and a restart are
 * a `crash()` and a second store. Values go through the codec as on a real disk: what is read is never what was given.
 */
import { problem } from '../core/errors.ts';
import type { Store } from '../ports/store.ts';
import type { Disk, DiskHandle, Entry, Operation } from './disk.ts';
import { createStore } from './engine.ts';
import type { StoreOptions } from './engine.ts';
import { sortText } from './keys.ts';
import type { Bounds } from './keys.ts';

/** A disk in memory. One store at a time has it open. */
export interface MemoryDisk extends Disk {
  /** The process dies: what was not written is lost, and the store that had the disk open can do nothing more. */
  crash(): void;
  /** Changes the bytes under a stored key (src/store/keys.ts), or removes it where `change` gives nothing. For tests of damage. */
  tamper(key: string, change: (bytes: Buffer | undefined) => Buffer | undefined): void;
  /** Stored keys in order. */
  keys(): readonly string[];
}

/** What `openMemoryStore` takes; without a disk it makes one of its own. */
export interface MemoryStoreOptions extends StoreOptions {
  readonly disk?: Disk;
}

/** A store in memory. Nothing is opened before `load`. */
export function openMemoryStore({ disk = memoryDisk(), ...options }: MemoryStoreOptions): Store {
  return createStore(disk, options);
}

/** An empty disk. */
export function memoryDisk(): MemoryDisk {
  const entries = sortedEntries();
  let acknowledged = 0;
  let holder: object | undefined;

  function handleOf(me: object): DiskHandle {
    const check = (): void => {
      if (holder !== me) throw problem('store-failed', 'the disk is not open: its process crashed, or it was closed');
    };
    return {
      get acknowledged() {
        return acknowledged;
      },
      async write(operations: readonly Operation[]) {
        check();
        for (const operation of operations) entries.set(operation.key, operation.type === 'put' ? operation.value : undefined);
      },
      async *read(bounds: Bounds, chunkMax: number) {
        check();
        const found = entries.within(bounds);
        for (let at = 0; at < found.length; at += chunkMax) yield found.slice(at, at + chunkMax);
      },
      acknowledge(revision) {
        acknowledged = Math.max(acknowledged, revision);
      },
      async close() {
        if (holder === me) holder = undefined;
      },
    };
  }

  return {
    async open() {
      if (holder) throw problem('data-held', 'another store has this disk in memory open');
      holder = {};
      return handleOf(holder);
    },
    crash() {
      holder = undefined;
    },
    tamper(key, change) {
      entries.set(key, change(entries.get(key)));
    },
    keys: () => entries.within({ gte: '', lt: '\u{10FFFF}' }).map(([key]) => key),
  };
}

interface SortedEntries {
  get(key: string): Buffer | undefined;
  /** Without a value the key is removed. */
  set(key: string, value: Buffer | undefined): void;
  within(bounds: Bounds): Entry[];
}

/** Entries in the byte order of their keys, which is made when somebody reads: one key at a time it would cost more than all else. */
function sortedEntries(): SortedEntries {
  /** By key; of one that was removed since the last read, without a value. */
  const values = new Map<string, Buffer | undefined>();
  let order: { readonly sort: string; readonly key: string }[] = [];
  let isSorted = true;
  let hasRemoved = false;

  function settle(): void {
    if (hasRemoved) order = order.filter(({ key }) => values.get(key) !== undefined || !values.delete(key));
    if (!isSorted) order.sort((a, b) => (a.sort < b.sort ? -1 : 1));
    [isSorted, hasRemoved] = [true, false];
  }

  /** The first place in `order` that is not before `sort`. */
  function place(sort: string): number {
    let [low, high] = [0, order.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (order[middle]!.sort < sort) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    get: (key) => values.get(key),
    set(key, value) {
      const isListed = values.has(key);
      if (value === undefined && !isListed) return;
      values.set(key, value);
      if (value === undefined) hasRemoved = true;
      if (isListed) return;
      const sort = sortText(key);
      isSorted &&= order.length === 0 || order.at(-1)!.sort < sort;
      order.push({ sort, key });
    },
    within({ gte, lt }) {
      settle();
      return order.slice(place(sortText(gte)), place(sortText(lt))).map(({ key }) => [key, values.get(key)!] as const);
    },
  };
}
