/** Starts under way, one for each container: who asks twice joins the first, who stops or removes waits for it. */
import type { Started } from '../ports/runtime.ts';
import { abortable, isAbort, throwIfAborted } from './abort.ts';

/** The starts of one runtime. */
export class Starts {
  readonly #underWay = new Map<string, Promise<Started>>();

  /**
   * Begins a start, or joins the one under way.
   * @param begin gets the first caller's signal; once it has asked the engine it goes on, whether somebody waits or not
   * @throws AbortError, and what `begin` throws
   */
  async run(id: string, signal: AbortSignal, begin: (signal: AbortSignal) => Promise<Started>): Promise<Started> {
    for (;;) {
      throwIfAborted(signal);
      let start = this.#underWay.get(id);
      if (!start) {
        start = begin(signal).finally(() => this.#underWay.delete(id));
        this.#underWay.set(id, start);
      }
      try {
        return await abortable(start, signal);
      } catch (error) {
        // Another caller's start was aborted before it began: that is no answer to this one.
        if (!isAbort(error) || signal.aborted) throw error;
      }
    }
  }

  /** Waits until no start of it is under way, however it ended: its own caller has heard of that. */
  async settled(id: string): Promise<void> {
    await this.#underWay.get(id)?.catch(() => undefined);
  }
}
