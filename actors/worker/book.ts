/**
 * What a worker writes down: who it is, the highest epoch it saw, and for each task its order and what was last observed. It is read
 * once, when the worker starts; from then on memory is the truth and the disk follows, but for the epoch, which is on disk before
 * it is obeyed.
 */
import type { Observation } from '../../src/core/attempts.ts';
import { problem } from '../../src/core/errors.ts';
import { compareEpochs, type Epoch } from '../../src/core/events.ts';
import type { Limits } from '../../src/core/limits.ts';
import { finalStates, type Health, type Order, type ReportedState, type TaskReport } from '../../src/core/task.ts';
import type { Log } from '../../src/ports/ambient.ts';
import type { Put, Removal, Store } from '../../src/ports/store.ts';

/** One task in the book. */
export interface Entry {
  readonly order: Order;
  readonly observed: Observation | null;
  readonly report: TaskReport | null;
}

/** Who this worker is; the cluster is pinned when it is first welcomed. */
export interface Identity {
  readonly nodeId: string;
  readonly clusterId: string | null;
}

/** A second place for who this worker is: with it a store that was lost can be begun anew, and its containers are found by their labels. */
export interface IdentityCopy {
  read(): Promise<Identity | undefined>;
  write(identity: Identity): Promise<void>;
}

/** What it saw of its managers. */
export interface Seen {
  readonly epoch: Epoch | null;
  readonly revision: number;
}

/** What the keys of notes begin with. */
const notePrefix = 'note:';

/** A worker's memory, on its own disk. */
export class WorkerBook {
  readonly entries = new Map<string, Entry>();
  identity: Identity;
  seen: Seen = { epoch: null, revision: 0 };
  readonly #store: Store;
  readonly #log: Log;
  readonly #copy: IdentityCopy | undefined;
  /** A write failed, and the disk does not hold what memory does. */
  #broken = false;
  /** Memory changed since the disk was last made good. */
  #stale = false;
  #mending: Promise<number> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  readonly #watchers = new Map<string, Set<() => void>>();
  /** Small facts beside the tasks, by name. */
  readonly #notes = new Map<string, unknown>();

  private constructor(store: Store, log: Log, identity: Identity, copy: IdentityCopy | undefined) {
    this.#store = store;
    this.#log = log;
    this.#copy = copy;
    this.identity = identity;
  }

  /**
   * Reads a worker's store; an empty one gets an identity, which is on disk when this settles.
   * @param limits after a restart sequences go on `reportSequenceLeap` ahead
   * @param copy where the identity is kept a second time
   * @throws CubeError of the store; `store-failed` when it has lost the identity, and there is no copy: under a new one the containers
   *   would be nobody's, and started a second time
   */
  static async open(
    store: Store,
    log: Log,
    newId: () => string,
    limits: Pick<Limits, 'reportSequenceLeap'>,
    copy?: IdentityCopy,
  ): Promise<WorkerBook> {
    const { records, damage } = await store.load();
    for (const sentence of damage) log.error(`the worker's store is damaged: ${sentence}`);
    const meta = records.get('meta');
    const kept = meta?.get('identity') as Identity | undefined;
    const copied = kept === undefined ? await copy?.read() : undefined;
    if (copied) log.warn(`the worker goes on as node ${copied.nodeId} with an empty store: its containers are found by their labels`);
    else if (kept === undefined && damage.length > 0) {
      throw problem('store-failed', `the worker's store is damaged and has lost which node it is: ${damage[0]}`, {
        hint: 'stop its containers and start anew with another --data, or put back a copy of the data directory',
      });
    }
    const book = new WorkerBook(store, log, kept ?? copied ?? { nodeId: newId(), clusterId: null }, copy);
    await copy?.write(book.identity);
    if (kept === undefined) await book.#commit([{ kind: 'meta', key: 'identity', value: book.identity }]);
    book.seen = (meta?.get('seen') as Seen | undefined) ?? book.seen;
    for (const [name, value] of meta ?? []) if (name.startsWith(notePrefix)) book.#notes.set(name, value);
    for (const [id, value] of records.get('order') ?? []) book.entries.set(id, value as Entry);
    await book.#leap(limits.reportSequenceLeap);
    return book;
  }

