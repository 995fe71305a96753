/** What tasks wait for: `dependsOn`, as it is written and as it is meant. */
import { z } from 'zod';
import type { DependencyCondition } from '../job.ts';
import { listed, nearest } from '../text.ts';
import { badKey, badValue, shown, type Finding, type Spot } from './findings.ts';
import { expected, oneOf } from './values.ts';

const taskName = z.string(expected('the name of a task'));

/** The schema of a task's `dependsOn`. That it makes sense, `dependencyFindings` sees to. */
export const dependsOnSchema = z
  .union(
    [z.record(taskName, oneOf(['started', 'healthy', 'completed'])), z.array(taskName)],
    expected('a map of task names like {db: healthy}, or a list of them'),
  )
  .transform((value): Readonly<Record<string, DependencyCondition>> =>
    Array.isArray(value) ? Object.fromEntries(value.map((name) => [name, 'started' as const])) : value,
  )
  .describe('Tasks of this job that must be started, healthy or completed before it is started for the first time');

/** One task's wish to wait for another. */
interface Edge extends Spot {
  readonly from: string;
  readonly to: string;
  readonly condition: unknown;
}

function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function edgesOf(from: string, task: unknown): Edge[] {
  const { dependsOn } = mapOf(task);
  const above = ['tasks', from, 'dependsOn'];
  if (Array.isArray(dependsOn)) {
    return dependsOn.flatMap((to: unknown, index): Edge[] =>
      typeof to === 'string' ? [{ from, to, condition: 'started', spot: [...above, index], at: 'value' }] : [],
    );
  }
  return Object.entries(mapOf(dependsOn)).map(([to, condition]) => ({ from, to, condition, spot: [...above, to], at: 'key' }));
}

function findingAt(edge: Edge, message: string): Finding {
  return edge.at === 'value' ? badValue(edge.spot, message) : badKey(edge.spot.slice(0, -1), edge.to, message);
}

/** Circles of tasks that wait for each other, each as its edges; of those that share a task one is told. */
function cyclesOf(edges: ReadonlyMap<string, readonly Edge[]>): Edge[][] {
  const cycles: Edge[][] = [];
  const told = new Set<string>();
  const done = new Set<string>();
  for (const start of edges.keys()) {
    // A walk without recursion: a job may have as many tasks as its limit says.
    const trail: { readonly task: string; readonly edge?: Edge; next: number }[] = done.has(start) ? [] : [{ task: start, next: 0 }];
    const onTrail = new Map(trail.map(({ task }, at) => [task, at]));
    for (let top = trail.at(-1); top; top = trail.at(-1)) {
      const edge = edges.get(top.task)?.[top.next++];
      if (edge === undefined) {
        done.add(top.task);
        onTrail.delete(top.task);
        trail.pop();
        continue;
      }
      const from = onTrail.get(edge.to);
      if (from !== undefined) {
        const cycle = [...trail.slice(from + 1).flatMap((one) => one.edge ?? []), edge];
        if (!cycle.some((one) => told.has(one.from))) cycles.push(cycle);
        for (const one of cycle) told.add(one.from);
      } else if (!done.has(edge.to)) {
        onTrail.set(edge.to, trail.length);
        trail.push({ task: edge.to, edge, next: 0 });
      }
    }
  }
  return cycles;
}

function cycleFinding(cycle: readonly Edge[]): Finding {
  const [first] = cycle as [Edge, ...Edge[]];
  const names = [...cycle.map(({ from }) => from), first.from].join(' -> ');
  return { ...findingAt(first, `these tasks wait for each other: ${names}`), others: cycle.slice(1) };
}

/** Why a task of a service never completes, and where that is said; undefined where it may. */
function neverCompletes(edge: Edge, task: unknown, type: unknown): Finding | undefined {
  if (edge.condition !== 'completed' || (type !== undefined && type !== 'service' && type !== 'system')) return undefined;
  const restart = mapOf(mapOf(task).restart);
  if (restart.on !== undefined && restart.on !== 'always') return undefined;
  const path = ['tasks', edge.to];
  const isTold = restart.on !== undefined;
  const why = isTold ? '' : type === 'system' ? ', as tasks of a system job are' : ', as those of a service are';
  const message = `${shown(edge.to)} never completes, because it is always restarted${why}; give it "restart: {on: failure}"`;
  return { ...findingAt(edge, message), other: { spot: isTold ? [...path, 'restart', 'on'] : path, at: 'key' } };
}

/** A task without instances never gets anywhere. A system job has no counts. */
function hasNone(edge: Edge, task: unknown, type: unknown): Finding | undefined {
  if (mapOf(task).count !== 0 || type === 'system') return undefined;
  const message = `${shown(edge.to)} has no instances to wait for, because of "count: 0"`;
  return { ...findingAt(edge, message), other: { spot: ['tasks', edge.to, 'count'], at: 'key' } };
}

/** Tasks that do not exist, that wait for themselves or each other, or for what never comes. */
export function dependencyFindings(tasks: Readonly<Record<string, unknown>>, type: unknown): Finding[] {
  const edges = new Map<string, Edge[]>();
  const findings: Finding[] = [];
  const names = Object.keys(tasks);
  for (const [name, task] of Object.entries(tasks)) {
    const own: Edge[] = [];
    const seen = new Set<string>();
    for (const edge of edgesOf(name, task)) {
      const { to } = edge;
      if (to === name) findings.push(findingAt(edge, `${shown(name)} waits for itself`));
      else if (seen.has(to)) findings.push(findingAt(edge, `${shown(to)} stands in this list twice`));
      else if (!Object.hasOwn(tasks, to)) {
        const others = names.filter((one) => one !== name);
        const close = nearest(to.slice(0, 64), others);
        const what = close ? `did you mean "${close}"?` : others.length === 0 ? 'the job has no other' : `expected ${listed(others, 'or')}`;
        findings.push(findingAt(edge, `unknown task ${shown(to)}; ${what}`));
      } else {
        own.push(edge);
        const never = hasNone(edge, tasks[to], type) ?? neverCompletes(edge, tasks[to], type);
        if (never) findings.push(never);
      }
      seen.add(to);
    }
    edges.set(name, own);
  }
  return [...findings, ...cyclesOf(edges).map(cycleFinding)];
}
