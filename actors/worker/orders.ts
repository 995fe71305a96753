/** How a worker takes its manager's orders: a full set first, then what changed, from the highest epoch only. */
import { compareEpochs, epochText } from '../../src/core/events.ts';
import { finalStates, type Order } from '../../src/core/task.ts';
import type { ManagerFrame, WorkerFrame } from '../../src/ports/transport.ts';
import type { WorkerBook } from './book.ts';
import type { WorkerDesk } from './desk.ts';

type Assignments = Extract<ManagerFrame, { type: 'assignments' }>;
type Delta = Extract<ManagerFrame, { type: 'delta' }>;

/** Takes a full set, or a delta; the promise settles when it is obeyed. */
export async function takeOrders(
  desk: WorkerDesk,
  book: WorkerBook,
  frame: Assignments | Delta,
  reply: (frame: WorkerFrame) => void,
): Promise<void> {
  const { epoch, revision } = book.seen;
  const { log } = desk.deps.ambient;
  if (epoch !== null && compareEpochs(frame.epoch, epoch) < 0) {
    log.error(`orders of epoch ${epochText(frame.epoch)} are refused: epoch ${epochText(epoch)} was seen`);
    return;
  }
  if (frame.type === 'delta' && frame.base !== revision) {
    reply({ type: 'resync', revision });
    return;
  }
  if (frame.type === 'assignments' && frame.revision < revision) {
    log.error(`the manager is at revision ${frame.revision}, and ${revision} was seen: its store has lost acknowledged writes`);
  }
  await book.see(frame.epoch, frame.revision);
  for (const order of frame.orders) obey(desk, book, order);
  if (frame.type === 'delta') return desk.forget(frame.forget);
  for (const { id, verdict } of frame.verdicts) judge(desk, book, id, verdict);
  desk.upkeep.isSet();
}

/** One order: a task to begin, to change, or to stop. What has ended is reported again. */
function obey(desk: WorkerDesk, book: WorkerBook, order: Order): void {
  const known = book.entries.get(order.id);
  desk.upkeep.owned(order.id);
  if (known === undefined) {
    // Before its container is made: what a sweep finds is known from its first moment on.
    book.take(order);
    desk.begin(order.id);
    return;
  }
  const ahead = book.countOn(order.id, order.sequence);
  if (known.report && finalStates.has(known.report.state)) {
    desk.report(ahead ?? known.report);
    return;
  }
  // The manager took reports that this worker does not know of any more, and would take its next ones for old.
  if (ahead) desk.report(ahead);
  if (known.order.version !== order.version || known.order.desired !== order.desired) {
    book.take(order);
    desk.tell({ type: 'task.updated', order });
  }
  if (order.desired === 'stopped' && known.order.desired !== 'stopped') desk.tell({ type: 'task.stopOrdered', id: order.id });
}

/** What to do with a task or container that the manager did not order. */
function judge(desk: WorkerDesk, book: WorkerBook, id: string, verdict: 'stop' | 'adopt'): void {
  const known = book.entries.get(id);
  if (verdict === 'adopt' || known === undefined) desk.upkeep.heed({ id, verdict });
  else if (known.report && finalStates.has(known.report.state)) desk.forget([id]);
  else {
    book.take({ ...known.order, desired: 'stopped' });
    desk.tell({ type: 'task.stopOrdered', id });
  }
}
