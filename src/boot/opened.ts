/** What was opened and is to be closed, whatever happens. */
import { asCubeError } from '../core/errors.ts';
import type { Log } from '../ports/ambient.ts';

/** A stack of what is open: the newest is closed first. */
export class Opened {
  readonly #log: Log;
  readonly #stack: { readonly what: string; readonly close: () => unknown }[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  /** Notes how something is closed; to be called as soon as it is open, before the next step may fail. */
  add(what: string, close: () => unknown): void {
    this.#stack.push({ what, close });
  }

  /** Closes all, each though another failed. A second call finds nothing to do. @throws the first failure, when all had their turn */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let one = this.#stack.pop(); one !== undefined; one = this.#stack.pop()) {
      try {
        await one.close();
      } catch (thrown) {
        this.#log.error(`${one.what} could not be closed: ${asCubeError(thrown).message}`);
        failures.push(thrown);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Closes all because of a failure. @throws that failure; what else goes wrong is only said */
  async closeAfter(failure: unknown): Promise<never> {
    try {
      await this.close();
    } catch (thrown) {
      this.#log.debug('not all was closed', { reason: asCubeError(thrown).message });
    }
    throw failure;
  }
}
