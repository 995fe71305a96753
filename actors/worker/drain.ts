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
  return Math.max(0, ...ids.map((id) => book.entries.get(id)!.order.spec).map((spec) => spec.stopDelayMs + spec.stopGraceMs));
}

/** Settles when no task of the book is live any more. */
export function allEnded(book: WorkerBook, clock: Clock, pollMs: number): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (liveIds(book).length === 0) resolve();
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
