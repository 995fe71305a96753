/** A gate that lets a bounded number of tasks run at once, in the order in which they came. */
import { abortError } from './abort.ts';

/** A first come, first served limit on what runs at once. */
export class Gate {
  readonly #places: number;
  /** What to call to let one in, oldest first. */
  readonly #queue = new Set<() => void>();
  #inside = 0;

  /** @param places how many may run at once; less than 1 counts as 1 */
  constructor(places: number) {
    this.#places = Math.max(1, Math.floor(places));
  }

  /**
   * Runs `task` when its turn comes.
   * @param signal leaves the queue when it fires; a task that runs is not stopped by it
   * @throws AbortError when the signal fires before the turn comes, and what the task throws
   */
  async run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      return await task();
    } finally {
      this.#inside--;
      this.#admit();
    }
  }

  #enter(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(abortError(signal));
        return;
      }
      const enter = (): void => {
        signal?.removeEventListener('abort', leave);
        this.#inside++;
        resolve();
      };
      const leave = (): void => {
        this.#queue.delete(enter);
        reject(abortError(signal!));
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#queue.add(enter);
      this.#admit();
    });
  }

  #admit(): void {
    for (const enter of this.#queue) {
      if (this.#inside >= this.#places) return;
      this.#queue.delete(enter);
      enter();
    }
  }
}
