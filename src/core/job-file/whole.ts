/** Checks that look at a job as a whole. They read the document as it is, so that they find things next to other problems. */
import { customResourceProblem } from '../custom-resource.ts';
import type { Limits } from '../limits.ts';
import { belongingFindings } from './belongs.ts';
import { builtInFindings } from './built-in.ts';
import { dependencyFindings } from './depends.ts';
import { badKey, badValue, shown, type Finding } from './findings.ts';
import { healthFindings } from './health.ts';
import { mountFindings, payloadEnvFindings } from './mounts.ts';
import { payloadFindings } from './parameters.ts';
import { contradictions, preemptibleFindings } from './placing.ts';
import { scheduleFindings } from './schedule.ts';
import { unfilledFindings, unknownParameters } from './unfilled.ts';

function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

const ownResources = ['cpu', 'memory', 'disk'];

function resourceFindings(task: string, resources: unknown): Finding[] {
  const path = ['tasks', task, 'resources'];
  return Object.keys(mapOf(resources)).flatMap((name) => {
    if (ownResources.includes(name) || name === '__proto__') return [];
    const message = customResourceProblem(name, shown(name));
    return message === undefined ? [] : [badKey(path, name, message)];
  });
}

/** Too many tasks: nothing else is looked at then, so that a huge request costs little. */
export function tooManyTasks(document: unknown, limits: Limits): Finding | undefined {
  const count = Object.keys(mapOf(mapOf(document).tasks)).length;
  return count > limits.jobTasksMax ? badValue(['tasks'], `expected at most ${limits.jobTasksMax} tasks, got ${count}`) : undefined;
}

/**
 * At least one task, and not too many instances of all together; resources that are named right, health checks that make sense,
 * constraints that can hold together, keys that suit the job's type and each other, times that come, paths and waits that make sense.
 */
export function wholeJobFindings(document: unknown, limits: Limits): Finding[] {
  const { tasks: written, preemptible, type, schedule, payload, completions } = mapOf(document);
  const ofJob = [
    ...preemptibleFindings(preemptible, type),
    ...belongingFindings(mapOf(document), limits),
    ...scheduleFindings(schedule),
    ...payloadFindings(payload),
    ...unknownParameters(mapOf(document)),
  ];
  if (typeof written !== 'object' || written === null || Array.isArray(written)) return ofJob;
  const tasks = Object.entries(written);
  if (tasks.length === 0) return [...ofJob, badValue(['tasks'], 'expected at least one task')];
  const counts = tasks
    .map(([, task]) => mapOf(task).count ?? (type === 'system' ? 1 : (completions ?? 1)))
    .filter((count) => typeof count === 'number' && count > 0);
  const total = (counts as number[]).reduce((sum, count) => sum + count, 0);
  const ofTasks = tasks.flatMap(([name, one]) => {
    const task = mapOf(one);
    return [
      ...resourceFindings(name, task.resources),
      ...healthFindings(name, task.health, task.ports, limits),
      ...contradictions(name, task.constraints, limits),
      ...mountFindings(name, task, payload),
      ...payloadEnvFindings(name, task, payload),
      ...unfilledFindings(name, task, type),
      ...builtInFindings(name, task),
    ];
  });
  const findings = [...ofJob, ...ofTasks, ...dependencyFindings(mapOf(written), type)];
  // One count that is too high is a problem of its own already.
  const each = (counts as number[]).every((count) => count <= limits.jobInstancesMax);
  if (each && total > limits.jobInstancesMax) {
    findings.push(badValue(['tasks'], `expected at most ${limits.jobInstancesMax} instances in all, got ${total}`));
  }
  return findings;
}
