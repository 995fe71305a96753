/** Placing: what the scheduler is shown, and what becomes of its plan. */
import type { Ask, Plan, ScoreRequest, TaskGroup } from '../../src/core/placement.ts';
import { noResources } from '../../src/core/resources.ts';
import { holdsNode, type TaskRecord } from '../../src/core/task.ts';
import { recheck } from '../../src/scheduling/recheck.ts';
import type { Leader } from './leader.ts';
import { moveTask } from './moves.ts';
import { nodeView, tableOf, tableWithout } from './node-views.ts';
import { strayIn } from './strays.ts';

/** What a task asks for. */
export function askOf(leader: Leader, task: TaskRecord): Ask {
  const job = leader.state.jobs.get(task.job);
  const spec = leader.state.specOf(task);
  const { constraints, affinity, spread, maxPerNode } = spec ?? {};
  return {
    resources: spec?.resources ?? noResources,
    datacenters: job?.spec.datacenters ?? [],
    ports: spec?.ports ?? [],
    ...(job?.spec.onNode === undefined ? {} : { onNode: job.spec.onNode }),
    ...(task.avoid === undefined || task.avoid.length === 0 ? {} : { avoid: task.avoid }),
    ...(constraints === undefined ? {} : { constraints }),
    ...(affinity === undefined ? {} : { affinity }),
    ...(spread === undefined ? {} : { spread }),
    ...(maxPerNode === undefined ? {} : { maxPerNode }),
  };
}

/** Where the tasks of a task's kind are, its own record left out: for those whose place depends on it. */
export function matesOf(leader: Leader, task: TaskRecord, ask: Ask): Readonly<Record<string, number>> | undefined {
  if (ask.maxPerNode === undefined && ask.spread === undefined && leader.deps.policy !== 'spread') return undefined;
  const mates: Record<string, number> = {};
  for (const other of leader.state.tasksOf(task.job)) {
    if (other.task !== task.task || other.id === task.id || other.node === undefined || !holdsNode(other)) continue;
    mates[other.node] = (mates[other.node] ?? 0) + 1;
  }
  return mates;
}

/** The scheduler's view of the cluster, without a batch. @param without a task whose share is left out, as if it were not placed */
export function clusterView(leader: Leader, without?: TaskRecord): Omit<ScoreRequest, 'groups'> {
  const { limits, policy } = leader.deps;
  const { epvmBase, affinityWeight, spreadWeight, reasonsMax } = limits;
  const table = without ? tableWithout(leader, without) : tableOf(leader);
  return { table, policy, epvmBase, affinityWeight, spreadWeight, cursor: leader.cursor, reasonsMax };
}

/** The next batch: pending tasks whose time has come, by priority, then age; those of one kind together. */
export function drawBatch(leader: Leader): ScoreRequest {
  leader.roomChangesDrawn = leader.roomChanges;
  const now = leader.deps.ambient.clock.now();
  const waiting: TaskRecord[] = [];
  for (const id of leader.takesStock ? [] : leader.state.pending) {
    const task = leader.state.tasks.get(id)!;
    if (strayIn(leader, task.slot)) continue;
    if (task.desired === 'running' && !leader.parked.has(id) && (task.placeAfter ?? 0) <= now) waiting.push(task);
  }
  waiting.sort(byTurn(leader));
  const groups: { key: string; group: TaskGroup & { tasks: { id: string; slot: string }[] } }[] = [];
  for (const task of waiting.slice(0, leader.deps.limits.batchTasksMax)) {
    // What they ask for must be the same, the nodes to avoid with it.
    const key = [`${task.job}/${task.task}@${task.version}`, ...(task.avoid ?? []).toSorted()].join(' ');
    const last = groups.at(-1);
    if (last?.key === key) last.group.tasks.push({ id: task.id, slot: task.slot });
    else groups.push({ key, group: { ...kindOf(leader, task), tasks: [{ id: task.id, slot: task.slot }] } });
  }
  return { ...clusterView(leader), groups: groups.map(({ group }) => group) };
}

/** Higher priority first, of equal ones those that may not be preempted, then by age. */
export function byTurn({ state }: Pick<Leader, 'state'>): (a: TaskRecord, b: TaskRecord) => number {
  const priority = (task: TaskRecord): number => state.jobs.get(task.job)?.spec.priority ?? 0;
  const yields = (task: TaskRecord): number => (state.jobs.get(task.job)?.spec.preemptible ? 1 : 0);
  return (a, b) => priority(b) - priority(a) || yields(a) - yields(b) || a.createdAt - b.createdAt || a.index - b.index;
}

function kindOf(leader: Leader, task: TaskRecord): Pick<TaskGroup, 'ask' | 'mates'> {
  const ask = askOf(leader, task);
  const mates = matesOf(leader, task, ask);
  return { ask, ...(mates === undefined ? {} : { mates }) };
}

/** Takes a plan: each placement is checked against now; what no longer holds stays pending with the reason. */
export function takePlan(leader: Leader, plan: Plan): void {
  leader.cursor = plan.cursor;
  const mates = new MateCounts(leader);
  for (const { task: id, node: nodeId, score, ports } of plan.placements) {
    const task = leader.state.tasks.get(id);
    const node = leader.state.nodes.get(nodeId);
    if (task?.state !== 'pending' || task.desired !== 'running' || node === undefined) continue;
    const ask = askOf(leader, task);
    const refused = recheck(nodeView(leader, node), ask, ports, mates.on(node.id, task, ask));
    if (refused) {
      note(leader, task, `${node.name} was picked, but ${refused.detail} by then`);
      leader.awaitPlace(task);
      continue;
    }
    const patch = {
      node: node.id,
      nodeName: node.name,
      dc: node.dc,
      ports,
      score,
      scheduledAt: leader.deps.ambient.clock.now(),
      reason: undefined,
      reasonCode: undefined,
      roomOn: undefined,
    };
    leader.ledger.orderTask(moveTask(leader, task, 'order.schedule', patch, `placed on ${node.name}`));
    mates.add(node.id, task);
  }
  for (const { task: id, reasons } of plan.unplaced) {
    const task = leader.state.tasks.get(id);
    if (task?.state !== 'pending') continue;
    // What the batch did not see may have room for it: it is in the next one.
    if (leader.roomChangesDrawn === leader.roomChanges) leader.parked.add(id);
    else leader.awaitPlace(task);
    note(
      leader,
      task,
      reasons.map(({ nodes, detail }) => `${nodes} ${nodes === 1 ? 'node' : 'nodes'}: ${detail}`).join('; ') || 'no node has joined yet',
    );
  }
  leader.ledger.then(() => leader.office.planCommitted());
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

function note(leader: Leader, task: TaskRecord, reason: string): void {
  if (task.reason !== reason) leader.ledger.putTask({ ...task, reason });
}
