/** The scorer without threads: for tests, for `poolThreadsMax=0`, and for what the pool could not do. */
import type { Scorer } from '../ports/scorer.ts';
import { place } from '../scheduling/place.ts';

/** A scorer that works on the thread that asks. There is nothing to close. */
export function openInlineScorer(): Scorer {
  return {
    // async, so that a defect rejects instead of throwing: the same as the pool's.
    score: async (request) => place(request),
    close: async () => {},
  };
}
