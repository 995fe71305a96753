/**
 * E-PVM, opportunity cost: Amir, Awerbuch, Barak, Borgstrom, Keren, "An Opportunity Cost Approach for Job Assignment in a Scalable
 * Computing Cluster", IEEE TPDS 11(7), 2000. A node costs the sum over its resources of `base ^ utilisation`; a task goes where that
 * grows least. Because the cost is convex, work spreads, and a node that is nearly full in one resource is avoided by tasks which need it.
 *
 * Utilisation is the larger of reserved and measured, over capacity. Slots are a resource like the others, so that tasks which reserve
 * nothing spread, too. The base is the paper's number of machines or the Cube book's constant (`epvmBase` in core/limits.ts).
 */
import { problem } from '../../core/errors.ts';
import type { Policy, Turn } from '../policy.ts';
import type { Need, Seat } from '../seat.ts';

/**
 * What one resource adds: `base^(u + d/c) - base^u`, written as `base^u * (base^(d/c) - 1)` with expm1, because the difference of two
 * close powers would round a small task (a byte, a millicore) away.
 */
function term(logBase: number, seat: Seat, need: Need): number {
  const { capacity, reserved, used } = seat.stock(need);
  if (need.amount === 0 || !(capacity > 0)) return 0;
  const utilisation = Math.max(reserved, used) / capacity;
  return Math.exp(utilisation * logBase) * Math.expm1((need.amount / capacity) * logBase);
}

function logOf({ epvmBase }: Turn): number {
  if (epvmBase > 1 && epvmBase < Number.POSITIVE_INFINITY) return Math.log(epvmBase);
  throw problem('usage', `limit epvmBase must be greater than 1, not ${epvmBase}`, {
    hint: 'leave it out, or set it with `cube up --limit epvmBase=2`',
  });
}

/** The policy `epvm`. @throws CubeError `usage` for a base of 1 or less, with which load would not count */
export const epvm: Policy = {
  score: (seat, wanted, turn) => {
    const logBase = logOf(turn);
    let sum = 0;
    for (const need of wanted.needs) sum += term(logBase, seat, need);
    return sum;
  },
  terms: (seat, wanted, turn) => {
    const logBase = logOf(turn);
    return wanted.needs.map((need) => [need.name, term(logBase, seat, need)] as const);
  },
};
