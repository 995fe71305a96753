/** What a worker asked its manager and has no answer to yet. */
import { problem } from '../../src/core/errors.ts';
import type { ManagerFrame, WorkerCall, WorkerFrame } from '../../src/ports/transport.ts';

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Calls under way on one link after the other. */
export class Calls {
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  /** Sends a call. @throws CubeError what the manager answers, or `cut-off` when the link closes first */
  make(what: WorkerCall, send: (frame: WorkerFrame) => void): Promise<unknown> {
    const call = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      send({ type: 'call', call, what });
    });
  }

  answer(frame: Extract<ManagerFrame, { type: 'answer' }>): void {
    const waiting = this.#waiting.get(frame.call);
    this.#waiting.delete(frame.call);
    if (frame.ok) waiting?.resolve(frame.value);
    else waiting?.reject(problem(frame.code ?? 'failed', frame.message ?? 'the manager gave no reason'));
  }

  /** The link is gone: nobody will answer. */
  cutOff(): void {
    for (const waiting of this.#waiting.values()) waiting.reject(problem('cut-off', 'the manager is out of reach'));
    this.#waiting.clear();
  }
}
