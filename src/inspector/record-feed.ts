/**
 * Follows the cluster's records while somebody looks: first all that there are, then each event. The events are read from where the
 * first view ends, so that nothing falls in between.
 */
import { asCubeError } from '../core/errors.ts';
import type { ClusterEvent } from '../core/events.ts';
import { recordChanged, type InspectedEvent } from '../core/inspect-protocol.ts';
import type { Limits } from '../core/limits.ts';
import type { Clock, Log } from '../ports/ambient.ts';
import type { Control, EventFilter, NodeStatus } from '../ports/control.ts';
import { EventQueue } from './event-queue.ts';
import { readRecords } from './record-reader.ts';
import { RecordBook, type BookLimits } from './record-book.ts';
import { eventOf, keyOfEvent, recordAt, shownNode, type ShownRecord } from './records.ts';

/** Who is told. */
export interface RecordListener {
  /** A record is there, or is there again. */
  described(at: number, record: ShownRecord, jobKnown: boolean): void;
  /** A record got an event, and what became of it. */
  moved(at: number, record: ShownRecord, event: InspectedEvent): void;
  /** A record changed without an event of its machine, or is gone. */
  changed(at: number, record: ShownRecord, event: InspectedEvent, gone: boolean): void;
}

/** What the feed of records is made of. */
export interface RecordFeedDeps {
  readonly control: Control;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: BookLimits & Pick<Limits, 'inspectQueueMax' | 'inspectRetryMs' | 'inspectNodesMs'>;
}

/** One who follows, from its making until it is stopped; when the manager does not answer it tries again. */
export class RecordFeed {
  readonly book: RecordBook;
  readonly #deps: RecordFeedDeps;
  readonly #listener: RecordListener;
  readonly #abort = new AbortController();
  #nodesReadAt = Number.NEGATIVE_INFINITY;
  #nodesTimer: unknown;

  /** Starts to follow. */
  constructor(deps: RecordFeedDeps, listener: RecordListener) {
    this.#deps = deps;
    this.#listener = listener;
    this.book = new RecordBook(deps.limits);
    void this.#run();
  }

  /** Ends it; nobody is told anything more. */
  stop(): void {
    this.#deps.clock.clearTimeout(this.#nodesTimer);
    this.#abort.abort();
  }

  get #stopped(): boolean {
    return this.#abort.signal.aborted;
  }

  async #run(): Promise<void> {
    const { limits, log } = this.#deps;
    while (!this.#stopped) {
      try {
        await this.#follow();
      } catch (thrown) {
        if (this.#stopped) return;
        log.debug(`the inspector cannot read the records now: ${asCubeError(thrown).message}`);
      }
      await this.#pause(limits.inspectRetryMs);
    }
  }

  /** One time of following; ends when the events do, or with what they or the records could not give. */
  async #follow(): Promise<void> {
    const { clock, control } = this.#deps;
    const sinceMs = clock.now();
    const status = await control.status();
    const nodes = await control.nodes();
    if (this.#stopped) return;
    const at = clock.now();
    for (const record of this.book.load(status, nodes, this.#deps.log)) this.#listener.changed(at, record, { type: recordChanged }, true);
    for (const record of this.book.all()) this.#describe(at, record);
    this.#nodesReadAt = clock.monotonic();
    await this.#takeAll(status.seq === undefined ? { sinceMs } : { afterSeq: status.seq });
  }

  /** Reads events as they come, and takes all that have come at once: their records are read together. */
  async #takeAll(from: Pick<EventFilter, 'afterSeq' | 'sinceMs'>): Promise<void> {
    const round = new AbortController();
    const signal = AbortSignal.any([this.#abort.signal, round.signal]);
    const queue = new EventQueue(this.#deps.limits.inspectQueueMax);
    const reading = queue.fill(this.#deps.control.events({ follow: true, signal, ...from }));
    try {
      for (let events = await queue.next(); events.length > 0; events = await queue.next()) await this.#take(events);
    } finally {
      round.abort();
      await reading;
    }
  }

  async #take(events: readonly ClusterEvent[]): Promise<void> {
    const fresh = await readRecords(this.#deps.control, events);
    if (this.#stopped) return;
    for (const event of events) this.#takeOne(event, fresh);
    for (const record of fresh.values()) this.#refresh(record);
    if (events.some(({ machine, node }) => machine === 'task' && node !== undefined)) this.#wantNodes();
  }

  #takeOne(event: ClusterEvent, fresh: ReadonlyMap<string, ShownRecord>): void {
    const key = keyOfEvent(event);
    if (key === undefined) return;
    const known = this.book.get(key);
    const newest = fresh.get(key) ?? known;
    // It is gone by now, and nobody has seen it.
    if (newest === undefined) return;
    if (known === undefined) this.#describe(event.at, recordAt(newest, event.from === 'none' ? event.to : event.from));
    if (event.to === 'none') {
      this.#forget(event, newest);
      return;
    }
    const record = event.from === event.to ? { ...newest, path: known?.path ?? newest.path } : recordAt(newest, event.to);
    this.book.put(record);
    this.#listener.moved(event.at, record, eventOf(event));
  }

  /** A record that the cluster keeps no more; a job takes its tasks along. */
  #forget(event: ClusterEvent, record: ShownRecord): void {
    const told = eventOf(event);
    const parts = record.kind === 'job' ? this.book.partsOf(event.id) : [];
    for (const gone of [...parts, record]) {
      this.book.remove(gone);
      this.#listener.changed(event.at, gone, told, true);
    }
  }

  /** What is newer than the last event says: counts, a container's id. */
  #refresh(record: ShownRecord): void {
    const known = this.book.get(record.key);
    if (known === undefined || JSON.stringify(known) === JSON.stringify(record)) return;
    // A task's own events bring its states, each in its turn.
    if (record.kind === 'task' && known.path !== record.path) return;
    this.book.put(record);
    this.#listener.changed(this.#deps.clock.now(), record, { type: recordChanged }, false);
  }

  #describe(at: number, record: ShownRecord): void {
    this.book.put(record);
    this.#listener.described(at, record, record.job !== null && this.book.has(`job:${record.job}`));
  }

  /** What is reserved on nodes changes with their tasks; they are read anew, not too often. */
  #wantNodes(): void {
    if (this.#nodesTimer !== undefined || this.#stopped) return;
    const { clock, control, limits, log } = this.#deps;
    const waitMs = Math.max(0, this.#nodesReadAt + limits.inspectNodesMs - clock.monotonic());
    this.#nodesTimer = clock.setTimeout(() => {
      this.#nodesTimer = undefined;
      this.#nodesReadAt = clock.monotonic();
      control.nodes().then(
        (nodes) => this.#refreshNodes(nodes),
        (thrown: unknown) => log.debug(`the inspector cannot read the nodes now: ${asCubeError(thrown).message}`),
      );
    }, waitMs);
  }

  #refreshNodes(nodes: readonly NodeStatus[]): void {
    if (this.#stopped) return;
    for (const node of nodes) {
      const record = shownNode(node);
      const known = this.book.get(record.key);
      if (known !== undefined) this.#refresh({ ...recordAt(record, known.path) });
    }
  }

  /** Waits, or until it is over. */
  #pause(ms: number): Promise<void> {
    const { clock } = this.#deps;
    const { signal } = this.#abort;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        clock.clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = clock.setTimeout(done, ms);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
