/** The store over any disk: commits, reads, and what is refused when. Drivers differ in their disk only. */
import { asCubeError, problem } from '../core/errors.ts';
import type { CubeError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Log } from '../ports/ambient.ts';
import type { BackupAbout, Batch, Kind, Loaded, Store } from '../ports/store.ts';
import { writeBackup } from './backup.ts';
import { createCodec } from './codec.ts';
import type { Codec } from './codec.ts';
import type { Disk, DiskHandle, Operation, WriteProbe } from './disk.ts';
import { boundsOf, checkKey, keyOf, storedKey } from './keys.ts';
import { readContent } from './load.ts';
import { createMarkChain } from './marks.ts';
import type { MarkChain } from './marks.ts';
import { createQueue } from './queue.ts';
import type { CommitQueue } from './queue.ts';
import type { KindVersions } from './versions.ts';

/** What both drivers take besides their disk. */
export interface StoreOptions {
  readonly limits: Limits;
  readonly log?: Log;
  /** Sees each physical write. For tests and simulation. */
  readonly probe?: WriteProbe;
  /** Another table of record versions. For tests. */
  readonly versions?: KindVersions;
}

interface Commit {
  readonly revision: number;
  readonly operations: readonly Operation[];
}

type State = 'new' | 'loading' | 'open' | 'failed' | 'closed';

const refusals: Readonly<Record<Exclude<State, 'open'>, string>> = {
  new: 'the store has not been loaded',
  loading: 'the store is being loaded',
  failed: 'the store failed and has not been loaded again',
  closed: 'the store is closed',
};

/** A store on a disk. Nothing is opened before `load`. */
export function createStore(disk: Disk, options: StoreOptions): Store {
  return new DiskStore(disk, options);
}

