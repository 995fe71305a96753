/** Events: history on disk, the newest in memory for those who follow. */
import type { ClusterEvent } from '../../src/core/events.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { EventFilter } from '../../src/ports/control.ts';
import type { Store } from '../../src/ports/store.ts';
import { eventKey, type Ledger } from './ledger.ts';

type Listener = (events: readonly ClusterEvent[]) => void;

/** Events removed in one turn at most. */
const trimStep = 1_000;

/** The events of one cluster, as its leader serves them. */
export class EventLog {
  readonly #store: Store;
  readonly #limits: Limits;
  readonly #listeners = new Set<Listener>();
  readonly #closers = new Set<() => void>();
  #last: number;
  /** The oldest that may still be stored. */
  #first: number;

  constructor(store: Store, limits: Limits, lastSeq: number) {
    this.#store = store;
    this.#limits = limits;
    this.#last = lastSeq;
    this.#first = Math.max(1, lastSeq - limits.eventsMax + 1);
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

  /** Removes what is past the bound, a step at a time. Age is looked at when events are read. */
  trim(ledger: Ledger): void {
    const surplus = this.#last - this.#limits.eventsMax - this.#first + 1;
    if (surplus < trimStep) return;
    const seqs = Array.from({ length: trimStep }, (_, at) => this.#first + at);
    ledger.removeEvents(seqs);
    this.#first += trimStep;
  }

  /** Ends all followers. */
  closeAll(): void {
    for (const close of this.#closers) close();
    this.#listeners.clear();
  }

  /** History that matches, then, if it is followed, what comes; a follower too slow by the number kept is ended. */
  async *read(filter: EventFilter, now: number): AsyncGenerator<ClusterEvent> {
    const waiting: ClusterEvent[] = [];
    let wake: (() => void) | undefined;
    let open = true;
    const close = (): void => {
      open = false;
      wake?.();
    };
    const stop = this.listen((events) => {
      waiting.push(...events);
      if (waiting.length > this.#limits.eventsMax) close();
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
        const event = waiting.shift();
        if (event === undefined) await new Promise<void>((resolve) => (wake = resolve));
        else if (event.seq > seen && matches(event, filter)) yield event;
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
      const page = await this.#store.range('event', eventKey(next), trimStep);
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
