/** A node's own worker that its own manager refuses: which refusals keep the node from starting. */
import { problem } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Clock } from '../ports/ambient.ts';
import type { DataDirectory } from './data-directory.ts';

/** What the manager said while the worker tried to join. */
export class Refusals {
  /** Rejects with a CubeError `conflict` when there is no hope; never resolves. */
  readonly final: Promise<never>;
  readonly #limits: Pick<Limits, 'takeoverDownMs' | 'nodeDownMs' | 'redialDelayMsMax'>;
  readonly #clock: Clock;
  readonly #directory: Pick<DataDirectory, 'managerFolder' | 'workerFolder'>;
  #reject!: (error: Error) => void;
  #timer: unknown;
  #last = '';
  #over = false;

  constructor(
    limits: Pick<Limits, 'takeoverDownMs' | 'nodeDownMs' | 'redialDelayMsMax'>,
    clock: Clock,
    directory: Pick<DataDirectory, 'managerFolder' | 'workerFolder'>,
  ) {
    this.#limits = limits;
    this.#clock = clock;
    this.#directory = directory;
    this.final = new Promise<never>((_, reject) => (this.#reject = reject));
    // Nobody may wait for it yet, or any more.
    this.final.catch(() => undefined);
  }

  /**
   * The manager refused the worker.
   * @param isForeign the worker belongs to another cluster: that will not change. Another reason may pass: a namesake that a crash
   *   left is waited for until it counts as down
   */
  add(reason: string, isForeign: boolean): void {
    if (this.#over) return;
    this.#last = reason;
    const { managerFolder, workerFolder } = this.#directory;
    if (isForeign) {
      const hint = `${workerFolder} is of another cluster than ${managerFolder}: bring back the one that is missing, or move ${workerFolder} away`;
      return this.#giveUp(hint);
    }
    const { takeoverDownMs, nodeDownMs, redialDelayMsMax } = this.#limits;
    const patienceMs = Math.max(takeoverDownMs, nodeDownMs) + 2 * redialDelayMsMax;
    this.#timer ??= this.#clock.setTimeout(() => this.#giveUp('see what is there with `cube nodes`, or give another --name'), patienceMs);
  }

  /** The worker has joined, or the start has failed. */
  end(): void {
    this.#over = true;
    this.#clock.clearTimeout(this.#timer);
  }

  #giveUp(hint: string): void {
    this.#reject(problem('conflict', `the manager of this node refuses its worker: ${this.#last}`, { hint }));
    this.end();
  }
}
