/** Rechecks: whether a placement of a plan still holds when it is about to be committed, since the world went on while it was scored. */
import type { Ask, FilterName, NodeSource, NodeView, TaskGroup } from '../core/placement.ts';
import type { PortBinding } from '../core/task.ts';
import { encode, type Batch } from './placing/batch.ts';
import { refusal, refusalText } from './filter.ts';
import { NodeTable } from './node-table.ts';
import { portText, PortTable } from './ports.ts';
import { Run, type Wanted } from './placing/run.ts';

/** Why a placement must go back. */
export interface Refused {
  readonly filter: FilterName;
  readonly detail: string;
}

/** What a recheck does not look at. */
const settings = { policy: 'epvm', epvmBase: 2, affinityWeight: 0, spreadWeight: 0, cursor: -1, reasonsMax: 1 } as const;

/** Asks the filters of place() of a table as it is at each question. No node may join or leave it meanwhile. */
export class Checker {
  readonly #table: NodeSource;
  readonly #run: Run;
  readonly #batch: Batch;
  readonly #wanted: (Wanted | undefined)[] = [];

  /** @param groups whose tasks are asked about, by their places in this list */
  constructor(table: NodeSource, groups: readonly Pick<TaskGroup, 'ask'>[]) {
    const { columns, batch } = encode({ table, groups: groups.map(({ ask }) => ({ ask, tasks: [] })), ...settings });
    this.#table = table;
    this.#batch = batch;
    // Nothing is written: the columns are the table's own, and show what changes there.
    this.#run = new Run(columns, batch, true);
  }

  /**
   * Whether a node takes a task of a group now, and whether the very ports that were chosen are still free.
   * @param mates tasks of the kind it has now
   * @returns the reason why the placement must go back, or undefined when it holds
   */
  check(group: number, nodeId: string, bindings: readonly PortBinding[], mates: number): Refused | undefined {
    const [run, row] = [this.#run, this.#table.rowOf(nodeId)];
    if (row < 0) return { filter: 'state', detail: 'the node has left' };
    const { columns } = run;
    const wanted = (this.#wanted[group] ??= this.#want(group));
    run.look(row, mates);
    const found = refusal(run, wanted, row);
    if (found) return { filter: found.filter.name, detail: refusalText(found, run, wanted, row) };
    if (bindings.length === 0) return undefined;
    const ports = new PortTable(columns.ports[row]!);
    for (const binding of bindings) {
      const by = ports.user(binding);
      if (by !== undefined) return { filter: 'ports', detail: `port ${portText(binding)} is used by ${by}` };
    }
    return undefined;
  }

  #want(group: number): Wanted {
    const width = this.#run.columns.resources.length;
    const amounts = this.#batch.amounts.subarray(group * width, (group + 1) * width);
    return this.#run.want(this.#batch.wheres[this.#batch.whereOf[group]!]!, amounts);
  }
}

/** The same for one node that is in no table: as it is, or as it may come to be. */
export function recheck(node: NodeView, ask: Ask, bindings: readonly PortBinding[], mates = 0): Refused | undefined {
  return new Checker(NodeTable.of([node]), [{ ask }]).check(0, node.id, bindings, mates);
}
