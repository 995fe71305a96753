/** explain(): what place() would think of each node, by the same filters and policies. */
import type { Ask, Explained, FilterReason, ScoreRequest } from '../core/placement.ts';
import { encode } from './placing/batch.ts';
import { Domains } from './placing/domains.ts';
import { reasons, refusal, refusalText } from './filter.ts';
import { comparable, policies } from './policy.ts';
import { Run, type Wanted } from './placing/run.ts';

/** A question about one task: the ask, and the cluster as place() would see it. */
export type ExplainRequest = Omit<ScoreRequest, 'groups'> & { readonly ask: Ask; readonly mates?: Readonly<Record<string, number>> };

/** A run that has placed nothing yet, at the first task that asks this. */
function begin(request: ExplainRequest): { run: Run; wanted: Wanted } {
  const { ask, mates, ...rest } = request;
  const { columns, batch } = encode({ ...rest, groups: [{ ask, tasks: [{ id: '', slot: '' }], mates }] });
  const run = new Run(columns, batch);
  run.begin(batch.mates.get(0));
  return { run, wanted: run.want(batch.wheres[0]!, batch.amounts) };
}

/**
 * Every node, with why it cannot take the task, or with its score and what each resource adds to it. The node that place() would pick
 * comes first, the others that can take it follow from best to worst, those that it avoids last among them, then those that cannot, by name.
 * @throws CubeError `usage` for a setting no policy can work with
 */
export function explain(request: ExplainRequest): Explained[] {
  const { run, wanted } = begin(request);
  const scoring = policies[request.policy].scoring(run, wanted, request.cursor);
  const domains = new Domains(run, wanted);
  const avoid = new Set(wanted.where.avoid);
  const lines = [...run.nodes()].map((row): { order: number; rank: number; avoided: boolean; line: Explained } => {
    const rank = run.columns.ranks[row]!;
    const node = run.columns.names[row]!;
    const found = refusal(run, wanted, row);
    if (found) {
      const detail = refusalText(found, run, wanted, row);
      return { order: Number.POSITIVE_INFINITY, rank, avoided: false, line: { node, feasible: false, filter: found.filter.name, detail } };
    }
    const score = comparable(scoring.score(row) + domains.affinity(row)) + domains.cost(domains.of(row));
    const avoided = avoid.has(row);
    const terms = Object.fromEntries([...scoring.terms(row), ...domains.terms(row)]);
    const detail = avoided ? { detail: 'avoided: this slot failed here' } : {};
    return { order: score, rank, avoided, line: { node, feasible: true, ...detail, score, terms } };
  });
  return lines
    .sort(
      (a, b) =>
        Number(b.line.feasible) - Number(a.line.feasible) ||
        Number(a.avoided) - Number(b.avoided) ||
        (a.order === b.order ? a.rank - b.rank : a.order - b.order),
    )
    .map(({ line }) => line);
}

/** Why no node, or not these, can take the task: as in a plan's `unplaced`, most frequent reason first. Empty when every node can. */
export function whyNot(request: ExplainRequest): readonly FilterReason[] {
  const { run, wanted } = begin(request);
  return reasons(run, wanted);
}
