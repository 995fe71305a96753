/** What runs in a scoring thread. It keeps nothing between batches and sets no timers, so piscina may block it while it is idle. */
import type { Plan, ScoreRequest } from '../core/placement.ts';
import { place } from '../scheduling/place.ts';

/** One batch, as piscina hands it over. */
export default function score(request: ScoreRequest): Plan {
  return place(request);
}
