/** The scorer port: filter, score, pick, off the main thread or inline, with the same answer. */
import type { ScoreRequest, Plan } from '../core/placement.ts';

/** Answers one batch after the other; the answer depends on nothing but the request. */
export interface Scorer {
  /** @throws only for a defect: an unplaced task is part of the plan */
  score(request: ScoreRequest): Promise<Plan>;
  close(): Promise<void>;
}
