/**
 * What a worker writes down: who it is, the highest epoch it saw, and for each task its order and what was last observed. It is read
 * once, when the worker starts; from then on memory is the truth and the disk follows, but for the epoch, which is on disk before
 * it is obeyed.
 */
import type { Observation } from '../../machines/task.ts';
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

/** What it saw of its managers. */
export interface Seen {
  readonly epoch: Epoch | null;
  readonly revision: number;
}

/** After a restart sequences go on this far ahead: reports that were sent but not yet written down must not be used twice. */
const sequenceLeap = 1_000;

/** A worker's memory, on its own disk. */
export class WorkerBook {
  readonly entries = new Map<string, Entry>();
  identity: Identity;
  seen: Seen = { epoch: null, revision: 0 };
  readonly #store: Store;
  readonly #log: Log;

  private constructor(store: Store, log: Log, identity: Identity) {
    this.#store = store;
    this.#log = log;
    this.identity = identity;
  }

  /**
   * Reads a worker's store; an empty one gets an identity, which is on disk when this settles.
   * @throws CubeError of the store
   */
  static async open(store: Store, log: Log, newId: () => string): Promise<WorkerBook> {
    const { records, damage } = await store.load();
    for (const sentence of damage) log.error(`the worker's store is damaged: ${sentence}`);
    const meta = records.get('meta');
    const kept = meta?.get('identity') as Identity | undefined;
    const book = new WorkerBook(store, log, kept ?? { nodeId: newId(), clusterId: null });
    if (kept === undefined) await book.#commit([{ kind: 'meta', key: 'identity', value: book.identity }]);
    book.seen = (meta?.get('seen') as Seen | undefined) ?? book.seen;
    for (const [id, value] of records.get('order') ?? []) {
      const entry = value as Entry;
      const report = entry.report && { ...entry.report, sequence: entry.report.sequence + sequenceLeap };
      book.entries.set(id, { ...entry, report });
    }
    return book;
  }

  /** Pins the cluster; settles when that is on disk. */
  async pin(clusterId: string): Promise<void> {
    if (this.identity.clusterId === clusterId) return;
    this.identity = { ...this.identity, clusterId };
    await this.#commit([{ kind: 'meta', key: 'identity', value: this.identity }]);
  }

  /** Notes an epoch and revision; a higher epoch is on disk when this settles. */
  async see(epoch: Epoch, revision: number): Promise<void> {
    const raised = this.seen.epoch === null || compareEpochs(epoch, this.seen.epoch) > 0;
    this.seen = { epoch, revision };
    const written = this.#commit([{ kind: 'meta', key: 'seen', value: this.seen }]);
    if (raised) await written;
    else this.#follow(written);
  }

  /** Takes an order, new or changed. */
  take(order: Order): void {
    const known = this.entries.get(order.id);
    this.#put(order.id, { order, observed: known?.observed ?? null, report: known?.report ?? null });
  }

  /** Notes what a task told. @returns the report to send, or undefined for a task that is no longer kept */
  note(
    id: string,
    state: ReportedState,
    health: Health,
    observed: Observation,
    limits: Pick<Limits, 'workerFinalTasksMax'>,
  ): TaskReport | undefined {
    const report = this.#report(id, state, health, observed);
    if (report === undefined) return undefined;
    this.#put(id, { order: this.entries.get(id)!.order, observed, report });
    if (finalStates.has(state)) this.#trim(limits.workerFinalTasksMax);
    return report;
  }

  /** The same for progress within a state, which is not worth the disk. */
  noteProgress(id: string, observed: Observation): TaskReport | undefined {
    const last = this.entries.get(id)?.report;
    if (!last) return undefined;
    const report = this.#report(id, last.state, last.health, observed);
    if (report) this.entries.set(id, { ...this.entries.get(id)!, observed, report });
    return report;
  }

  /** Drops a task. */
  forget(ids: readonly string[]): void {
    const removals: Removal[] = [];
    for (const id of ids) if (this.entries.delete(id)) removals.push({ kind: 'order', key: id });
    if (removals.length > 0) this.#follow(this.#store.commit({ puts: [], removals }));
  }

  #report(id: string, state: ReportedState, health: Health, observed: Observation): TaskReport | undefined {
    const entry = this.entries.get(id);
    if (entry === undefined) return undefined;
    const { restartedAt: _restartedAt, endedContainerId: _endedContainerId, ...seen } = observed;
    return { id, sequence: (entry.report?.sequence ?? entry.order.sequence) + 1, state, health, ...seen };
  }

  #put(id: string, entry: Entry): void {
    this.entries.set(id, entry);
    this.#follow(this.#commit([{ kind: 'order', key: id, value: entry }]));
  }

  /** Keeps the newest ended tasks only; the oldest go first, in the order in which they were taken. */
  #trim(finalMax: number): void {
    const ended = [...this.entries].filter(([, entry]) => entry.report !== null && finalStates.has(entry.report.state));
    if (ended.length > finalMax) this.forget(ended.slice(0, ended.length - finalMax).map(([id]) => id));
  }

  #commit(puts: readonly Put[]): Promise<number> {
    return this.#store.commit({ puts, removals: [] });
  }

  /** A write nobody waits for: the manager and the engine know it all, so a failure is said, and the work goes on. */
  #follow(written: Promise<number>): void {
    written.catch((thrown: unknown) => {
      this.#log.error(`the worker cannot write down what it does: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    });
  }
}
