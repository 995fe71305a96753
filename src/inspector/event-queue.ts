/** Events on their way from where they are read to where they are shown: a bounded number of them. */
import { setImmediate as turn } from 'node:timers/promises';
import { problem } from '../core/errors.ts';
import type { ClusterEvent } from '../core/events.ts';

/** A queue with one who fills it and one who empties it. */
export class EventQueue {
  readonly #most: number;
  #waiting: ClusterEvent[] = [];
  #wake: () => void = () => undefined;
  #ended = false;
  #failure: unknown;

  constructor(most: number) {
    this.#most = most;
  }

  /** Reads until the events end; what goes wrong is what `next` throws. Never rejects. */
  async fill(events: AsyncIterable<ClusterEvent>): Promise<void> {
    try {
      for await (const event of events) {
        if (this.#waiting.push(event) > this.#most) throw problem('busy', `${this.#most} events wait for their records`);
        this.#wake();
      }
    } catch (thrown) {
      this.#failure = thrown;
    }
    this.#ended = true;
    this.#wake();
  }

  /** All that have come, in order; waits for the first. Empty when no more will come. @throws what `fill` met */
  async next(): Promise<readonly ClusterEvent[]> {
    while (this.#waiting.length === 0 && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    // One turn later, the other events of the same commit have come as well.
    await turn();
    if (this.#failure !== undefined) throw this.#failure;
    const events = this.#waiting;
    this.#waiting = [];
    return events;
  }
}
