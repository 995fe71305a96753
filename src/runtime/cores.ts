/** Processor use between two measurements, out of counters that only rise. */
import type { Clock } from '../ports/ambient.ts';

/** What each of some containers used last. */
export class Cores {
  readonly #clock: Clock;
  readonly #before = new Map<string, { readonly seconds: number; readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Forgets all others. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#before.keys()) if (!ids.has(id)) this.#before.delete(id);
  }

  /**
   * Notes a count.
   * @param seconds of one core, since the start
   * @returns cores since the last count; null at the first, and when it has started anew or no time has passed
   */
  since(id: string, seconds: number): number | null {
    const atMs = this.#clock.monotonic();
    const before = this.#before.get(id);
    this.#before.set(id, { seconds, atMs });
    if (!before || atMs <= before.atMs || seconds < before.seconds) return null;
    return (seconds - before.seconds) / ((atMs - before.atMs) / 1_000);
  }
}