  /** Goes on with fresh sequences, which are on disk before one is used: the next crash must leap from there. */
  async #leap(leap: number): Promise<void> {
    const puts: Put[] = [];
    for (const [id, entry] of this.entries) {
      // An end is the last word on its task: its sequence cannot come to mean anything else.
      if (entry.report === null || finalStates.has(entry.report.state)) continue;
      const value: Entry = { ...entry, report: { ...entry.report, sequence: entry.report.sequence + leap } };
      this.entries.set(id, value);
      puts.push({ kind: 'order', key: id, value });
    }
    if (puts.length > 0) await this.#commit(puts);
  }

  /** Pins the cluster; settles when that is on disk. */
  async pin(clusterId: string): Promise<void> {
    if (this.identity.clusterId === clusterId) return;
    this.identity = { ...this.identity, clusterId };
    await this.#copy?.write(this.identity);
    await this.#commit([{ kind: 'meta', key: 'identity', value: this.identity }]);
  }

  /** Notes an epoch and revision; a higher epoch is on disk when this settles. @throws CubeError of the store: then it was not seen */
  async see(epoch: Epoch, revision: number): Promise<void> {
    const seen: Seen = { epoch, revision };
    const puts: readonly Put[] = [{ kind: 'meta', key: 'seen', value: seen }];
    if (this.seen.epoch === null || compareEpochs(epoch, this.seen.epoch) > 0) {
      if (this.#broken) await this.#mend();
      await this.#write(puts, []);
      this.seen = seen;
      return;
    }
    this.seen = seen;
    this.#follow(this.#commit(puts));
  }

  /** A fact that was kept under a name. */
  noteOf(name: string): unknown {
    return this.#notes.get(notePrefix + name);
  }

  /** Keeps a fact under a name, over an earlier one. */
  keepNote(name: string, value: unknown): void {
    this.#notes.set(notePrefix + name, value);
    this.#follow(this.#commit([{ kind: 'meta', key: notePrefix + name, value }]));
  }

  /** Takes an order, new or changed. */
  take(order: Order): void {
    const known = this.entries.get(order.id);
    this.#put(order.id, { order, observed: known?.observed ?? null, report: known?.report ?? null });
  }

  /** Notes what a task told. @returns the report to send, or undefined for a task that is no longer kept */
  note(id: string, state: ReportedState, health: Health, observed: Observation): TaskReport | undefined {
    const report = this.#report(id, state, health, observed);
    if (report !== undefined) this.#put(id, { order: this.entries.get(id)!.order, observed, report });
    return report;
  }

  /** Counts on above a sequence that the manager took, should it be ahead. @returns the report under its new sequence */
  countOn(id: string, sequence: number): TaskReport | undefined {
    const entry = this.entries.get(id);
    if (!entry?.report || entry.report.sequence >= sequence) return undefined;
    const report = { ...entry.report, sequence: sequence + 1 };
    this.#put(id, { ...entry, report });
    return report;
  }

  /** The same for progress within a state, which is not worth the disk. */
  noteProgress(id: string, observed: Observation): TaskReport | undefined {
    const last = this.entries.get(id)?.report;
    if (!last) return undefined;
    const report = this.#report(id, last.state, last.health, observed);
    if (report) {
      this.entries.set(id, { ...this.entries.get(id)!, observed, report });
      this.#changed(id);
    }
    return report;
  }

  /** Calls back after each change of a task's entry, and when it is dropped. @returns ends that */
  watch(id: string, onChange: () => void): () => void {
    const watchers = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, watchers.add(onChange));
    return () => {
      watchers.delete(onChange);
      if (watchers.size === 0 && this.#watchers.get(id) === watchers) this.#watchers.delete(id);
    };
  }

  /** Settles when all that was noted so far is on disk, or could not be written. */
  async written(): Promise<void> {
    await this.#last;
  }

  /** Drops a task. */
  forget(ids: readonly string[]): void {
    const removals: Removal[] = [];
    for (const id of ids) {
      if (!this.entries.delete(id)) continue;
      removals.push({ kind: 'order', key: id });
      this.#changed(id);
    }
    if (removals.length > 0) this.#follow(this.#commit([], removals));
  }

  #report(id: string, state: ReportedState, health: Health, observed: Observation): TaskReport | undefined {
    const entry = this.entries.get(id);
    if (entry === undefined) return undefined;
    const {
      restartedAt: _restartedAt,
      endedContainerId: _endedContainerId,
      endedAttempt: _endedAttempt,
      wentWell: _wentWell,
      unwell: _unwell,
      ...seen
    } = observed;
    return { id, sequence: (entry.report?.sequence ?? entry.order.sequence) + 1, state, health, ...seen };
  }

  #put(id: string, entry: Entry): void {
    this.entries.set(id, entry);
    this.#follow(this.#commit([{ kind: 'order', key: id, value: entry }]));
    this.#changed(id);
  }

  #changed(id: string): void {
    for (const onChange of this.#watchers.get(id) ?? []) onChange();
  }

  #commit(puts: readonly Put[], removals: readonly Removal[] = []): Promise<number> {
    return this.#broken ? this.#mend() : this.#write(puts, removals);
  }

  async #write(puts: readonly Put[], removals: readonly Removal[]): Promise<number> {
    try {
      return await this.#store.commit({ puts, removals });
    } catch (thrown) {
      this.#broken = true;
      throw thrown;
    }
  }

  /** Makes the disk good: opens it anew and writes down all that memory holds. Who changes something meanwhile waits for it, too. */
  #mend(): Promise<number> {
    this.#stale = true;
    this.#mending ??= this.#rewrite().finally(() => (this.#mending = undefined));
    return this.#mending;
  }

  async #rewrite(): Promise<number> {
    let revision = 0;
    while (this.#stale) {
      const { records } = await this.#store.load();
      this.#stale = false;
      const puts: Put[] = [{ kind: 'meta', key: 'identity', value: this.identity }];
      if (this.seen.epoch !== null) puts.push({ kind: 'meta', key: 'seen', value: this.seen });
      for (const [key, value] of this.#notes) puts.push({ kind: 'meta', key, value });
      for (const [key, value] of this.entries) puts.push({ kind: 'order', key, value });
      const gone = [...(records.get('order')?.keys() ?? [])].filter((key) => !this.entries.has(key));
      revision = await this.#store.commit({ puts, removals: gone.map((key) => ({ kind: 'order', key })) });
    }
    this.#broken = false;
    return revision;
  }

  /**
   * A write nobody waits for: the manager and the engine know it all, so a failure is said, the work goes on, and the next write makes
   * it good.
   */
  #follow(written: Promise<number>): void {
    this.#last = written.catch((thrown: unknown) => {
      this.#log.error(`the worker cannot write down what it does: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    });
  }
}
