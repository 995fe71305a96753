/** Placing: what the scheduler is shown, and what becomes of its plan. */
import type { Ask, NodeView, Plan, ScoreRequest, TaskGroup } from '../../src/core/placement.ts';
import { noResources } from '../../src/core/resources.ts';
import { holdsNode, type TaskRecord } from '../../src/core/task.ts';
import { recheck } from '../../src/scheduling/recheck.ts';
import type { Leader } from './leader.ts';
import { moveTask } from './moves.ts';
import { strayIn } from './strays.ts';
import type { NodeRecord } from '../../src/core/node.ts';

/** A node as the scheduler sees it now. @param without a task whose share is left out, as if it were not placed */
function nodeView(leader: Leader, node: NodeRecord, without?: TaskRecord): NodeView {
  const load = leader.state.loadOf(node.id);
  const left = without && holdsNode(without) && without.node === node.id ? without : undefined;
  const asked = (left && leader.state.specOf(left)?.resources) ?? noResources;
  const custom = Object.fromEntries(
    Object.entries(load.reserved.custom).map(([name, amount]) => [name, amount - (asked.custom[name] ?? 0)]),
  );
  return {
    id: node.id,
    name: node.name,
    dc: node.dc,
    state: node.state,
    eligible: node.eligible,
    ...(node.engineAway === undefined ? {} : { engineAway: true }),
    capacity: node.capacity,
    reserved: {
      cpu: load.reserved.cpu - asked.cpu,
      memoryBytes: load.reserved.memoryBytes - asked.memoryBytes,
      diskBytes: load.reserved.diskBytes - asked.diskBytes,
      custom,
    },
    used: leader.usage.get(node.id)?.used ?? noResources,
    tasks: load.tasks - (left ? 1 : 0),
    slotsMax: node.slotsMax,
    portsIp: node.portsIp,
    portRange: node.ports,
    portsTaken: [...load.ports.values()].filter((port) => !left || port.by !== left.slot),
  };
}

/** What a task asks for. */
export function askOf(leader: Leader, task: TaskRecord): Ask {
  const job = leader.state.jobs.get(task.job);
  const spec = leader.state.specOf(task);
  return {
    resources: spec?.resources ?? noResources,
    datacenters: job?.spec.datacenters ?? [],
    ports: spec?.ports ?? [],
    ...(job?.spec.onNode === undefined ? {} : { onNode: job.spec.onNode }),
    ...(task.avoid === undefined || task.avoid.length === 0 ? {} : { avoid: task.avoid }),
  };
}

/** The scheduler's view of the cluster, without a batch. */
export function clusterView(leader: Leader, without?: TaskRecord): Omit<ScoreRequest, 'groups'> {
  const { limits, policy } = leader.deps;
  return {
    nodes: [...leader.state.nodes.values()].map((node) => nodeView(leader, node, without)),
    policy,
    epvmBase: limits.epvmBase,
    cursor: leader.cursor,
    reasonsMax: limits.reasonsMax,
  };
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
  const priority = (task: TaskRecord): number => leader.state.jobs.get(task.job)?.spec.priority ?? 0;
  waiting.sort((a, b) => priority(b) - priority(a) || a.createdAt - b.createdAt || a.index - b.index);
  const groups: { key: string; group: TaskGroup & { tasks: { id: string; slot: string }[] } }[] = [];
  for (const task of waiting.slice(0, leader.deps.limits.batchTasksMax)) {
    // What they ask for must be the same, the nodes to avoid with it.
    const key = [`${task.job}/${task.task}@${task.version}`, ...(task.avoid ?? []).toSorted()].join(' ');
    const last = groups.at(-1);
    if (last?.key === key) last.group.tasks.push({ id: task.id, slot: task.slot });
    else groups.push({ key, group: { ask: askOf(leader, task), tasks: [{ id: task.id, slot: task.slot }] } });
  }
  return { ...clusterView(leader), groups: groups.map(({ group }) => group) };
}

/** Takes a plan: each placement is checked against now; what no longer holds stays pending with the reason. */
export function takePlan(leader: Leader, plan: Plan): void {
  leader.cursor = plan.cursor;
  for (const { task: id, node: nodeId, score, ports } of plan.placements) {
    const task = leader.state.tasks.get(id);
    const node = leader.state.nodes.get(nodeId);
    if (task?.state !== 'pending' || task.desired !== 'running' || node === undefined) continue;
    const refused = recheck(nodeView(leader, node), askOf(leader, task), ports);
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
    };
    leader.ledger.orderTask(moveTask(leader, task, 'order.schedule', patch, `placed on ${node.name}`));
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

function note(leader: Leader, task: TaskRecord, reason: string): void {
  if (task.reason !== reason) leader.ledger.putTask({ ...task, reason });
}
