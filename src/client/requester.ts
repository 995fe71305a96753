/** What the client needs of HTTP: one function, so that node:http, fetch and a test's own can stand behind it. */
import { CubeError } from '../core/errors.ts';

/** One request. */
export interface ClientRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query, encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** The head of an answer, and its body as it arrives. */
export interface ClientResponse {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Throws `ConnectionLost` when it breaks off. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Sends one request and settles with the head of the answer. It adds the token.
 * @throws CubeError `unreachable`, naming the address, when the request surely did not arrive; `ConnectionLost` when it may have;
 *   the signal's reason when it was aborted
 */
export type Requester = (request: ClientRequest) => Promise<ClientResponse>;

/** The connection broke after the request was sent: nobody knows whether it was done. */
export class ConnectionLost extends CubeError {
  constructor(message: string, cause?: unknown) {
    super('unreachable', message, { hint: 'it may have been done or not; look with `cube status`', cause });
    this.name = 'ConnectionLost';
  }
}

/** Time, as far as a client needs it. */
export interface ClientClock {
  /** Milliseconds that never jump. */
  monotonic(): number;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
}

/** The real time, of Node.js and of browsers. */
export const systemClock: ClientClock = {
  monotonic: () => performance.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (handle) => clearTimeout(handle as Parameters<typeof clearTimeout>[0]),
};

/** Waits; rejects with the signal's reason when it fires first. */
export function pause(clock: ClientClock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const onAbort = () => {
      clock.clearTimeout(timer);
      reject(signal!.reason as Error);
    };
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
