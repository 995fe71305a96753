/** What a worker tells its manager of the orders it holds. */
import { finalStates, type Holding } from '../../src/core/task.ts';
import type { WorkerBook } from './book.ts';

/** All live tasks of the book: a manager whose store lost their records makes them anew from this. */
export function holdingsOf(book: WorkerBook): readonly Holding[] {
  return [...book.entries.values()]
    .filter(({ report }) => report === null || !finalStates.has(report.state))
    .map(({ order: { id, job, task, index, version, desired, specHash, ports } }) => ({
      id,
      job,
      task,
      index,
      version,
      desired,
      ...(specHash === undefined ? {} : { specHash }),
      ports,
    }));
}
