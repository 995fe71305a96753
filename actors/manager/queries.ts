/** What the leader answers about its cluster. */
import { Dependencies } from '../../src/core/dependencies.ts';
import { problem } from '../../src/core/errors.ts';
import type { NodeRecord } from '../../src/core/node.ts';
import { isDormant } from '../../src/core/ticks.ts';
import { isFinal, type TaskRecord } from '../../src/core/task.ts';
import type { ExplainView, NodeStatus, StatusView, TaskView } from '../../src/ports/control.ts';
import { explain, whyNot } from '../../src/scheduling/explain.ts';
import { jobNamed, jobView } from './jobs.ts';
import type { Leader } from './leader.ts';
import { clusterView } from './placing.ts';
import { askOf, matesOf } from './task-asks.ts';
import { strayRecord } from './strays.ts';

/** Everything, or of one job, or of one task. @throws CubeError `not-found` */
export function statusOf(leader: Leader, filter: { readonly job?: string; readonly task?: string } = {}): StatusView {
  const { state, index } = leader;
  const { seq } = leader.ledger;
  if (filter.task !== undefined) {
    const task = taskNamed(leader, filter.task);
    const job = state.jobs.get(task.job);
    return { index, seq, jobs: job ? [jobView(leader, job)] : [], tasks: [withUsage(leader, task)] };
  }
  if (filter.job !== undefined) {
    const job = jobNamed(leader, filter.job);
    return {
      index,
      seq,
      jobs: [jobView(leader, job)],
      tasks: sorted([...state.tasksOf(job.name), ...straysOf(leader).filter((task) => task.job === job.name)]).map((task) =>
        withUsage(leader, task),
      ),
    };
  }
  return {
    index,
    seq,
    jobs: [...state.jobs.values()].map((job) => jobView(leader, job)),
    tasks: sorted([...state.tasks.values(), ...straysOf(leader)]).map((task) => withUsage(leader, task)),
  };
}

function straysOf(leader: Leader): TaskRecord[] {
  return leader.strays.all().map((stray) => strayRecord(leader, stray));
}

function withUsage(leader: Leader, task: TaskRecord): TaskView {
  const usage = leader.taskUsage.of(task);
  return usage === undefined ? task : { ...task, usage };
}

/** By job, task and index; of one slot the newest first. */
function sorted(tasks: TaskRecord[]): TaskRecord[] {
  return tasks.sort((a, b) => a.job.localeCompare(b.job) || a.task.localeCompare(b.task) || a.index - b.index || b.createdAt - a.createdAt);
}

/**
 * A task by its id, a unique prefix of one, its slot, or the client's Task.ID of the seeds' API. A slot stands for its live task,
 * else for the one that ended last.
 * @throws CubeError `not-found`, or `conflict` for a prefix of several
 */
export function taskNamed(leader: Leader, ref: string): TaskRecord {
  const { state } = leader;
  const exact = state.tasks.get(ref);
  if (exact) return exact;
  const ofClient = state.jobOfClientId(ref);
  const slot = /^([^/]+)\/[^/]+\.\d+$/.exec(ref);
  const candidates = ofClient ? state.tasksOf(ofClient.name) : slot ? state.tasksOf(slot[1]!).filter((task) => task.slot === ref) : [];
  const newest = candidates.sort((a, b) => Number(isFinal(a)) - Number(isFinal(b)) || b.createdAt - a.createdAt)[0];
  if (newest) return newest;
  if (slot) refuseWaiting(leader, slot[1]!, ref);
  const strays = straysOf(leader);
  const stray = strays.find((task) => task.slot === ref);
  if (stray) return stray;
  const all = [...state.tasks.values(), ...strays];
  const matches = ref === '' ? [] : all.filter((task) => task.id.startsWith(ref));
  if (matches.length === 0) throw problem('not-found', `there is no task "${ref}"`);
  const { idPrefixChars, reasonsMax } = leader.deps.limits;
  // A short word is more likely the name of something that is gone than an id: what is stopped by it must not be a matter of luck.
  if (ref.length < idPrefixChars) {
    throw problem('not-found', `there is no task "${ref}": the beginning of an id needs ${idPrefixChars} characters or more`);
  }
  if (matches.length === 1) return matches[0]!;
  const few = matches.length <= reasonsMax ? `: ${matches.map((task) => `${task.id} (${task.slot})`).join(', ')}` : '';
  throw problem('conflict', `"${ref}" is the beginning of the ids of ${matches.length} tasks${few}`, { hint: 'give more of the id' });
}

/** Says what a slot that has no task yet waits for. @throws CubeError `not-found` */
function refuseWaiting({ state }: Leader, name: string, ref: string): void {
  const job = state.jobs.get(name);
  const slots = job === undefined || isDormant(job) ? [] : state.slotsOf(job).slots;
  const slot = slots.find((one) => one.name === ref);
  const wait = job && slot && new Dependencies(job, slots).waitOf(slot);
  if (wait !== undefined)
    throw problem('not-found', `${ref} has no task yet: ${wait}`, { hint: `\`cube status ${name}\` shows the others` });
}

/** All nodes with what is reserved and used there, by name. */
export function nodeStatuses(leader: Leader): NodeStatus[] {
  return [...leader.state.nodes.values()].map((node) => nodeStatus(leader, node)).sort((a, b) => a.name.localeCompare(b.name));
}

/** A node with what is reserved and used there. */
export function nodeStatus(leader: Leader, node: NodeRecord): NodeStatus {
  const load = leader.state.loadOf(node.id);
  const used = leader.usage.get(node.id)?.used ?? { cpu: 0, memoryBytes: 0, diskBytes: 0, custom: {} };
  const reason = leader.strays.reasonOn(node.id) ?? node.reason;
  return { ...node, ...(reason === undefined ? {} : { reason }), reserved: load.reserved, used, tasks: load.tasks };
}

/** What the scheduler thinks of each node for a task now; a placed one is looked at as if it were not. */
export function explainTask(leader: Leader, ref: string): ExplainView {
  const task = taskNamed(leader, ref);
  const ask = askOf(leader, task);
  const view = { ...clusterView(leader, task), ask, mates: matesOf(leader, task, ask) };
  return { task, picked: task.nodeName ?? null, nodes: explain(view), reasons: whyNot(view) };
}
