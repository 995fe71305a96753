/** recheck(): whether a placement of a plan still holds when it is about to be committed, since the world went on while it was scored. */
import type { Ask, FilterName, NodeView } from '../core/placement.ts';
import type { PortBinding } from '../core/task.ts';
import { encode } from './batch.ts';
import { refusal, refusalText } from './filter.ts';
import { NodeTable } from './node-table.ts';
import { portText } from './ports.ts';
import { Run } from './run.ts';

/** Why a placement must go back. */
export interface Refused {
  readonly filter: FilterName;
  readonly detail: string;
}

/** What a recheck does not look at. */
const settings = { policy: 'epvm', epvmBase: 2, affinityWeight: 0, spreadWeight: 0, cursor: -1, reasonsMax: 1 } as const;

/**
 * Asks the same filters as place() of one node as it is now, and whether the very ports that were chosen are still free.
 * @param node the node now, what was committed since the snapshot included
 * @param mates tasks of the kind it has now
 * @returns the reason why the placement must go back, or undefined when it holds
 */
export function recheck(node: NodeView, ask: Ask, bindings: readonly PortBinding[], mates = 0): Refused | undefined {
  const group = { ask, tasks: [], mates: { [node.id]: mates } };
  const { columns, batch } = encode({ table: NodeTable.of([node]), groups: [group], ...settings });
  const run = new Run(columns, batch);
  run.begin(batch.mates.get(0));
  const wanted = run.want(batch.wheres[0]!, batch.amounts);
  const found = refusal(run, wanted, 0);
  if (found) return { filter: found.filter.name, detail: refusalText(found, run, wanted, 0) };
  for (const binding of bindings) {
    const by = run.ports(0).user(binding);
    if (by !== undefined) return { filter: 'ports', detail: `port ${portText(binding)} is used by ${by}` };
  }
  return undefined;
}
