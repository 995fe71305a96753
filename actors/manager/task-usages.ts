/** What running tasks were measured to use, as their nodes told last; in memory only. */
import type { TaskUsage } from '../../src/core/node.ts';
import type { TaskRecord } from '../../src/core/task.ts';

/** By node and task. */
export class TaskUsages {
  readonly #byNode = new Map<string, ReadonlyMap<string, TaskUsage>>();

  /** A node tells of all its tasks at once: what it leaves out does not run there any more. */
  take(node: string, usages: readonly TaskUsage[]): void {
    if (usages.length === 0) this.#byNode.delete(node);
    else this.#byNode.set(node, new Map(usages.map((usage) => [usage.id, usage])));
  }

  /** A node that is gone. */
  drop(node: string): void {
    this.#byNode.delete(node);
  }

  /** Of a task that runs where it was measured; the others use nothing that is known. */
  of({ id, node, state }: TaskRecord): TaskUsage | undefined {
    if (node === undefined || (state !== 'running' && state !== 'stopping')) return undefined;
    return this.#byNode.get(node)?.get(id);
  }

  /** Of all nodes. */
  *all(): Iterable<TaskUsage> {
    for (const usages of this.#byNode.values()) yield* usages.values();
  }
}
