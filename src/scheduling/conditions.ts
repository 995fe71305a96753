/** What a node is open to, besides its room: one code a row of the node table. */
import type { NodeState } from '../core/node.ts';

/** All conditions by their code. `none`: no node in this row; `open`: takes tasks; `closed`: set aside by an operator. */
export const conditions = [
  'none',
  'open',
  'closed',
  'engine away',
  'joining',
  'suspect',
  'down',
  'away',
  'draining',
  'drained',
  'unknown',
] as const;

/** One of them. */
export type Condition = (typeof conditions)[number];

/** No node is in this row. */
export const noNode = conditions.indexOf('none');
/** Takes tasks. */
export const open = conditions.indexOf('open');
/** Ready, but set aside by an operator. */
export const closed = conditions.indexOf('closed');

/** A node's code. A state that is not known is not ready. */
export function conditionOf(node: { readonly state: NodeState; readonly eligible: boolean; readonly engineAway?: boolean }): number {
  if (node.state === 'ready') return node.engineAway ? conditions.indexOf('engine away') : node.eligible ? open : closed;
  const code = conditions.indexOf(node.state);
  return code > closed ? code : conditions.indexOf('unknown');
}