class DiskStore implements Store {
  readonly #disk: Disk;
  readonly #options: StoreOptions;
  readonly #codec: Codec;
  readonly #reads = new Set<Promise<unknown>>();
  #state: State = 'new';
  #failure: CubeError | undefined;
  #handle: DiskHandle | undefined;
  #chain: MarkChain | undefined;
  #queue: CommitQueue<Commit>;
  #revision = 0;
  /** Loads run one after the other. */
  #loading: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(disk: Disk, options: StoreOptions) {
    this.#disk = disk;
    this.#options = options;
    this.#codec = createCodec(options.versions);
    this.#queue = this.#newQueue();
  }

  load(): Promise<Loaded> {
    if (this.#closing) return Promise.reject(problem('store-failed', refusals.closed));
    const load = this.#loading.then(() => this.#load());
    // Whoever asked for this load learns that it failed; the next one only has to come after it.
    this.#loading = load.then(
      () => undefined,
      () => undefined,
    );
    return load;
  }

  async commit(batch: Batch): Promise<number> {
    this.#checkOpen();
    this.#queue.checkRoom();
    const revision = this.#revision + 1;
    const operations = this.#encode(batch, revision);
    this.#revision = revision;
    await this.#queue.add({ revision, operations }, operations.length);
    return revision;
  }

  async range(kind: Kind, from: string, limit: number): Promise<readonly { readonly key: string; readonly value: unknown }[]> {
    const handle = this.#checkOpen();
    const read = this.#range(handle, kind, from, limit);
    this.#reads.add(read);
    try {
      return await read;
    } finally {
      this.#reads.delete(read);
    }
  }

  backup(about: BackupAbout): AsyncIterable<Uint8Array> {
    // Not waited for when the store closes: a client may read it slowly, and what breaks off is refused when it is restored.
    return writeBackup(this.#checkOpen(), this.#codec, this.#options.limits.storeReadRecordsMax, about);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #checkOpen(): DiskHandle {
    const state = this.#closing ? 'closed' : this.#state;
    if (state === 'open' && this.#handle) return this.#handle;
    const why = refusals[state === 'open' ? 'new' : state];
    throw problem('store-failed', this.#failure && state === 'failed' ? `${why}: ${this.#failure.message}` : why, {
      cause: this.#failure,
    });
  }

  async #load(): Promise<Loaded> {
    const wasOpen = this.#state === 'open';
    this.#state = 'loading';
    try {
      await this.#queue.idle();
      await this.#readsDone();
      // A write that was under way may have failed by now.
      if (!wasOpen || this.#failure) await this.#reopen();
      const { storeReadRecordsMax, storeMarksMax } = this.#options.limits;
      const { loaded, chain } = await readContent(this.#handle!, this.#codec, storeReadRecordsMax);
      this.#chain = createMarkChain(chain, this.#codec, storeMarksMax);
      this.#revision = loaded.revision;
      this.#failure = undefined;
      this.#state = 'open';
      return loaded;
    } catch (thrown) {
      this.#fail(asCubeError(thrown, 'store-failed'));
      await this.#letGo();
      throw this.#failure;
    }
  }

  async #reopen(): Promise<void> {
    await this.#letGo();
    this.#queue = this.#newQueue();
    this.#handle = await this.#disk.open();
  }

  async #letGo(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #close(): Promise<void> {
    await this.#loading;
    await this.#queue.idle();
    await this.#readsDone();
    this.#state = 'closed';
    await this.#letGo();
  }

  async #readsDone(): Promise<void> {
    await Promise.allSettled(this.#reads);
  }

  #fail(failure: CubeError): void {
    this.#failure = failure;
    this.#state = 'failed';
  }

  #newQueue(): CommitQueue<Commit> {
    const { storeQueueMax, storeBatchMax } = this.#options.limits;
    return createQueue<Commit>({ waitingMax: storeQueueMax, recordsMax: storeBatchMax, write: (commits) => this.#write(commits) });
  }

  async #write(commits: readonly Commit[]): Promise<void> {
    const handle = this.#handle!;
    const operations = commits.flatMap((commit) => commit.operations);
    const { revision } = commits.at(-1)!;
    try {
      const fault = await this.#options.probe?.({ batches: commits.length, records: operations.length });
      if (fault === 'refused') throw problem('store-failed', 'the disk refused a write (a fault made on purpose)');
      await handle.write([...operations, ...this.#chain!.next(revision, operations)]);
      if (fault === 'unanswered') throw problem('store-failed', 'the disk did not answer (a fault made on purpose)');
    } catch (thrown) {
      this.#fail(asCubeError(thrown, 'store-failed'));
      throw this.#failure;
    }
    handle.acknowledge(revision);
  }

  /** Removals come first, so that a record both removed and put is there. */
  #encode({ puts, removals }: Batch, revision: number): Operation[] {
    const operations: Operation[] = [];
    for (const { kind, key } of removals) {
      checkKey(kind, key);
      operations.push({ type: 'del', key: storedKey(kind, key) });
    }
    for (const { kind, key, value } of puts) {
      checkKey(kind, key);
      operations.push({ type: 'put', key: storedKey(kind, key), value: this.#codec.encode(kind, key, value, revision) });
    }
    return operations;
  }

  async #range(handle: DiskHandle, kind: Kind, from: string, limit: number): Promise<{ key: string; value: unknown }[]> {
    const found: { key: string; value: unknown }[] = [];
    if (!(limit > 0)) return found;
    const chunkMax = Math.min(Math.ceil(limit), this.#options.limits.storeReadRecordsMax);
    for await (const chunk of handle.read(boundsOf(kind, from), chunkMax)) {
      for (const [stored, bytes] of chunk) {
        const key = keyOf(kind, stored);
        const decoded = this.#codec.decode(kind, key, bytes);
        if (decoded.ok) found.push({ key, value: decoded.value });
        else this.#options.log?.warn(`${decoded.damage} and was left out`, { kind, key });
        if (found.length >= limit) return found;
      }
    }
    return found;
  }
}
