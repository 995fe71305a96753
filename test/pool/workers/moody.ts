/**
 * A scoring worker with moods, told by the request's cursor, since nothing else travels: what goes wrong in threads, on demand.
 * A plan that it made itself says so by `madeHere` as its cursor.
 */
import type { Plan, ScoreRequest } from '../../../src/core/placement.ts';
import { place } from '../../../src/scheduling/place.ts';

/** The cursors that mean something here. */
export const mood = { throws: 9_001, exits: 9_002, hangs: 9_003, loops: 9_004, madeHere: 9_999 } as const;

export default function score(request: ScoreRequest): Plan {
  if (request.cursor === mood.throws) throw new Error('in no mood');
  if (request.cursor === mood.exits) process.exit(3);
  if (request.cursor === mood.hangs) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  if (request.cursor === mood.loops) for (;;);
  return { ...place(request), cursor: mood.madeHere };
}
