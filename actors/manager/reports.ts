/** Reports: the workers' word on their tasks, taken once and in order, and acknowledged when it is on disk. */
import { isFinal, type TaskRecord, type TaskReport } from '../../src/core/task.ts';
import type { TaskEvent } from '../../machines/task.ts';
import type { Leader } from './leader.ts';
import { moveTask } from './moves.ts';

/** Takes a batch of a node. What is unknown, final, or older than what was taken is acknowledged and nothing else. */
export function takeReports(leader: Leader, link: string, node: string, reports: readonly TaskReport[]): void {
  if (reports.length === 0) return;
  for (const report of reports) {
    const task = leader.state.tasks.get(report.id);
    if (task === undefined || task.node !== node || isFinal(task) || report.sequence <= task.sequence) continue;
    takeReport(leader, task, report);
  }
  const acks = reports.map(({ id, sequence }) => ({ id, sequence }));
  leader.ledger.then(() => leader.sessions.send(link, { type: 'acks', acks }));
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

function causeOf(report: TaskReport): string {
  if (report.reason !== undefined) return report.reason;
  if (report.exitCode !== undefined) return `exit code ${report.exitCode}`;
  return report.attempt > 1 ? `attempt ${report.attempt}` : 'the worker says so';
}
