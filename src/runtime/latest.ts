/** Hands the newest of several values to one reader: what it did not come to read in time is not told any more. */
import { deferred } from './abort.ts';

/** A place for one value that waits to be read. */
export class Latest<T> {
  #value: { readonly it: T } | undefined;
  #changed = deferred<void>();
  #isOver = false;

  put(value: T): void {
    this.#value = { it: value };
    this.#changed.resolve();
  }

  /** Ends the reading, once what waits is read. */
  end(): void {
    this.#isOver = true;
    this.#changed.resolve();
  }

  /** All values there are, until the end. For one reader. */
  async *read(): AsyncGenerator<T> {
    for (;;) {
      const next = this.#value;
      if (next) {
        this.#value = undefined;
        yield next.it;
      } else if (this.#isOver) {
        return;
      } else {
        this.#changed = deferred();
        await this.#changed.promise;
      }
    }
  }
}
