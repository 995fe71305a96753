/** Keys that have no use in a job of its type, or beside another key. */
import { formatDuration, parseDuration } from '../duration.ts';
import type { JobType } from '../job.ts';
import type { Limits } from '../limits.ts';
import { badKey, badValue, shown, type Finding, type Path, type Spot } from './findings.ts';

type Map = Readonly<Record<string, unknown>>;

function mapOf(value: unknown): Map {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Map) : {};
}

interface Owners {
  readonly types: readonly JobType[];
  readonly text: string;
}

const kept: Owners = { types: ['service', 'system'], text: 'services and system jobs' };
const run: Owners = { types: ['batch', 'periodic', 'parameterized'], text: 'batch, periodic and parameterized jobs' };
const dispatched: Owners = { types: ['parameterized'], text: 'parameterized jobs' };

const ownersOf: Readonly<Record<string, Owners>> = {
  update: kept,
  completions: run,
  parallelism: run,
  deadline: run,
  schedule: { types: ['periodic'], text: 'periodic jobs' },
  parameters: dispatched,
  payload: dispatched,
};

const types: readonly string[] = [...kept.types, ...run.types];
const typeKey: Spot = { spot: ['type'], at: 'key' };

/** Keys of the job that its type has no use for. */
function misplaced(job: Map): Finding[] {
  const { type } = job;
  return Object.entries(ownersOf).flatMap(([key, owners]): Finding[] => {
    if (job[key] === undefined || (typeof type === 'string' && owners.types.includes(type as JobType))) return [];
    if (type === undefined && owners.types.includes('service')) return [];
    if (type === undefined) {
      return [badKey([], key, `"${key}" belongs to ${owners.text}; without "type: ${owners.types[0]}" this is a service`)];
    }
    return [
      {
        ...badKey([], key, `"${key}" belongs to ${owners.text}, and this one has "type: ${typeof type === 'string' ? type : shown(type)}"`),
        other: typeKey,
      },
    ];
  });
}

/** Keys of tasks that a system job has no use for. */
function ofSystem(tasks: Map): Finding[] {
  return Object.entries(tasks).flatMap(([name, task]) =>
    ['count', 'maxPerNode'].flatMap((key): Finding[] => {
      if (mapOf(task)[key] === undefined) return [];
      const message = `"${key}" has no use in a system job, of which each node runs one instance`;
      return [{ ...badKey(['tasks', name], key, message), other: typeKey }];
    }),
  );
}

function tellsCount(task: unknown): boolean {
  return mapOf(task)['count'] !== undefined;
}

/** `completions` gives tasks without a count theirs; where all tell one it means nothing. */
function completionsFindings({ completions }: Map, tasks: Map): Finding[] {
  const all = Object.entries(tasks);
  if (completions === undefined || all.length === 0 || !all.every(([, task]) => tellsCount(task))) return [];
  const others = all.map(([name]): Spot => ({ spot: ['tasks', name, 'count'], at: 'key' }));
  const message = `"completions" has no use where ${all.length === 1 ? 'the task tells its "count"' : 'all tasks tell their "count"'}`;
  return [{ ...badKey([], 'completions', message), others }];
}

/** A duration as it is written; undefined for what is none, which the schema tells. */
function msOf(written: unknown): number | undefined {
  return typeof written === 'string' ? parseDuration(written) : undefined;
}

/** An update that fails before any instance has been well for as long as it must. */
function neverWell({ healthyFor, deadline }: Map, limits: Limits): Finding[] {
  const [healthyForMs, deadlineMs] = [msOf(healthyFor), deadline === undefined ? limits.updateDeadlineMs : msOf(deadline)];
  // A deadline of nothing is a problem of its own.
  if (healthyForMs === undefined || deadlineMs === undefined || deadlineMs === 0 || healthyForMs < deadlineMs) return [];
  const what = `expected less than the deadline of ${formatDuration(deadlineMs)}, before which no instance would count as well`;
  const path = ['update', 'healthyFor'];
  if (deadline === undefined) return [badValue(path, `${what}, which is the default`)];
  return [{ ...badValue(path, what), other: { spot: ['update', 'deadline'], at: 'key' } }];
}

/** What an update cannot do with these tasks. */
function updateFindings(update: Map, tasks: Map, type: unknown): Finding[] {
  const findings: Finding[] = [];
  const { canary, order } = update;
  const all = Object.entries(tasks);
  const counts = all.map(([, task]) => mapOf(task)['count'] ?? 1);
  if (
    type !== 'system' &&
    typeof canary === 'number' &&
    counts.length > 0 &&
    counts.every((count) => typeof count === 'number' && count < canary)
  ) {
    const most = Math.max(...(counts as number[]));
    const name = all[counts.indexOf(most)]![0];
    const path: Path = tellsCount(tasks[name]) ? ['tasks', name, 'count'] : ['tasks', name];
    const message = `expected at most the instances of a task, of which there are ${most}, got ${canary}`;
    findings.push({ ...badValue(['update', 'canary'], message), other: { spot: path, at: 'key' } });
  }
  const hasVolumes = (task: unknown): boolean => {
    const { volumes } = mapOf(task);
    return Array.isArray(volumes) && volumes.length > 0;
  };
  if (order === 'start-first' && all.length > 0 && all.every(([, task]) => hasVolumes(task))) {
    const others = all.map(([name]): Spot => ({ spot: ['tasks', name, 'volumes'], at: 'key' }));
    const message = 'expected stop-first, or nothing: two instances cannot share a volume, so one with a volume is stopped first';
    findings.push({ ...badValue(['update', 'order'], message), others });
  }
  return findings;
}

/** All that goes ill together in a job: each told once, with the places of both. */
export function belongingFindings(job: Map, limits: Limits): Finding[] {
  const { type, schedule } = job;
  // A type that nobody knows is a problem of its own.
  if (type !== undefined && !(typeof type === 'string' && types.includes(type))) return [];
  const tasks = mapOf(job['tasks']);
  const findings = misplaced(job);
  if (type === 'periodic' && schedule === undefined) {
    findings.push(badKey([], 'type', `a job of type ${shown(type)} needs a "schedule", like schedule: {cron: "*/5 * * * *"}`));
  }
  if (type === 'system') findings.push(...ofSystem(tasks));
  if (typeof type === 'string' && run.types.includes(type as JobType)) findings.push(...completionsFindings(job, tasks));
  else findings.push(...updateFindings(mapOf(job['update']), tasks, type), ...neverWell(mapOf(job['update']), limits));
  return findings;
}
