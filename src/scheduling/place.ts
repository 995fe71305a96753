/** place(): filter, score, pick, for a batch of tasks. */
import type { FilterReason, NodeColumns, Plan, ScoreRequest, TaskGroup } from '../core/placement.ts';
import type { PortBinding } from '../core/task.ts';
import { decode, encode, type Batch, type Outcome } from './placing/batch.ts';
import { openRows, reasons } from './filter.ts';
import { Pass } from './placing/pass.ts';
import { policies } from './policy.ts';
import { Run, type Wanted } from './placing/run.ts';
import { Search } from './placing/search.ts';

/** From so many identical tasks on one pass over all nodes costs less than a search for each. */
const passFrom = 16;

/** Finds the best node for each task of a group, one after the other. */
export interface Picker {
  /** Row of the best node that can take one more now, and what it costs; -1 when there is none. */
  pick(): { readonly row: number; readonly score: number };
  /** The picked node got the task. */
  taken(row: number): void;
}

/**
 * Decides where tasks go. Exact and greedy: each task, in the order given, goes to the best of all nodes that can take it, with what
 * the tasks before it in the batch reserve and bind counted; to a node it avoids only when no other can take it. The same request gives
 * the same plan; the request is not changed.
 * @returns every task, placed or not placed with the reasons
 * @throws CubeError `usage` for a setting no policy can work with
 */
export function place(request: ScoreRequest): Plan {
  const { columns, batch } = encode(request);
  return decode(request, columns, placeBatch(columns, batch));
}

/** The same for a batch that is made ready. @param owned the columns are for this call alone and may be written */
export function placeBatch(columns: NodeColumns, batch: Batch, owned = false): Outcome {
  const run = new Run(columns, batch, owned);
  const search = new Search(run, batch.counts);
  const tasks = batch.counts.reduce((sum, count) => sum + count, 0);
  const rows = new Int32Array(tasks).fill(-1);
  const scores = new Float64Array(tasks);
  const ports = new Map<number, readonly PortBinding[]>();
  const why = new Map<number, readonly FilterReason[]>();
  const open = batch.wheres.map((): Int32Array | undefined => undefined);
  const width = columns.resources.length;
  const placedOf = sharedKinds(batch.kinds);
  let { cursor } = batch;
  let at = 0;
  for (let group = 0; group < batch.counts.length; group++) {
    const where = batch.whereOf[group]!;
    const wanted = run.want(batch.wheres[where]!, batch.amounts.subarray(group * width, (group + 1) * width));
    const count = batch.counts[group]!;
    const placed = placedOf.get(batch.kinds[group]!);
    run.begin(batch.mates.get(group), placed);
    const scoring = policies[batch.policy].scoring(run, wanted, cursor);
    const feasible = (open[where] ??= openRows(run, wanted));
    const picker: Picker = count >= passFrom ? new Pass(run, wanted, scoring, feasible) : search.for(wanted, scoring, feasible, where);
    const named = batch.named.get(group);
    for (let task = 0; task < count; task++, at++) {
      const { row, score } = picker.pick();
      if (row < 0) {
        // Nothing changes any more once no node is left, so the rest of the group shares its reasons.
        why.set(group, reasons(run, wanted));
        at += count - task;
        break;
      }
      rows[at] = row;
      scores[at] = score;
      const bindings = bindingsFor(run, wanted, row, named?.[task]);
      if (bindings.length > 0) ports.set(at, bindings);
      run.take(wanted, row, bindings, named?.[task]?.slot ?? '');
      picker.taken(row);
      placed?.push(row);
      cursor = row;
    }
  }
  return { rows, scores, ports, reasons: why, cursor };
}

/** A list of rows for each kind of which there are several groups. */
function sharedKinds(kinds: Int32Array): Map<number, number[]> {
  const shared = new Map<number, number[]>();
  for (let group = 0; group < kinds.length; group++) if (kinds[group] !== group) shared.set(kinds[group]!, []);
  return shared;
}

const none: readonly PortBinding[] = [];

function bindingsFor(run: Run, wanted: Wanted, row: number, task: TaskGroup['tasks'][number] | undefined): readonly PortBinding[] {
  if (task === undefined) return none;
  const bound = run.ports(row).bind(wanted.where.ask.ports, task.id);
  if ('bindings' in bound) return bound.bindings;
  throw new Error(`node ${run.columns.names[row]} passed the port filter and has no ports for task ${task.id}`);
}
