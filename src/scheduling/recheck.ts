/** recheck(): whether a placement of a plan still holds when it is about to be committed, since the world went on while it was scored. */
import type { Ask, FilterName, NodeView } from '../core/placement.ts';
import type { PortBinding } from '../core/task.ts';
import { refusal, refusalText } from './filter.ts';
import { portText } from './ports.ts';
import { Seat, want } from './seat.ts';

/**
 * Asks the same filters as place() of one node as it is now, and whether the very ports that were chosen are still free.
 * @param node the node now, what was committed since the snapshot included
 * @returns the reason why the placement must go back, or undefined when it holds
 */
export function recheck(
  node: NodeView,
  ask: Ask,
  bindings: readonly PortBinding[],
): { readonly filter: FilterName; readonly detail: string } | undefined {
  const seat = new Seat(node, 0);
  const wanted = want(ask);
  const found = refusal(seat, wanted);
  if (found) return { filter: found.filter.name, detail: refusalText(found, seat, wanted) };
  for (const binding of bindings) {
    const by = seat.ports.user(binding);
    if (by !== undefined) return { filter: 'ports', detail: `port ${portText(binding)} is used by ${by}` };
  }
  return undefined;
}
