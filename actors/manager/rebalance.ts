/** What `cube rebalance --plan` shows: moves worth making now. Nothing is moved. */
import type { TaskSpec } from '../../src/core/job.ts';
import { holdsNode, type TaskRecord } from '../../src/core/task.ts';
import type { RebalanceJson } from '../../src/core/views.ts';
import { rebalance, type Move, type Runner } from '../../src/scheduling/rebalance.ts';
import type { Leader } from './leader.ts';
import { nodeView } from './node-views.ts';
import { askOf } from './task-asks.ts';

/** The moves, the one to make first at the top. @param movesMax how many at most; the limit's unless told */
export function rebalanceMoves(leader: Leader, movesMax?: number): RebalanceJson {
  const { state, deps } = leader;
  const { policy, limits } = deps;
  const moves = rebalance({
    nodes: [...state.nodes.values()].map((node) => nodeView(leader, node)),
    tasks: [...state.tasks.values()].flatMap((task) => runnerOf(leader, task) ?? []),
    policy,
    epvmBase: limits.epvmBase,
    movesMax: movesMax ?? limits.rebalanceMovesMax,
    shareMin: limits.rebalanceGainPercent / 100,
    nodesMax: limits.rebalanceNodesMax,
  });
  const nameOf = (id: string): string => state.nodes.get(id)!.name;
  return {
    policy,
    moves: moves.map((move) => {
      const { task, slot, gain, share } = move;
      return { task, slot, from: nameOf(move.from), to: nameOf(move.to), gain, share, why: whyOf(leader, move, nameOf) };
    }),
  };
}

function runnerOf(leader: Leader, task: TaskRecord): Runner | undefined {
  const { id, slot, node, ports } = task;
  if (node === undefined || !holdsNode(task)) return undefined;
  return { id, slot, kind: `${task.job}/${task.task}`, node, ask: askOf(leader, task), ports, stays: !isMovable(leader, task) };
}

/** Whether a stop by hand would do no more than place it anew: a batch would lose its work, a job of one run or event would be over. */
function isMovable({ state, strays }: Leader, task: TaskRecord): boolean {
  const job = state.jobs.get(task.job);
  const spec = state.specOf(task);
  if (job === undefined || spec === undefined || isStateful(spec) || strays.get(task.id)) return false;
  return job.origin.kind === 'file' && job.spec.type === 'service' && task.state === 'running' && task.desired === 'running';
}

/** Whether a task keeps something on its node: in a volume, or in a directory of the host. */
function isStateful(spec: TaskSpec): boolean {
  return (spec.volumes?.length ?? 0) > 0;
}

function whyOf({ state }: Leader, { task, from, to, resource, fromUse, toUse }: Move, nameOf: (id: string) => string): string {
  const percent = (use: number): string => `${Math.round(use * 100)}%`;
  const why = `${resource}: ${percent(fromUse)} taken on ${nameOf(from)}, ${percent(toUse)} on ${nameOf(to)}`;
  const record = state.tasks.get(task);
  const isAlone = record !== undefined && state.specOf(record)?.count === 1;
  return isAlone ? `${why}; its only instance: nobody stands in for it while it moves` : why;
}
