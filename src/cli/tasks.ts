/** What the commands say about tasks and jobs. */
import { runKind } from '../core/job.ts';
import { finalStates } from '../core/task.ts';
import type { TaskState } from '../core/task.ts';
import type { JobJson, TaskJson } from '../core/views.ts';
import { tame } from './table.ts';
import type { Cell, Tone } from './table.ts';

const tones: Readonly<Record<TaskState, Tone>> = {
  pending: 'busy',
  scheduled: 'busy',
  preparing: 'busy',
  starting: 'busy',
  running: 'good',
  backingOff: 'busy',
  stopping: 'busy',
  unreachable: 'bad',
  completed: 'good',
  failed: 'bad',
  stopped: 'dim',
  lost: 'bad',
  rejected: 'bad',
};

/** A task's state in its colour. */
function stateCell(state: TaskState): Cell {
  return [state, tones[state] ?? 'dim'];
}

/** The same with its health, where something looks after that: `running (healthy)`. */
export function healthCell(task: TaskJson): Cell {
  if (task.state !== 'running' || (task.health === 'unknown' && !task.hasCheck)) return stateCell(task.state);
  const tone: Tone = task.health === 'healthy' ? 'good' : task.health === 'unhealthy' ? 'bad' : 'busy';
  return [`${task.state} (${task.health})`, tone];
}

/** Whether a task runs, and is well as far as anybody looks. */
export function isUp({ state, health, hasCheck }: TaskJson): boolean {
  return state === 'running' && (health === 'healthy' || (health === 'unknown' && !hasCheck));
}

/** A job's status in its colour. */
export function statusCell(status: JobJson['status']): Cell {
  if (status === 'running' || status === 'completed') return [status, 'good'];
  if (status === 'failed' || status === 'degraded') return [status, 'bad'];
  return [status, status === 'stopped' ? 'dim' : 'busy'];
}

/** Whether a task can change no more. */
export function isOver(task: TaskJson): boolean {
  return finalStates.has(task.state);
}

/** Plain order of text; `localeCompare` would load a collator, which costs more than all else `cube status` does. */
function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function indexOf(task: TaskJson): number {
  return Number(task.slot.slice(task.slot.lastIndexOf('.') + 1));
}

/** Order for people: by job, task, index (2 before 10), age. */
export function bySlot(a: TaskJson, b: TaskJson): number {
  return byText(a.job, b.job) || byText(a.task, b.task) || indexOf(a) - indexOf(b) || byText(a.createdAt, b.createdAt);
}

/** Every record that still lives, and the newest of each slot that has none, in slot order. */
export function currentTasks(tasks: readonly TaskJson[]): readonly TaskJson[] {
  const newest = new Map<string, TaskJson>();
  const alive = new Set(tasks.filter((task) => !isOver(task)).map(({ slot }) => slot));
  for (const task of tasks) {
    const known = newest.get(task.slot);
    if (!known || known.createdAt <= task.createdAt) newest.set(task.slot, task);
  }
  return tasks.filter((task) => (alive.has(task.slot) ? !isOver(task) : newest.get(task.slot) === task)).toSorted(bySlot);
}

/** The newest failed or rejected record of each slot that a version has. */
export function newestFailures(tasks: readonly TaskJson[], version: number): readonly TaskJson[] {
  const newest = new Map<string, TaskJson>();
  for (const task of tasks) {
    if (task.version !== version || (task.state !== 'failed' && task.state !== 'rejected')) continue;
    const known = newest.get(task.slot);
    if (!known || known.createdAt <= task.createdAt) newest.set(task.slot, task);
  }
  return [...newest.values()];
}

/** The job's reason, unless its tasks tell it, too; undefined where there is none. */
export function ownReason({ name, reason }: JobJson, tasks: readonly TaskJson[]): string | undefined {
  if (reason === null || tasks.some((task) => task.job === name && whyText(task) !== '' && reason.includes(whyText(task))))
    return undefined;
  return tame(reason);
}

/** How many tasks are in which state: `3 running, 1 pending`. */
export function countsText(tasks: readonly TaskJson[]): string {
  const counts = new Map<string, number>();
  for (const { state } of tasks) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
}

/** Why a task is where it is, or what it does right now; empty when there is nothing to say. */
export function whyText(task: TaskJson): string {
  if (task.detail) return tame(task.detail);
  if (task.reason) return tame(task.reason);
  return task.state === 'failed' && task.exitCode !== null ? `exit code ${task.exitCode}` : '';
}

/** `shop/web.2 failed: exit code 1`, `shop/web.1 running (unhealthy) on bar: health check failed 3 times`. */
export function taskSentence(task: TaskJson): string {
  const why = whyText(task);
  const place = task.node && !isOver(task) ? ` on ${task.node}` : '';
  const [state] = healthCell(task);
  return `${task.slot} ${state}${place}${why ? `: ${why}` : ''}`;
}

/** `shop is running: 3 of 3 healthy (version 2)`. */
export function jobSentence(job: JobJson): string {
  const { name, status, version, type } = job;
  const amount = runKind(type) === 'batch' ? `${job.completed} of ${job.desired} completed` : `${job.healthy} of ${job.desired} healthy`;
  return `${name} is ${status}: ${amount} (version ${version})`;
}
