/**
 * What must hold in every history of a cluster. Each checker sees plain observations and returns sentences on what is wrong, so that
 * it can be shown histories made by hand (checkers.test.ts).
 */
import { flatTable } from '../../machines/flat-table.ts';
import { deploymentMachine, jobMachine, nodeMachine, taskMachine } from '../../machines/index.ts';
import { compareEpochs, type ClusterEvent, type Epoch } from '../../src/core/events.ts';
import { finalStates, isFinal, type TaskRecord, type TaskReport } from '../../src/core/task.ts';
import type { Frame } from '../../src/ports/transport.ts';

/** Sentences on what is wrong; empty when all is well. */
export type Problems = readonly string[];

/** A container that runs, wherever. */
export interface RunningContainer {
  readonly host: string;
  readonly name: string;
  readonly taskId: string;
}

const tables = {
  task: flatTable(taskMachine, eventsOf(taskMachine), { order: { desired: 'running' } }),
  job: flatTable(jobMachine, eventsOf(jobMachine)),
  deployment: flatTable(deploymentMachine, eventsOf(deploymentMachine)),
  node: flatTable(nodeMachine, eventsOf(nodeMachine)),
};

function eventsOf(machine: { readonly events: readonly string[] }): readonly string[] {
  return machine.events.filter((event) => !event.startsWith('xstate.'));
}

/** Events that make or remove a record, or change it by a new leadership's word: no machine has them. */
const outside: ReadonlySet<string> = new Set(['none']);

/** The events of a cluster, as they reach the disk: numbered without a gap, each one a step of its machine from where it was. */
export function createHistoryChecker() {
  let lastSeq = 0;
  const states = new Map<string, string>();
  return {
    see(event: ClusterEvent): Problems {
      const problems: string[] = [];
      if (event.seq !== lastSeq + 1) problems.push(`event ${event.seq} follows event ${lastSeq}`);
      lastSeq = event.seq;
      const id = `${event.machine} ${event.id}`;
      const before = states.get(id) ?? 'none';
      if (before !== event.from) problems.push(`event ${event.seq}: ${id} was ${before}, and now moves from ${event.from} to ${event.to}`);
      if (event.to === 'none') states.delete(id);
      // One that is made anew counts its versions from 1 again.
      if (event.machine === 'job' && event.to === 'none') {
        for (const known of states.keys()) if (known.startsWith(`deployment ${event.id}@`)) states.delete(known);
      } else states.set(id, event.to);
      if (!isEdge(event)) problems.push(`event ${event.seq}: ${id} has no edge from ${event.from} to ${event.to} by ${event.event}`);
      return problems;
    },
  };
}

function isEdge({ machine, from, to, event }: ClusterEvent): boolean {
  if (outside.has(from) || outside.has(to)) return true;
  if (event === 'manager.recovered') return machine === 'node' && to === 'joining';
  // A node's engine comes and goes; where the node is does not change by that.
  if (machine === 'node' && event.startsWith('engine.')) return from === to;
  // What happens to a job's run or its ticks is worth a line, and moves it nowhere.
  if (machine === 'job' && (event === 'deadline.passed' || event.startsWith('tick.'))) return from === to;
  // The next attempt may be where the one before was.
  if (machine === 'task' && event.startsWith('report.') && from === to) return !finalStates.has(from as TaskRecord['state']);
  if (event === 'order.stop' && from === to) return !finalStates.has(from as TaskRecord['state']);
  const table = machine in tables ? tables[machine as keyof typeof tables] : undefined;
  const inner = (state: string): string => (machine === 'task' && state === 'running' ? 'running.unknown' : state);
  return table === undefined || table(inner(from), event) === inner(to);
}

/** At most one record of a slot and version is wanted and in reach; two versions of a slot are so during an update only. */
export function checkSlots(tasks: Iterable<TaskRecord>): Problems {
  const problems: string[] = [];
  const versions = new Map<string, TaskRecord>();
  const slots = new Map<string, TaskRecord[]>();
  for (const task of tasks) {
    if (isFinal(task) || task.desired !== 'running' || task.state === 'unreachable') continue;
    const key = `${task.slot} of ${task.specHash}`;
    const other = versions.get(key);
    if (other)
      problems.push(`${task.slot} has two wanted records of one version: ${other.id} (${other.state}), ${task.id} (${task.state})`);
    versions.set(key, task);
    const all = slots.get(task.slot);
    if (all) all.push(task);
    else slots.set(task.slot, [task]);
  }
  for (const [slot, wanted] of slots) {
    if (wanted.length > 2) problems.push(`${slot} has ${wanted.length} wanted records`);
  }
  return problems;
}

/**
 * Whatever runs has a record, one that is not final.
 * @param isExcused whether a container may run without one: what was given up while its node was out of reach goes on until the node
 *   returns, and a worker that lost writes may begin again what it had told was over
 */
