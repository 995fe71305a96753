/** Moving records along their machines: the only place where a state is written. */
import { deploymentMachine, jobMachine, nodeMachine, taskMachine } from '../../machines/index.ts';
import type { DeploymentEvent } from '../../machines/deployment.ts';
import { flatTable } from '../../machines/flat-table.ts';
import type { JobEvent } from '../../machines/job.ts';
import type { NodeEvent } from '../../machines/node.ts';
import type { TaskEvent } from '../../machines/task.ts';
import type { Deployment, DeploymentState } from '../../src/core/deployment.ts';
import type { JobRecord, JobStatus } from '../../src/core/job.ts';
import type { NodeRecord, NodeState } from '../../src/core/node.ts';
import { finalStates, isFinal, type Health, type TaskRecord, type TaskState } from '../../src/core/task.ts';
import type { Leader } from './leader.ts';

const taskEvents: readonly TaskEvent['type'][] = [
  'order.schedule',
  'order.stop',
  'order.reject',
  'node.down',
  'node.removed',
  'report.preparing',
  'report.starting',
  'report.running',
  'report.healthy',
  'report.unhealthy',
  'report.backingOff',
  'report.stopping',
  'report.completed',
  'report.failed',
  'report.stopped',
  'report.lost',
  'report.rejected',
];
const jobEvents: readonly JobEvent['type'][] = [
  'job.changed',
  'tasks.waiting',
  'tasks.placed',
  'tasks.healthy',
  'tasks.short',
  'tasks.completed',
  'tasks.failed',
  'tasks.gone',
];
const deploymentEvents: readonly DeploymentEvent['type'][] = [
  'slots.updated',
  'canaries.healthy',
  'deployment.promoted',
  'deployment.failed',
  'deployment.paused',
  'deployment.superseded',
];
const nodeEvents: readonly NodeEvent['type'][] = ['link.welcomed', 'beat.heard', 'deadline.suspect', 'deadline.down', 'node.bye'];

/** Only the order's `desired` is looked at when the machine starts, and its value does not matter to the table. */
const anyTask = { order: { desired: 'running' } };
const taskTable = flatTable(taskMachine, taskEvents, anyTask);
const jobTable = flatTable(jobMachine, jobEvents);
const deploymentTable = flatTable(deploymentMachine, deploymentEvents);
const nodeTable = flatTable(nodeMachine, nodeEvents);

/** A task's resting state in its machine: running has its health as a child. */
function taskKey(task: { readonly state: TaskState; readonly health: Health }): string {
  return task.state === 'running' ? `running.${task.health}` : task.state;
}

/** As people see it: no child where there is nothing to say of health. */
function shown(key: string): string {
  return key === 'running.unknown' ? 'running' : key;
}

/** Notes something about a task that moves it nowhere, and is worth a line all the same. */
export function noteStill(leader: Leader, task: TaskRecord, event: TaskEvent['type'], cause: string): void {
  const state = shown(taskKey(task));
  noteTask(leader, task, state, state, event, cause);
}

/** Whether two records of a task are in one state, the same health included. */
export function isSameState(a: TaskRecord, b: TaskRecord): boolean {
  return taskKey(a) === taskKey(b);
}

function noteTask(leader: Leader, task: TaskRecord, from: string, to: string, event: TaskEvent['type'], cause: string): void {
  const { id, job, nodeName } = task;
  leader.ledger.note({ machine: 'task', id, from, to, event, cause, job, ...(nodeName ? { node: nodeName } : {}) });
}

/**
 * Moves a task by an event of its machine and changes other fields along with it. An event that its state does not take changes
 * only the fields.
 */
export function moveTask(
  leader: Leader,
  task: TaskRecord,
  event: TaskEvent['type'],
  patch: Partial<TaskRecord>,
  cause: string,
): TaskRecord {
  const from = taskKey(task);
  const to = taskTable(from, event);
  const [state, health] = (to ?? from).split('.') as [TaskState, Health | undefined];
  const now = leader.deps.ambient.clock.now();
  const ended = finalStates.has(state) ? { endedAt: now } : {};
  const isAnew = (to !== undefined && to !== from) || (patch.attempt ?? task.attempt) !== task.attempt;
  const moved: TaskRecord = { ...task, ...patch, ...ended, ...(isAnew ? { stateAt: now } : {}), state, health: health ?? 'unknown' };
  leader.ledger.putTask(moved);
  if (to === undefined) return moved;
  noteTask(leader, moved, shown(from), shown(to), event, cause);
  if (isFinal(moved)) {
    leader.parked.delete(moved.id);
    // Of one that waited: the room that was held for it.
    const place = moved.node ?? moved.roomOn;
    if (place !== undefined) leader.roomChanged(place);
    for (const old of leader.state.surplusOf(moved, leader.deps.limits.finalRecordsPerSlotMax)) leader.ledger.removeTask(old);
  }
  return moved;
}

/** Moves a job's status; nothing happens where the event changes nothing. */
export function moveJob(leader: Leader, job: JobRecord, event: JobEvent['type'], reason: string | undefined, cause: string): JobRecord {
  const to = jobTable(job.status, event) as JobStatus | undefined;
  if (to === undefined && reason === job.reason) return job;
  const moved: JobRecord = { ...job, status: to ?? job.status, reason, updatedAt: leader.deps.ambient.clock.now() };
  leader.ledger.putJobStatus(moved);
  if (to !== undefined) leader.ledger.note({ machine: 'job', id: job.name, from: job.status, to, event, cause, job: job.name });
  return moved;
}

/** Moves a job's deployment and changes other fields along with it. @returns the job; unchanged where the event changes nothing */
export function moveDeployment(
  leader: Leader,
  job: JobRecord,
  event: DeploymentEvent['type'],
  patch: Partial<Deployment>,
  cause: string,
): JobRecord {
  const { deployment } = job;
  const to = deployment && (deploymentTable(deployment.state, event) as DeploymentState | undefined);
  if (deployment === undefined || to === undefined) return job;
  const now = leader.deps.ambient.clock.now();
  const ended = to === 'succeeded' || to === 'failed' || to === 'superseded' ? { endedAt: now } : {};
  // Why it was begun by itself is told as long as there is one; why it is paused or failed only while it is.
  const kept = deployment.rollbackOf === undefined ? { reason: undefined } : {};
  const moved: JobRecord = { ...job, deployment: { ...deployment, ...kept, ...patch, ...ended, state: to } };
  leader.ledger.putJob(moved);
  noteDeployment(leader, moved, deployment.state, event, cause);
  return moved;
}

/** Notes a transition of a job's deployment; from `none` for one that begins. */
export function noteDeployment(leader: Leader, { name, deployment }: JobRecord, from: string, event: string, cause: string): void {
  if (deployment === undefined) return;
  leader.ledger.note({ machine: 'deployment', id: `${name}@${deployment.id}`, from, to: deployment.state, event, cause, job: name });
}

/** Moves a node; what its tasks and the scheduler make of it is the caller's. */
export function moveNode(
  leader: Leader,
  node: NodeRecord,
  event: NodeEvent['type'],
  patch: Partial<NodeRecord>,
  cause: string,
): NodeRecord {
  const to = nodeTable(node.state, event) as NodeState | undefined;
  const moved: NodeRecord = { ...node, ...patch, state: to ?? node.state, updatedAt: leader.deps.ambient.clock.now() };
  leader.ledger.putNode(moved);
  if (to !== undefined) leader.ledger.note({ machine: 'node', id: node.id, from: node.state, to, event, cause, node: node.name });
  return moved;
}
