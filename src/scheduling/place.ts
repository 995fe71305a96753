/** place(): filter, score, pick, for a batch of tasks. */
import type { FilterReason, Placement, Plan, ScoreRequest, TaskGroup, Unplaced } from '../core/placement.ts';
import { reasons, refusal } from './filter.ts';
import { Heap } from './heap.ts';
import { isAvoided, turnOf, policies, ranks, scoreOf } from './policy.ts';
import type { Policy, Turn } from './policy.ts';
import { Seat, want } from './seat.ts';
import type { Wanted } from './seat.ts';

interface Candidate {
  readonly seat: Seat;
  readonly rank: number;
  /** Comes after all that are not, whatever its score. */
  readonly avoided: boolean;
  score: number;
}

function before(a: Candidate, b: Candidate): boolean {
  if (a.avoided !== b.avoided) return b.avoided;
  return a.score < b.score || (a.score === b.score && a.rank < b.rank);
}

/** One run's state: the nodes as they fill, and the answer as it grows. */
interface Run {
  readonly policy: Policy;
  readonly seats: readonly Seat[];
  readonly ranks: readonly number[];
  readonly reasonsMax: number;
  readonly placements: Placement[];
  readonly unplaced: Unplaced[];
}

/**
 * Decides where tasks go. Exact and greedy: each task, in the order given, goes to the best of all nodes that can take it, with what
 * the tasks before it in the batch reserve and bind counted; to a node it avoids only when no other can take it. The same request gives the same plan; the request is not changed.
 * Identical tasks (one group) share one pass over the nodes and a heap of scores: a pass and log n a task.
 * @returns every task, placed or not placed with the reasons
 * @throws CubeError `usage` for a setting no policy can work with
 */
export function place(request: ScoreRequest): Plan {
  const seats = request.nodes.map((node, index) => new Seat(node, index));
  const run: Run = {
    policy: policies[request.policy],
    seats,
    ranks: ranks(seats),
    reasonsMax: request.reasonsMax,
    placements: [],
    unplaced: [],
  };
  let { cursor } = request;
  for (const group of request.groups) cursor = placeGroup(run, group, turnOf(request, cursor));
  return { placements: run.placements, unplaced: run.unplaced, cursor };
}

/** @returns index of the node picked last, or the turn's cursor if none was */
function placeGroup(run: Run, group: TaskGroup, turn: Turn): number {
  const wanted = want(group.ask);
  const heap = new Heap(candidates(run, wanted, turn), before);
  let cursor = turn.cursor;
  let why: readonly FilterReason[] | undefined;
  for (const { id, slot } of group.tasks) {
    const best = heap.top;
    if (!best) {
      // Nothing changes any more once no node is left, so the rest of the group shares its reasons.
      why ??= reasons(run.seats, wanted, run.reasonsMax);
      run.unplaced.push({ task: id, slot, reasons: why });
      continue;
    }
    const { seat } = best;
    const ports = bindingsFor(seat, wanted, id);
    run.placements.push({ task: id, node: seat.node.id, score: best.score, ports });
    seat.take(wanted, ports, slot);
    cursor = seat.index;
    if (refusal(seat, wanted)) {
      heap.removeTop();
    } else {
      best.score = scoreOf(run.policy, seat, wanted, turn);
      heap.settleTop();
    }
  }
  return cursor;
}

function candidates(run: Run, wanted: Wanted, turn: Turn): Candidate[] {
  const found: Candidate[] = [];
  for (const seat of run.seats) {
    seat.groupTasks = 0;
    if (refusal(seat, wanted)) continue;
    found.push({
      seat,
      rank: run.ranks[seat.index]!,
      avoided: isAvoided(seat, wanted),
      score: scoreOf(run.policy, seat, wanted, turn),
    });
  }
  return found;
}

function bindingsFor(seat: Seat, wanted: Wanted, id: string): Placement['ports'] {
  if (wanted.ask.ports.length === 0) return [];
  const bound = seat.ports.bind(wanted.ask.ports, id);
  if ('bindings' in bound) return bound.bindings;
  throw new Error(`node ${seat.node.name} passed the port filter and has no ports for task ${id}`);
}
