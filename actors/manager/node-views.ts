/** The scheduler's table of nodes, kept up to date from the leader's records: only nodes that changed are looked at again. */
import { attributesOf } from '../../src/core/constraint.ts';
import type { NodeRecord, Usage } from '../../src/core/node.ts';
import type { NodeView } from '../../src/core/placement.ts';
import { minus, noResources, plus, type Resources } from '../../src/core/resources.ts';
import { holdsNode, type TaskRecord } from '../../src/core/task.ts';
import type { NodeTable } from '../../src/scheduling/node-table.ts';
import type { Leader } from './leader.ts';

/** Takes a node's measurement. What was reserved then is kept with it: what is placed later has not been measured. */
export function takeUsage(leader: Leader, node: string, usage: Usage): void {
  leader.usage.set(node, { ...usage, reserved: leader.state.loadOf(node).reserved });
  leader.state.touched.add(node);
}

/** The table as the cluster is now. */
export function tableOf({ state, usage }: Leader): NodeTable {
  for (const id of state.touched) {
    const node = state.nodes.get(id);
    if (node) state.table.put(nodeView({ state, usage }, node));
    else state.table.remove(id);
  }
  state.touched.clear();
  return state.table;
}

/** The table for one look at it, with a task's share left out, as if it were not placed. */
export function tableWithout(leader: Leader, task: TaskRecord): NodeTable {
  const table = tableOf(leader);
  const node = holdsNode(task) && task.node !== undefined ? leader.state.nodes.get(task.node) : undefined;
  if (node) {
    table.put(nodeView(leader, node, task));
    leader.state.touched.add(node.id);
  }
  return table;
}

/** A node as the scheduler sees it now. @param left a task that holds the node and is left out */
export function nodeView({ state, usage }: Pick<Leader, 'state' | 'usage'>, node: NodeRecord, left?: TaskRecord): NodeView {
  const load = state.loadOf(node.id);
  const reserved = left ? minus(load.reserved, state.specOf(left)?.resources ?? noResources) : load.reserved;
  const ports = [...load.ports.values()];
  return {
    id: node.id,
    ...attributesOf(node),
    state: node.state,
    eligible: node.eligible,
    ...(node.engineAway === undefined ? {} : { engineAway: true }),
    capacity: node.capacity,
    reserved,
    used: usedNow(usage.get(node.id), load.reserved),
    tasks: load.tasks - (left ? 1 : 0),
    slotsMax: node.slotsMax,
    portsIp: node.portsIp,
    portRange: node.ports,
    portsTaken: left ? ports.filter((port) => port.by !== left.slot) : ports,
  };
}

/** What was measured, and what was placed since. */
function usedNow(usage: (Usage & { readonly reserved: Resources }) | undefined, reserved: Resources): Resources {
  if (usage === undefined) return noResources;
  const since = minus(reserved, usage.reserved);
  const custom = Object.fromEntries(Object.entries(since.custom).map(([name, amount]) => [name, Math.max(0, amount)]));
  return plus(usage.used, {
    cpu: Math.max(0, since.cpu),
    memoryBytes: Math.max(0, since.memoryBytes),
    diskBytes: Math.max(0, since.diskBytes),
    custom,
  });
}
