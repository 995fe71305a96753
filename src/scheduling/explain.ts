/** explain(): what place() would think of each node, by the same filters and policies. */
import type { Ask, Explained, FilterReason, ScoreRequest } from '../core/placement.ts';
import { reasons, refusal, refusalText } from './filter.ts';
import { isAvoided, turnOf, policies, ranks, scoreOf } from './policy.ts';
import { Seat, want } from './seat.ts';

/** A question about one task: the ask, and the cluster as place() would see it. */
export type ExplainRequest = Omit<ScoreRequest, 'groups' | 'reasonsMax'> & { readonly ask: Ask };

/**
 * Every node, with why it cannot take the task, or with its score and what each resource adds to it. The node that place() would pick
 * comes first, the others that can take it follow from best to worst, those that it avoids last among them, then those that cannot, by name.
 * @throws CubeError `usage` for a setting no policy can work with
 */
export function explain(request: ExplainRequest): Explained[] {
  const seats = request.nodes.map((node, index) => new Seat(node, index));
  const rank = ranks(seats);
  const wanted = want(request.ask);
  const policy = policies[request.policy];
  const turn = turnOf(request, request.cursor);
  const lines = seats.map((seat): { order: number; rank: number; avoided: boolean; line: Explained } => {
    const at = rank[seat.index]!;
    const found = refusal(seat, wanted);
    if (found) {
      const line = { node: seat.node.name, feasible: false, filter: found.filter.name, detail: refusalText(found, seat, wanted) };
      return { order: Number.POSITIVE_INFINITY, rank: at, avoided: false, line };
    }
    const score = scoreOf(policy, seat, wanted, turn);
    const avoided = isAvoided(seat, wanted);
    const terms = Object.fromEntries(policy.terms(seat, wanted, turn));
    const detail = avoided ? { detail: 'avoided: this slot failed here' } : {};
    return { order: score, rank: at, avoided, line: { node: seat.node.name, feasible: true, ...detail, score, terms } };
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
export function whyNot(request: Pick<ScoreRequest, 'nodes' | 'reasonsMax'> & { readonly ask: Ask }): readonly FilterReason[] {
  return reasons(
    request.nodes.map((node, index) => new Seat(node, index)),
    want(request.ask),
    request.reasonsMax,
  );
}
