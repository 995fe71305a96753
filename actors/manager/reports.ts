/** Reports: the workers' word on their tasks, taken once and in order, and acknowledged when it is on disk. */
import { isFinal, type ReportedState, type TaskRecord, type TaskReport } from '../../src/core/task.ts';
import type { TaskEvent } from '../../machines/task.ts';
import type { Leader } from './leader.ts';
import { moveTask } from './moves.ts';

/** Takes a batch of a node. What is unknown, final, or older than what was taken is acknowledged and nothing else. */
export function takeReports(leader: Leader, link: string, node: string, reports: readonly TaskReport[]): void {
  if (reports.length === 0) return;
  for (const report of reports) {
    const task = leader.state.tasks.get(report.id);
    if (task === undefined || task.node !== node || isFinal(task) || !isNews(task, report)) continue;
    takeReport(leader, task, report);
  }
  const acks = reports.map(({ id, sequence }) => ({ id, sequence }));
  leader.ledger.then(() => leader.sessions.send(link, { type: 'acks', acks }));
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
    exitCode: undefined,
    reason: undefined,
    reasonCode: undefined,
    detail: undefined,
    containerId: undefined,
    containerName: undefined,
    startedAt: undefined,
    finishedAt: undefined,
    ...seen,
  };
  if (task.state === state && task.health === health && task.attempt === report.attempt) {
    // Progress within a state: shown, and not worth the disk.
    leader.ledger.putTask({ ...task, ...observed }, true);
    return;
  }
  const event: TaskEvent['type'] = state === 'running' && health !== 'unknown' ? `report.${health}` : `report.${state}`;
  moveTask(leader, task, event, observed, causeOf(report));
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

function causeOf({ state, reason, exitCode, attempt }: TaskReport): string {
  if (reason !== undefined) return reason;
  const cause = plainCauses[state];
  if (exitCode !== undefined) return `${cause} (exit code ${exitCode})`;
  return attempt > 1 ? `${cause} (attempt ${attempt})` : cause;
}
