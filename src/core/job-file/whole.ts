/** Checks that look at a job as a whole. They read the document as it is, so that they find things next to other problems. */
import type { Limits } from '../limits.ts';
import { nearest } from '../text.ts';
import { badKey, badValue, shown, type Finding } from './findings.ts';
import { healthFindings } from './health.ts';

function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

const ownResources = ['cpu', 'memory', 'disk'];
const synonyms: Readonly<Record<string, string>> = { cpus: 'cpu', mem: 'memory', ram: 'memory' };

/** A resource of the user's own that is more likely a slip: it would be asked of nodes, and none would have it. */
function meantResource(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (lower === 'cpu') return 'cpu';
  return Object.hasOwn(synonyms, lower) ? synonyms[lower] : nearest(name.slice(0, 64), ['memory', 'disk']);
}

function resourceFindings(task: string, resources: unknown): Finding[] {
  const path = ['tasks', task, 'resources'];
  return Object.keys(mapOf(resources)).flatMap((name) => {
    if (ownResources.includes(name) || name === '__proto__') return [];
    const meant = meantResource(name);
    if (meant) return [badKey(path, name, `unknown resource ${shown(name)}; did you mean "${meant}"?`)];
    if (/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/.test(name)) return [];
    return [badKey(path, name, `expected a resource name of 1 to 63 letters, digits, ".", "_", "/" and "-", got ${shown(name)}`)];
  });
}

/** Too many tasks: nothing else is looked at then, so that a huge request costs little. */
export function tooManyTasks(document: unknown, limits: Limits): Finding | undefined {
  const count = Object.keys(mapOf(mapOf(document).tasks)).length;
  return count > limits.jobTasksMax ? badValue(['tasks'], `expected at most ${limits.jobTasksMax} tasks, got ${count}`) : undefined;
}

/** At least one task, and not too many instances of all together; resources that are named right, health checks that make sense. */
export function wholeJobFindings(document: unknown, limits: Limits): Finding[] {
  const written = mapOf(document).tasks;
  if (typeof written !== 'object' || written === null || Array.isArray(written)) return [];
  const tasks = Object.entries(written);
  if (tasks.length === 0) return [badValue(['tasks'], 'expected at least one task')];
  const counts = tasks.map(([, task]) => mapOf(task).count ?? 1).filter((count) => typeof count === 'number' && count > 0);
  const total = (counts as number[]).reduce((sum, count) => sum + count, 0);
  const findings = tasks.flatMap(([name, one]) => {
    const task = mapOf(one);
    return [...resourceFindings(name, task.resources), ...healthFindings(name, task.health, task.ports, limits)];
  });
  // One count that is too high is a problem of its own already.
  const each = (counts as number[]).every((count) => count <= limits.jobInstancesMax);
  if (each && total > limits.jobInstancesMax) {
    findings.push(badValue(['tasks'], `expected at most ${limits.jobInstancesMax} instances in all, got ${total}`));
  }
  return findings;
}
