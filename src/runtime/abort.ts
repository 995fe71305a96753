/** Aborting: what every verb that takes a signal needs. */
import type { Clock } from '../ports/ambient.ts';

/** The error an aborted call rejects with: its name is `AbortError`, its cause the signal's reason. */
export function abortError(signal: AbortSignal): Error {
  const error = new Error('the call was aborted', { cause: signal.reason });
  error.name = 'AbortError';
  return error;
}

/** Whether something thrown says that a call was aborted. */
export function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'AbortError';
}

/** @throws AbortError when the signal has fired */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortError(signal);
}

/**
 * Settles as `promise` does, or rejects with an AbortError as soon as the signal fires. What is under way goes on: an
 * engine finishes what it was asked, whether somebody waits or not.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(abortError(signal));
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    promise.then(
      (value) => {
        signal.removeEventListener('abort', leave);
        resolve(value);
      },
      (thrown: unknown) => {
        signal.removeEventListener('abort', leave);
        reject(thrown);
      },
    );
  });
}

/** Waits `ms` on the given clock. @throws AbortError when the signal fires first */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortError(signal));
      return;
    }
    const leave = (): void => {
      clock.clearTimeout(timer);
      reject(abortError(signal));
    };
    const timer = clock.setTimeout(() => {
      signal.removeEventListener('abort', leave);
      resolve();
    }, ms);
    signal.addEventListener('abort', leave, { once: true });
  });
}

/** What the promise gives, or undefined when `ms` are over first. @throws what the promise throws */
export async function within<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T | undefined> {
  const timer = new AbortController();
  try {
    return await Promise.race([promise, sleep(clock, ms, timer.signal).then(() => undefined)]);
  } finally {
    timer.abort();
  }
}

/** A promise that is settled from outside. Nobody need wait for it: its rejection alone ends no process. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (thrown: unknown) => void;
}

/** @returns a promise and the two functions that settle it; only the first call counts */
export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (thrown: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
