/**
 * The health policy: what a series of looks at a container says of it, and when to look next. Until a check has gone well it looks
 * early and often, so that a service that is up soon is seen so; failed looks count at the pace of the interval all the same.
 * All times are ms of one clock that never goes back.
 */
import type { HealthSpec, TaskSpec } from './job.ts';
import type { Limits } from './limits.ts';
import type { Health, TaskRecord } from './task.ts';

/** What is known of one container's health so far. */
export interface HealthCourse {
  readonly health: Health;
  /** Failed looks in a row that count. */
  readonly failures: number;
  /** Looks since the last change of terms, or the begin. */
  readonly looks: number;
  /** When the container started. */
  readonly startedAt: number;
  /** When a look last counted; at first when looking began. */
  readonly judgedAt: number;
}

/** Begins to look, or goes on under other terms. What is known stays until a look says otherwise. */
export function beginCourse(health: Health, startedAt: number, now: number): HealthCourse {
  return { health, failures: 0, looks: 0, startedAt, judgedAt: now };
}

/** When a failed look counts again: an interval after the last that did, and after the start period unless it was healthy before. */
function countsFrom({ health, judgedAt, startedAt }: HealthCourse, { intervalMs, startPeriodMs }: HealthSpec): number {
  return Math.max(judgedAt + intervalMs, health === 'unknown' ? startedAt + startPeriodMs : 0);
}

/**
 * What follows from one look. One that went well makes the container healthy at once. A failed one counts once an interval, and
 * not within the start period; `retries` of them in a row make it unhealthy.
 * @param now when the look ended
 */
export function afterLook(course: HealthCourse, ok: boolean, now: number, terms: HealthSpec): HealthCourse {
  const looked = { ...course, looks: course.looks + 1 };
  if (ok) return { ...looked, health: 'healthy', failures: 0, judgedAt: now };
  if (now < countsFrom(course, terms)) return looked;
  const failures = course.failures + 1;
  return { ...looked, failures, judgedAt: now, health: failures >= terms.retries ? 'unhealthy' : course.health };
}

/** How long to wait before the next look, from `now` on. */
export function nextLookMs(
  course: HealthCourse,
  now: number,
  terms: HealthSpec,
  limits: Pick<Limits, 'healthFirstLookMs' | 'healthLookBackoff'>,
): number {
  const { health, looks } = course;
  const untilCountsMs = Math.max(0, countsFrom(course, terms) - now);
  // Whoever is known waits for the interval: another look before would say nothing that counts.
  if (health !== 'unknown' && looks > 0) return Math.min(untilCountsMs, terms.intervalMs);
  const earlyMs = Math.min(terms.intervalMs, limits.healthFirstLookMs * limits.healthLookBackoff ** looks);
  return untilCountsMs > 0 ? Math.min(earlyMs, untilCountsMs) : earlyMs;
}

/** Whether somebody looks after a container's health: its own terms, else what its image asks for. */
export function isChecked(health: TaskSpec['health'], imageHasCheck: boolean): boolean {
  return health === undefined ? imageHasCheck : health !== 'none';
}

/**
 * Whether a running task counts as well: with a check only once that has said so.
 * @param health the terms its job wants now, where the task has taken them over or is about to
 */
export function isWell(task: Pick<TaskRecord, 'health' | 'hasCheck'>, health?: TaskSpec['health']): boolean {
  if (task.health !== 'unknown') return task.health === 'healthy';
  return task.hasCheck !== true && (health === undefined || health === 'none');
}
