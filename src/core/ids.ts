/** Names and ids. Ids are random (uuid v4), so that their first eight characters, which people see, tell them apart. */

/** What people see of an id. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}

/** Job names (CLI.md). */
export const jobNamePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Task names: as job names, without dots, because a slot is `job/task.index`. */
export const taskNamePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

/** The slot name of one instance, counted from 1: `shop/web.2`. */
export function slotName(job: string, task: string, index: number): string {
  return `${job}/${task}.${index}`;
}

/** A container's name (DESIGN.md, 11). Docker allows `[a-zA-Z0-9][a-zA-Z0-9_.-]*`, which these parts keep to. */
export function containerName(task: { job: string; task: string; index: number; id: string }, attempt: number): string {
  return `cube-${task.job}-${task.task}-${task.index}-${task.id.replaceAll('-', '').slice(0, 12)}-${attempt}`;
}

/** The labels every container of Cube carries: a contract with whoever asks the engine instead of Cube. */
export const label = {
  cluster: 'cube.cluster',
  node: 'cube.node',
  job: 'cube.job',
  task: 'cube.task',
  slot: 'cube.slot',
  id: 'cube.id',
  attempt: 'cube.attempt',
} as const;
