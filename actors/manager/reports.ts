/** Reports: the workers' word on their tasks, taken once and in order, and acknowledged when it is on disk. */
import { isFinal, type ReportedState, type TaskRecord, type TaskReport } from '../../src/core/task.ts';
import type { TaskEvent } from '../../machines/task.ts';
import type { Leader } from './leader.ts';
import { isSameState, moveTask, noteStill } from './moves.ts';

/** Takes a batch of a node. What is unknown, final, or older than what was taken is acknowledged and nothing else. */
export function takeReports(leader: Leader, link: string, node: string, reports: readonly TaskReport[]): void {
  if (reports.length === 0) return;
  applyReports(leader, node, reports);
  const acks = reports.map(({ id, sequence }) => ({ id, sequence }));
  leader.ledger.then(() => leader.sessions.send(link, { type: 'acks', acks }));
}

/** The same without the acknowledgement. */
export function applyReports(leader: Leader, node: string, reports: readonly TaskReport[]): void {
  for (const report of reports) {
    const task = leader.state.tasks.get(report.id);
    if (task === undefined || task.node !== node || isFinal(task) || !isNews(task, report)) continue;
    takeReport(leader, task, report);
  }
}

/** Lets a node forget ended tasks that have no record any more: theirs was dropped while the node was out of reach. */
export function forgetStrangers(leader: Leader, node: string, reports: readonly TaskReport[]): void {
  for (const { id, state } of reports) {
    if (isFinal({ state }) && !leader.state.tasks.has(id)) leader.ledger.forgotten.push({ id, node });
  }
}

/** Whether a report is newer than what was taken; of a task that was out of reach the last one counts again. */
function isNews(task: TaskRecord, report: TaskReport): boolean {
  return report.sequence > task.sequence || (task.state === 'unreachable' && report.sequence === task.sequence);
}

function takeReport(leader: Leader, task: TaskRecord, report: TaskReport): void {
  const { id: _id, state, health, ...seen } = report;
  const observed: Partial<TaskRecord> = {
    lastEnd: undefined,
    exitCode: undefined,
    reason: undefined,
    reasonCode: undefined,
    detail: undefined,
    containerId: undefined,
    containerName: undefined,
    digest: undefined,
    startedAt: undefined,
    finishedAt: undefined,
    ...seen,
    // Only who runs a container can tell of its check; until then the record's word stands.
    hasCheck: report.hasCheck ?? (state === 'running' ? undefined : task.hasCheck),
  };
  if (task.state === state && task.health === health && task.attempt === report.attempt) {
    // Progress within a state: shown, and not worth the disk. A check that comes or goes changes what its job makes of the task.
    leader.ledger.putTask({ ...task, ...observed }, (task.hasCheck === true) === (observed.hasCheck === true));
    return;
  }
  const event: TaskEvent['type'] = state === 'running' && health !== 'unknown' ? `report.${health}` : `report.${state}`;
  const cause = causeOf(report, task);
  const moved = moveTask(leader, task, event, observed, cause);
  // The next attempt was as quick as the last report: no state has changed, and yet something happened.
  if (isSameState(moved, task) && report.attempt > task.attempt) noteStill(leader, moved, event, cause);
}

/** What a report without a reason means, for people. */
const plainCauses: Readonly<Record<ReportedState, string>> = {
  preparing: 'the worker took it up',
  starting: 'its container is made',
  running: 'its container runs',
  backingOff: 'its container ended',
  stopping: 'it was told to stop',
  completed: 'it ended as it should',
  failed: 'it ended as it should not',
  stopped: 'it has stopped',
  lost: 'its container is gone',
  rejected: 'it cannot run as it is',
};

/** What the report means: of a container that runs on, that its health has changed or its node is heard again. */
function plainCause({ state, health, attempt }: TaskReport, known: TaskRecord): string {
  if (state !== 'running') return plainCauses[state];
  const runsOn = attempt === known.attempt;
  if (runsOn && known.state === 'unreachable') return 'its node is back, and its container runs on';
  if (health !== 'unknown') return health === 'healthy' ? 'its health check passed' : 'its health check failed';
  return runsOn && known.state === 'running' ? 'its health is not known yet' : plainCauses.running;
}

/** @param known what was told of last: a restart without a delay is one report, which must say why */
function causeOf(report: TaskReport, known: TaskRecord): string {
  const { reason, exitCode, attempt, lastEnd } = report;
  if (reason !== undefined) return reason;
  const cause = plainCause(report, known);
  if (exitCode !== undefined) return `${cause} (exit code ${exitCode})`;
  if (attempt === 1 || (report.state === 'running' && attempt === known.attempt && cause !== plainCauses.running)) return cause;
  return `${cause} (attempt ${attempt}${lastEnd && attempt > known.attempt ? `, after ${lastEnd}` : ''})`;
}
