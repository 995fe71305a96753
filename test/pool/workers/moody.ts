/**
 * A scoring worker with moods, told by the batch's cursor, since nothing else travels: what goes wrong in threads, on demand.
 * A plan that it made itself says so by `madeHere` as its cursor.
 */
import { placeCrossed, type Crossing } from '../../../src/pool/crossing.ts';
import type { Outcome } from '../../../src/scheduling/placing/batch.ts';

/** The cursors that mean something here. */
export const mood = { throws: 9_001, exits: 9_002, hangs: 9_003, loops: 9_004, madeHere: 9_999 } as const;

export default function score(crossing: Crossing): Outcome {
  const { cursor } = crossing.batch;
  if (cursor === mood.throws) throw new Error('in no mood');
  if (cursor === mood.exits) process.exit(3);
  if (cursor === mood.hangs) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  if (cursor === mood.loops) for (;;);
  return { ...placeCrossed(crossing), cursor: mood.madeHere };
}
