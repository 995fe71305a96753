/** What runs in a scoring thread. It keeps nothing between batches and sets no timers, so piscina may block it while it is idle. */
import type { Outcome } from '../scheduling/placing/batch.ts';
import { placeCrossed, type Crossing } from './crossing.ts';

/** One batch, as piscina hands it over. */
export default function score(crossing: Crossing): Outcome {
  return placeCrossed(crossing);
}
