/** The records that no actor stands behind, seen as actors of their machines: nodes, jobs, their deployments and tasks. */
import { deploymentMachine, jobMachine, nodeMachine, taskMachine } from '../../machines/index.ts';
import { tagsAt, valueAt } from '../core/chart.ts';
import type { InspectedEvent } from '../core/inspect-protocol.ts';
import type { ClusterEvent } from '../core/events.ts';
import { finalStates, type TaskRecord } from '../core/task.ts';
import { deploymentJson } from '../core/deployment-view.ts';
import { jobJson, nodeJson, taskJson } from '../core/views.ts';
import type { JobView, NodeStatus } from '../ports/control.ts';
import { definitionOf } from './definition.ts';
import type { Described, RawSnapshot } from './messages.ts';

/** The kinds of records. */
export const recordKinds = ['node', 'job', 'deployment', 'task'] as const;

/** A kind of record, which is its machine's name as well. */
export type RecordKind = (typeof recordKinds)[number];

const definitions = {
  node: definitionOf(nodeMachine.config),
  job: definitionOf(jobMachine.config),
  deployment: definitionOf(deploymentMachine.config),
  task: definitionOf(taskMachine.config),
};

/** A record as it is shown. */
export interface ShownRecord {
  readonly kind: RecordKind;
  /** `task:<id>`, `job:<name>`, `node:<id>`, and for the newest deployment of a job `deployment:<name>`. */
  readonly key: string;
  readonly name: string;
  /** Its state as a path of its machine: `running.healthy`. */
  readonly path: string;
  readonly ended: boolean;
  /** The job of a task, or of a deployment. */
  readonly job: string | null;
  /** Made when, ms since the epoch. */
  readonly createdAt: number;
  /** As scripts read it (core/views.ts). */
  readonly view: object;
}

/** The key of the record that an event is about, or undefined for a machine that lives as an actor. */
export function keyOfEvent({ machine, id, job }: ClusterEvent): string | undefined {
  if (machine === 'deployment') return `deployment:${job}`;
  return recordKinds.some((kind) => kind === machine) ? `${machine}:${id}` : undefined;
}

/** A node's record. */
export function shownNode(node: NodeStatus): ShownRecord {
  const { id, name, state, joinedAt } = node;
  return {
    kind: 'node',
    key: `node:${id}`,
    name: `node ${name}`,
    path: state,
    ended: false,
    job: null,
    createdAt: joinedAt,
    view: nodeJson(node),
  };
}

/** A job's record. */
export function shownJob(job: JobView): ShownRecord {
  const { name, status, createdAt, counts } = job;
  return {
    kind: 'job',
    key: `job:${name}`,
    name: `job ${name}`,
    path: status,
    ended: false,
    job: null,
    createdAt,
    view: jobJson(job, counts),
  };
}

/** The newest deployment of a job: none, where it never had one. */
export function shownDeployments({ name, deployment, counts }: JobView): ShownRecord[] {
  if (deployment === undefined) return [];
  const { version, state, startedAt: createdAt } = deployment;
  const view = deploymentJson(deployment, counts.desired);
  const shown = `deployment ${name}, version ${version}`;
  return [{ kind: 'deployment', key: `deployment:${name}`, name: shown, path: state, ended: false, job: name, createdAt, view }];
}

/** A task's record. */
export function shownTask(task: TaskRecord): ShownRecord {
  const { id, job, slot, state, health, createdAt } = task;
  const path = state === 'running' ? `running.${health}` : state;
  const ended = finalStates.has(state);
  return { kind: 'task', key: `task:${id}`, name: `task ${slot}`, path, ended, job, createdAt, view: taskJson(task) };
}

/**
 * A record as it was right after an event. What else is known of it may be newer.
 * @param path where the event led; a state with children stands for the child that the record is in, if it is in one
 */
export function recordAt(record: ShownRecord, path: string): ShownRecord {
  if (record.path === path || record.path.startsWith(`${path}.`)) return record;
  const [state, health] = path.split('.') as [string, string | undefined];
  const fields = record.kind === 'task' ? { state, health: health ?? 'unknown' } : record.kind === 'job' ? { status: state } : { state };
  const ended = record.kind === 'task' && (finalStates as ReadonlySet<string>).has(state);
  return { ...record, path, ended, view: { ...record.view, ...fields } };
}

/** A record as an actor. @param jobKnown whether its job has been described, too */
export function describe(record: ShownRecord, jobKnown: boolean): Described {
  const parentId = record.job !== null && jobKnown ? `job:${record.job}` : null;
  return {
    sessionId: record.key,
    rootId: parentId ?? record.key,
    parentId,
    name: record.name,
    definition: definitions[record.kind].text,
  };
}

/** A record's state as a snapshot. @param gone whether the cluster has forgotten it */
export function snapshotOf(record: ShownRecord, gone = false): RawSnapshot {
  const { chart } = definitions[record.kind];
  const value = valueAt(chart, record.path);
  return {
    status: gone ? 'stopped' : record.ended ? 'done' : 'active',
    value,
    context: record.view,
    tags: tagsAt(chart, value),
    children: {},
  };
}

/** A cluster's event as its record's machine got it, with what is known of it besides. */
export function eventOf({ machine: _machine, id: _id, at: _at, event, ...more }: ClusterEvent): InspectedEvent {
  return { type: event, ...more };
}