export function checkContainers(
  running: readonly RunningContainer[],
  tasks: ReadonlyMap<string, TaskRecord>,
  isExcused: (container: RunningContainer) => boolean = () => false,
): Problems {
  const problems: string[] = [];
  const seen = new Map<string, RunningContainer>();
  for (const container of running) {
    const { taskId, name, host } = container;
    const state = tasks.get(taskId)?.state ?? 'missing';
    if ((state === 'missing' || finalStates.has(state)) && !isExcused(container))
      problems.push(`${name} runs on ${host}, and its record is ${state}`);
    const other = seen.get(taskId);
    if (other) problems.push(`${taskId} runs twice: ${other.name} on ${other.host} and ${name} on ${host}`);
    seen.set(taskId, container);
  }
  return problems;
}

/** A worker's reports: the sequence of a task never falls, and one sequence never means two things. */
export function createSequenceChecker() {
  const last = new Map<string, { readonly sequence: number; readonly text: string }>();
  return {
    /** @param node its id: a worker that lost its identity is another node */
    sent(node: string, frame: Frame): Problems {
      if (frame.type !== 'reports' && frame.type !== 'greet') return [];
      if (frame.type === 'greet') this.forget(node, new Set(frame.reports.map(({ id }) => id)));
      return frame.reports.flatMap((report) => this.reported(node, report));
    },
    /** A greeting names all that a worker knows: what its disk has lost begins anew, above what the manager took. */
    forget(node: string, known: ReadonlySet<string>): void {
      for (const key of last.keys()) {
        const [of, id] = key.split(' ');
        if (of === node && !known.has(id!)) last.delete(key);
      }
    },
    reported(node: string, report: TaskReport): Problems {
      const key = `${node} ${report.id}`;
      const before = last.get(key);
      const text = JSON.stringify(report, Object.keys(report).toSorted());
      last.set(key, { sequence: report.sequence, text });
      if (before === undefined || report.sequence > before.sequence) return [];
      if (report.sequence < before.sequence) return [`report ${report.sequence} of ${report.id} follows ${before.sequence}`];
      return text === before.text ? [] : [`report ${report.sequence} of ${report.id} said ${before.text} before, and now ${text}`];
    },
  };
}

/** A manager's orders: epochs never fall, nor do revisions within one; and what is sent is on its disk. */
export function createOrderChecker() {
  let last: { readonly epoch: Epoch; readonly revision: number } | undefined;
  return {
    sent(frame: Frame, disk: ReadonlyMap<string, TaskRecord>): Problems {
      if (frame.type !== 'assignments' && frame.type !== 'delta') return [];
      const { epoch, revision } = frame;
      const problems: string[] = [];
      const compared = last ? compareEpochs(epoch, last.epoch) : 1;
      if (compared < 0) problems.push(`orders of epoch ${epoch.revision} follow those of epoch ${last!.epoch.revision}`);
      if (compared === 0 && revision < last!.revision) problems.push(`orders of revision ${revision} follow those of ${last!.revision}`);
      last = { epoch, revision };
      for (const order of frame.orders) {
        const task = disk.get(order.id);
        if (task === undefined) problems.push(`${order.id} was ordered and is not on disk`);
        else if (task.node === undefined) problems.push(`${order.id} was ordered, and its place is not on disk`);
        else if (order.desired === 'stopped' && task.desired !== 'stopped')
          problems.push(`${order.id} was told to stop, which is not on disk`);
      }
      return problems;
    },
  };
}

/** Acknowledgements: the manager has written a task's end before it says that it heard of it, and it says so of every report. */
export function createAckChecker() {
  const ends = new Map<string, number>();
  /** The newest report of each task that was not acknowledged, and the node that made it. */
  const open = new Map<string, { readonly sequence: number; readonly node: string }>();
  return {
    /** @param node its id */
    reported(frame: Frame, node: string): void {
      if (frame.type !== 'reports' && frame.type !== 'greet') return;
      // A new link: what was said on the one before is said again.
      if (frame.type === 'greet') for (const [id, report] of open) if (report.node === node) open.delete(id);
      for (const { id, sequence, state } of frame.reports) {
        open.set(id, { sequence, node });
        if (finalStates.has(state)) ends.set(id, Math.min(sequence, ends.get(id) ?? sequence));
        // A worker whose disk lost the end, and which nobody heard tell it, goes on.
        else if (frame.type === 'greet') ends.delete(id);
      }
    },
    /** Reports that nobody acknowledged: none, once a healthy cluster has come to rest. */
    unanswered(): Problems {
      return [...open].map(([id, { sequence }]) => `report ${sequence} of ${id} was never acknowledged`);
    },
    sent(frame: Frame, disk: ReadonlyMap<string, TaskRecord>): Problems {
      if (frame.type === 'delta') for (const id of frame.forget) open.delete(id);
      if (frame.type !== 'acks') return [];
      for (const { id, sequence } of frame.acks) if (sequence >= (open.get(id)?.sequence ?? Number.POSITIVE_INFINITY)) open.delete(id);
      return frame.acks.flatMap(({ id, sequence }) => {
        const task = disk.get(id);
        const isEnd = sequence >= (ends.get(id) ?? Number.POSITIVE_INFINITY);
        return isEnd && task !== undefined && !isFinal(task)
          ? [`the end of ${id} was acknowledged, and its record on disk says ${task.state}`]
          : [];
      });
    },
  };
}
