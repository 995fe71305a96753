/** Taking a plan: each placement is checked against now, and what holds is committed; what does not stays pending with the reason. */
import type { Ask, FilterName, FilterReason, Placement, Plan } from '../../src/core/placement.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import { Checker } from '../../src/scheduling/recheck.ts';
import type { Leader } from './leader.ts';
import { moveTask } from './moves.ts';
import { tableOf } from './node-views.ts';
import { askKey, askOf, matesOf } from './task-asks.ts';
import { claimVolumes } from './volumes.ts';

/**
 * Takes a plan, or the first part of a large one, so that others are served in between.
 * @returns what is left of it; undefined when that was all
 */
export function takePlan(leader: Leader, plan: Plan): Plan | undefined {
  const planSliceMax = Math.max(1, leader.deps.limits.planSliceMax);
  const { placements, unplaced, cursor } = plan;
  leader.cursor = cursor;
  takePlacements(leader, placements.slice(0, planSliceMax));
  const room = planSliceMax - placements.length;
  for (const { task, reasons } of unplaced.slice(0, Math.max(0, room))) park(leader, task, reasons);
  const rest = { placements: placements.slice(planSliceMax), unplaced: unplaced.slice(Math.max(0, room)), cursor };
  if (rest.placements.length + rest.unplaced.length > 0) return rest;
  leader.ledger.then(() => leader.office.planCommitted());
  return undefined;
}

/** Filters that let a task through once others have left. */
const roomFilters: ReadonlySet<FilterName> = new Set(['cpu', 'memory', 'disk', 'custom', 'slots', 'ports', 'perNode']);

/** A placement that may be taken, with what its task asks for. */
interface Candidate {
  readonly task: TaskRecord;
  readonly placement: Placement;
  /** Place of its kind among those of this turn. */
  readonly kind: number;
}

function takePlacements(leader: Leader, placements: readonly Placement[]): void {
  const kinds = new Map<string, number>();
  const asks: { readonly ask: Ask }[] = [];
  const candidates: Candidate[] = [];
  for (const placement of placements) {
    const task = leader.state.tasks.get(placement.task);
    if (task?.state !== 'pending' || task.desired !== 'running') continue;
    const key = askKey(leader, task);
    let kind = kinds.get(key);
    if (kind === undefined) kinds.set(key, (kind = asks.push({ ask: askOf(leader, task) }) - 1));
    candidates.push({ task, placement, kind });
  }
  const checker = new Checker(tableOf(leader), asks);
  const mates = new MateCounts(leader);
  for (const { task, placement, kind } of candidates) {
    const { node: id, score, ports } = placement;
    const node = leader.state.nodes.get(id);
    if (node === undefined) {
      leader.awaitPlace(task);
      continue;
    }
    const refused = checker.check(kind, id, ports, mates.on(id, task, asks[kind]!.ask));
    if (refused) {
      note(leader, task, `${node.name} was picked, but ${refused.detail} by then`);
      leader.awaitPlace(task);
      continue;
    }
    const patch = {
      node: id,
      nodeName: node.name,
      dc: node.dc,
      ports,
      score,
      scheduledAt: leader.deps.ambient.clock.now(),
      reason: undefined,
      reasonCode: undefined,
      roomOn: undefined,
      wantsRoom: undefined,
    };
    const placed = moveTask(leader, task, 'order.schedule', patch, `placed on ${node.name}`);
    leader.ledger.orderTask(placed);
    claimVolumes(leader, placed);
    mates.add(id, task);
    // What was held for it elsewhere is free.
    if (task.roomOn !== undefined && task.roomOn !== id) leader.roomChanged(task.roomOn);
    // The next one sees what this one takes.
    tableOf(leader);
  }
}

function park(leader: Leader, id: string, reasons: readonly FilterReason[]): void {
  const task = leader.state.tasks.get(id);
  if (task?.state !== 'pending') return;
  // What the batch did not know of may let it have a place: it is in the next one.
  if (leader.changesDrawn === leader.changes) leader.parked.add(id);
  else leader.awaitPlace(task);
  const wantsRoom = reasons.some(({ filter }) => roomFilters.has(filter));
  const parked = (task.wantsRoom ?? false) === wantsRoom ? task : { ...task, wantsRoom };
  const why = reasons.map(({ nodes, detail }) => `${nodes} ${nodes === 1 ? 'node' : 'nodes'}: ${detail}`).join('; ');
  note(leader, parked, why || 'no node has joined yet', parked !== task);
}

/** Tasks of a kind on each node while a plan is taken: counted once a kind. */
class MateCounts {
  readonly #leader: Leader;
  readonly #byKind = new Map<string, Record<string, number>>();

  constructor(leader: Leader) {
    this.#leader = leader;
  }

  on(node: string, task: TaskRecord, ask: Ask): number {
    if (ask.maxPerNode === undefined) return 0;
    const kind = `${task.job}/${task.task}`;
    let counts = this.#byKind.get(kind);
    if (counts === undefined) this.#byKind.set(kind, (counts = { ...matesOf(this.#leader, task, ask) }));
    return counts[node] ?? 0;
  }

  add(node: string, task: TaskRecord): void {
    const counts = this.#byKind.get(`${task.job}/${task.task}`);
    if (counts) counts[node] = (counts[node] ?? 0) + 1;
  }
}

function note(leader: Leader, task: TaskRecord, reason: string, isNews = false): void {
  if (isNews || task.reason !== reason) leader.ledger.putTask({ ...task, reason });
}
