/** Events: history on disk, the newest in memory for those who follow. */
import type { ClusterEvent } from '../../src/core/events.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { EventFilter } from '../../src/ports/control.ts';
import type { Store } from '../../src/ports/store.ts';
import { eventKey, type Ledger } from './ledger.ts';

type Listener = (events: readonly ClusterEvent[]) => void;

/** The events of one cluster, as its leader serves them. */
export class EventLog {
  readonly #store: Store;
  readonly #limits: Limits;
  readonly #listeners = new Set<Listener>();
  readonly #closers = new Set<() => void>();
  #last: number;
  /** The oldest that may still be stored. */
  #first: number;

  private constructor(store: Store, limits: Limits, first: number, last: number) {
    this.#store = store;
    this.#limits = limits;
    this.#first = first;
    this.#last = last;
  }

  /** Finds the ends of what is stored: numbers have no gap, so a few looks will do. */
  static async open(store: Store, limits: Limits): Promise<EventLog> {
    const after = async (seq: number): Promise<number | undefined> => {
      const [next] = await store.range('event', eventKey(seq), 1);
      return next && Number(next.key);
    };
    const first = (await after(1)) ?? 1;
    let last = first - 1;
    for (let step = 1; step >= 1;) {
      const found = await after(last + step);
      if (found !== undefined) [last, step] = [Math.max(found, last + step), step * 2];
      else step = Math.floor(step / 2);
    }
    return new EventLog(store, limits, first, last);
  }

  /** Number of the newest event on disk. */
  get last(): number {
    return this.#last;
  }

  /** Tells everybody who follows; called when they are on disk. */
  publish(events: readonly ClusterEvent[]): void {
    this.#last = events.at(-1)!.seq;
    for (const listener of this.#listeners) listener(events);
  }

  /** Follows without history: the inspector. @returns how to stop */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Removes what is past the number kept, a page at a time. */
  trim(ledger: Ledger): void {
    const { eventsMax, eventsPageMax } = this.#limits;
    if (this.#last - this.#first + 1 >= eventsMax + eventsPageMax) this.#remove(ledger, this.#first + eventsPageMax);
  }

  /** The first event that is young enough to be kept, as far as one page tells. */
  async firstToKeep(now: number): Promise<number> {
    const page = await this.#store.range('event', eventKey(this.#first), this.#limits.eventsPageMax);
    const old = page.findLast(({ value }) => (value as ClusterEvent).at < now - this.#limits.eventsAgeMs);
    return old ? Number(old.key) + 1 : this.#first;
  }

  /** Removes what comes before an event. */
  #remove(ledger: Ledger, until: number): void {
    ledger.removeEvents(Array.from({ length: until - this.#first }, (_, at) => this.#first + at));
    this.#first = until;
  }

  /** Removes what comes before an event, if it is still there. @returns whether anything was */
  removeBefore(ledger: Ledger, until: number): boolean {
    if (until <= this.#first) return false;
    this.#remove(ledger, until);
    return true;
  }

  /** Ends all followers. */
  closeAll(): void {
    for (const close of this.#closers) close();
    this.#listeners.clear();
  }

  /** History that matches, then, if it is followed, what comes; a follower too slow by the number kept is ended. */
  async *read(filter: EventFilter, now: number): AsyncGenerator<ClusterEvent> {
    const waiting: (readonly ClusterEvent[])[] = [];
    let behind = 0;
    let wake: (() => void) | undefined;
    let open = true;
    const close = (): void => {
      open = false;
      wake?.();
    };
    const stop = this.listen((events) => {
      waiting.push(events);
      behind += events.length;
      if (behind > this.#limits.eventsMax) close();
      wake?.();
    });
    this.#closers.add(close);
    filter.signal.addEventListener('abort', close, { once: true });
    try {
      let seen = Math.max(filter.afterSeq ?? 0, this.#first - 1);
      const until = this.#last;
      const oldest = now - this.#limits.eventsAgeMs;
      for await (const event of this.#history(seen + 1, until)) {
        seen = event.seq;
        if (event.at >= oldest && matches(event, filter)) yield event;
      }
      while (filter.follow && open && !filter.signal.aborted) {
        const events = waiting.shift();
        if (events === undefined) await new Promise<void>((resolve) => (wake = resolve));
        for (const event of events ?? []) {
          behind--;
          if (event.seq > seen && matches(event, filter)) yield event;
          if (!open || filter.signal.aborted) break;
        }
      }
    } finally {
      stop();
      this.#closers.delete(close);
      filter.signal.removeEventListener('abort', close);
    }
  }

  async *#history(from: number, until: number): AsyncGenerator<ClusterEvent> {
    let next = from;
    while (next <= until) {
      const page = await this.#store.range('event', eventKey(next), this.#limits.eventsPageMax);
      if (page.length === 0) return;
      for (const { value } of page) {
        const event = value as ClusterEvent;
        if (event.seq > until) return;
        yield event;
        next = event.seq + 1;
      }
    }
  }
}

function matches(event: ClusterEvent, filter: EventFilter): boolean {
  if (filter.sinceMs !== undefined && event.at < filter.sinceMs) return false;
  if (filter.job !== undefined && event.job !== filter.job) return false;
  if (filter.task !== undefined && event.id !== filter.task) return false;
  return filter.node === undefined || event.node === filter.node || event.id === filter.node;
}
