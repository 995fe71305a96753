/** How a worker leaves: its tasks stopped if it was told to, and everything reported, within a bound. */
import { finalStates } from '../../src/core/task.ts';
import type { Clock } from '../../src/ports/ambient.ts';
import type { WorkerBook } from './book.ts';

/** Ids of the tasks that have not ended. */
export function liveIds(book: WorkerBook): string[] {
  return [...book.entries].filter(([, { report }]) => report === null || !finalStates.has(report.state)).map(([id]) => id);
}

/** The longest that the tasks may take to stop, ms. */
export function stopMsMax(book: WorkerBook, ids: readonly string[]): number {
  const stopMs = ids.map((id) => book.entries.get(id)!.order.spec).map((spec) => spec.stopDelayMs + spec.stopGraceMs);
  return stopMs.reduce((most, ms) => Math.max(most, ms), 0);
}

/** Settles when no task of the book is live any more, or when the signal says that nobody waits for it. */
export function allEnded(book: WorkerBook, clock: Clock, pollMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (signal.aborted || liveIds(book).length === 0) resolve();
      else clock.setTimeout(look, pollMs);
    };
    look();
  });
}

/** Settles with the work, or without it when the time is up. */
export function within(work: Promise<void>, ms: number, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(resolve, ms);
    work.then(resolve, reject).finally(() => clock.clearTimeout(timer));
  });
}
