/** What was measured all over the cluster, for `/metrics`. */
import type { Resources } from '../../src/core/resources.ts';
import type { TaskUsage } from '../../src/core/node.ts';
import type { Leader } from './leader.ts';

/** Measured use by the names that people know. */
export interface Measured {
  /** By name. */
  readonly nodes: ReadonlyMap<string, Resources>;
  /** By slot: of those that use the most processor. */
  readonly tasks: ReadonlyMap<string, TaskUsage>;
}

/** @param tasksMax tasks that are named at most, so that a large cluster does not make endless metrics */
export function measuredBy(leader: Leader, tasksMax: number): Measured {
  const { state, usage, taskUsage } = leader;
  const nodes = new Map<string, Resources>();
  for (const [id, { used }] of usage) {
    const node = state.nodes.get(id);
    if (node) nodes.set(node.name, used);
  }
  const tasks = [...taskUsage.all()].flatMap((one) => {
    const task = state.tasks.get(one.id);
    return task !== undefined && taskUsage.of(task) === one ? [[task.slot, one] as const] : [];
  });
  tasks.sort(([, a], [, b]) => (b.cpu ?? 0) - (a.cpu ?? 0));
  return { nodes, tasks: new Map(tasks.slice(0, tasksMax)) };
}
