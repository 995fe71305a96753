/** What follows when a task is wanted no more. */
import type { TaskRecord } from '../../src/core/task.ts';
import type { Leader } from './leader.ts';
import { isSameState, moveTask, noteStill } from './moves.ts';

/** A task is wanted no more: its worker is told, one that waits for a place is over at once. */
export function wantStopped(leader: Leader, task: TaskRecord, cause: string): void {
  if (task.desired === 'stopped') return;
  // Its node is back, and has not said yet what became of it: it is there to be told.
  if (task.state === 'unreachable' && leader.sessions.isOpen(task.node ?? '')) {
    const wanted: TaskRecord = { ...task, desired: 'stopped' };
    leader.ledger.putTask(wanted);
    leader.ledger.orderTask(wanted);
    return noteStill(leader, wanted, 'order.stop', cause);
  }
  const patch: Partial<TaskRecord> = {
    desired: 'stopped',
    ...(task.state === 'pending' ? { finishedAt: leader.deps.ambient.clock.now(), reason: cause } : {}),
    ...(task.state === 'unreachable' ? { reason: `${cause}; node ${task.nodeName} is down and will stop it when it returns` } : {}),
  };
  const wanted = moveTask(leader, task, 'order.stop', patch, cause);
  leader.ledger.orderTask(wanted);
  // No edge of the manager's: the worker will report `stopping`. Who wanted it, and why, is told now.
  if (isSameState(wanted, task)) noteStill(leader, wanted, 'order.stop', cause);
}
