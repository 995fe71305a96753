/** A manager whose records a test moves by hand, with the events that go with it; a FakeControl that also tells its last event. */
import type { ClusterEvent } from '../../src/core/events.ts';
import type { JobSpec } from '../../src/core/job.ts';
import type { TaskRecord, TaskState } from '../../src/core/task.ts';
import type { StatusView } from '../../src/ports/control.ts';
import { FakeControl } from '../support/fake-control.ts';
import { order } from '../machines/order.ts';

/** A job of one task. */
export function jobSpec(name: string, count: number): JobSpec {
  return { name, type: 'service', datacenters: [], priority: 50, labels: {}, tasks: { web: { ...order.spec, count } } };
}

export class ScriptedControl extends FakeControl {
  /** How often each of these was asked. */
  readonly asks = { status: 0, nodes: 0 };
  /** Waited for by `status` after its answer is made: what happens meanwhile is news. */
  gate: Promise<void> = Promise.resolve();

  /** A cluster with one job. */
  static async withJob(count: number, name = 'shop'): Promise<ScriptedControl> {
    const control = new ScriptedControl();
    await control.submit({ spec: jobSpec(name, count), origin: { kind: 'file' } });
    return control;
  }

  override async status(filter: { readonly job?: string; readonly task?: string } = {}): Promise<StatusView> {
    this.asks.status++;
    const view = { ...(await super.status(filter)), seq: this.eventsKept.at(-1)?.seq ?? 0 };
    if (filter.job === undefined && filter.task === undefined) await this.gate;
    return view;
  }

  override nodes() {
    this.asks.nodes++;
    return super.nodes();
  }

  /** Moves a slot's task, and tells of it. */
  move(slot: string, to: TaskState, changes: Partial<TaskRecord> = {}, event: Partial<ClusterEvent> = {}): ClusterEvent {
    const task = this.tasksKept.find((one) => one.slot === slot)!;
    const key = (state: string, health: string): string => (state === 'running' && health !== 'unknown' ? `running.${health}` : state);
    const health = changes.health ?? 'unknown';
    this.change(slot, { state: to, ...changes, health });
    return this.emit({
      id: task.id,
      job: task.job,
      node: 'bar',
      from: key(task.state, task.health),
      to: key(to, health),
      event: `report.${to}`,
      cause: `it is ${to}`,
      ...event,
    });
  }
}
