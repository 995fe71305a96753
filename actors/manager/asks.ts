/** Requests of clients on their way through the manager's mailbox, with who waits for each answer. */
import { problem } from '../../src/core/errors.ts';
import type { Leader } from './leader.ts';

interface Ask {
  run(leader: Leader): void;
  refuse(error: Error): void;
}

/** Requests that wait for their answer; bounded, so that a busy manager can say no. */
export class Asks {
  readonly #waiting = new Map<number, Ask>();
  readonly #queueMax: number;
  #open = 0;
  #last = 0;

  constructor(queueMax: number) {
    this.#queueMax = queueMax;
  }

  /**
   * Puts a request in the mailbox.
   * @param run gives the answer, or a promise of it
   * @throws CubeError `busy` when too many wait, `not-leading`, and what `run` throws
   */
  make<T>(post: (ask: number) => void, run: (leader: Leader) => T | Promise<T>): Promise<T> {
    if (this.#open >= this.#queueMax) return Promise.reject(problem('busy', `${this.#open} requests wait already`));
    const ask = ++this.#last;
    this.#open++;
    const answered = new Promise<T>((resolve, reject) => {
      this.#waiting.set(ask, {
        run: (leader) => {
          try {
            resolve(run(leader));
          } catch (thrown) {
            reject(thrown);
          }
        },
        refuse: reject,
      });
      post(ask);
    });
    return answered.finally(() => this.#open--);
  }

  /** The manager leads: answers. */
  serve(ask: number, leader: Leader): void {
    this.#take(ask)?.run(leader);
  }

  /** It does not. */
  refuse(ask: number): void {
    this.#take(ask)?.refuse(problem('not-leading', 'this manager does not lead yet'));
  }

  #take(ask: number): Ask | undefined {
    const waiting = this.#waiting.get(ask);
    this.#waiting.delete(ask);
    return waiting;
  }
}
