/** What a job asks that no node it is known of can give, whatever goes on: for a warning when it is submitted. */
import { attributeOf, meets, type Constraint, type NodeAttributes } from './constraint.ts';
import type { JobSpec, TaskSpec } from './job.ts';
import { listed, nearest } from './text.ts';
import { variablesIn } from './variables.ts';
import { hostPaths, isWithin } from './volumes.ts';

const shownMax = 5;

/** Values with the most frequent first, the rest counted. */
function shownValues(values: readonly string[]): string {
  const shown = values.slice(0, shownMax).map((value) => (/^[^\s,"]+$/.test(value) ? value : JSON.stringify(value)));
  if (values.length > shown.length) shown.push(`${values.length - shown.length} more`);
  return listed(shown);
}

/** Values of one attribute: which there are, most frequent first, and whether some node has none. */
interface Values {
  readonly there: readonly string[];
  readonly isMissing: boolean;
}

/** What is known of the nodes, looked up once an attribute: jobs may have many tasks, clusters many nodes. */
class Known {
  readonly nodes: readonly NodeAttributes[];
  readonly #values = new Map<string, Values>();
  readonly #verdicts = new Map<string, string | undefined>();

  constructor(nodes: readonly NodeAttributes[]) {
    this.nodes = nodes;
  }

  values(attribute: string): Values {
    const known = this.#values.get(attribute);
    if (known) return known;
    const counts = new Map<string, number>();
    let isMissing = false;
    for (const node of this.nodes) {
      const value = attributeOf(node, attribute);
      if (value === undefined) isMissing = true;
      else counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    const there = [...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([value]) => value);
    const values: Values = { there, isMissing };
    this.#values.set(attribute, values);
    return values;
  }

  /** Says it once, however many tasks ask the same. */
  verdict(key: string, judge: () => string | undefined): string | undefined {
    if (!this.#verdicts.has(key)) this.#verdicts.set(key, judge());
    return this.#verdicts.get(key);
  }

  /** Names of labels that some node has. */
  labels(): readonly string[] {
    return [...new Set(this.nodes.flatMap(({ labels }) => Object.keys(labels)))];
  }
}

/** Why no node meets a constraint; undefined when one does. */
function unmet(constraint: Constraint, known: Known): string | undefined {
  const { attribute, operator, text } = constraint;
  const { there, isMissing } = known.values(attribute);
  if ((isMissing && meets(constraint, undefined)) || there.some((value) => meets(constraint, value))) return undefined;
  if (operator === 'not exists') return `no node is without ${attribute}`;
  if (there.length > 0) return `no node has ${text.trim()}; ${there.length === 1 ? 'there is only' : 'there are'} ${shownValues(there)}`;
  if (!attribute.startsWith('label.')) return `no node has ${text.trim()}; none tells its ${attribute}`;
  const name = attribute.slice('label.'.length);
  const close = nearest(name.slice(0, 64), known.labels());
  return `no node has the label ${name}${close === undefined ? '' : `; did you mean label.${close}?`}`;
}

/** What of a task's constraints, and of its job's data centers, no node meets. */
function unmetByTask({ constraints = [] }: TaskSpec, datacenters: readonly string[], known: Known): string[] {
  const alone = constraints.flatMap((one) => known.verdict(JSON.stringify(one), () => unmet(one, known)) ?? []);
  if (alone.length > 0 || constraints.length === 0) return [...new Set(alone)];
  const inReach = new Set(datacenters);
  const isIn = ({ dc }: NodeAttributes): boolean => inReach.size === 0 || inReach.has(dc);
  // That there is no node in these data centers is said of the job.
  if (!known.values('datacenter').there.some((dc) => inReach.size === 0 || inReach.has(dc))) return [];
  const isMetBy = (node: NodeAttributes): boolean => constraints.every((one) => meets(one, attributeOf(node, one.attribute)));
  const together = known.verdict(JSON.stringify(constraints), () => {
    if (known.nodes.some((node) => isIn(node) && isMetBy(node))) return undefined;
    const texts = listed(constraints.map(({ text }) => text.trim()));
    const where = inReach.size === 0 ? '' : ` in ${listed([...inReach], 'or')}`;
    return `no node${where} has ${texts}${constraints.length > 1 ? ' together' : ''}`;
  });
  return together === undefined ? [] : [together];
}

/** Directories of the host that no node allows. */
function notAllowed(task: TaskSpec, nodes: readonly NodeAttributes[]): string[] {
  // A path that a dispatch completes is not known yet.
  const known = hostPaths(task).filter((path) => variablesIn(path).length === 0);
  const missing = known.filter((path) => !nodes.some(({ mounts = [] }) => isWithin(path, mounts)));
  return missing.map((path) => `no node allows ${path} (cube up --allow-mount ${path})`);
}

/**
 * Which constraints, per task, no known node meets, and which values there are; the same of the job's data centers, and of directories of the host. A node may still
 * join that does, so these are warnings. Nothing is said while no node is known.
 * @param nodes all nodes, in whatever state
 */
export function unmeetable(spec: JobSpec, nodes: readonly NodeAttributes[]): readonly string[] {
  if (nodes.length === 0) return [];
  const known = new Known(nodes);
  const { datacenters } = spec;
  const dcs = known.values('datacenter').there;
  const nowhere = datacenters.length > 0 && !datacenters.some((dc) => dcs.includes(dc));
  const ofJob = nowhere
    ? [`no node is in ${listed(datacenters, 'or')}; there ${dcs.length === 1 ? 'is only' : 'are'} ${shownValues(dcs)}`]
    : [];
  const ofTasks = Object.entries(spec.tasks).flatMap(([name, task]) =>
    [...unmetByTask(task, datacenters, known), ...notAllowed(task, nodes)].map((message) => `task ${name}: ${message}`),
  );
  return [...ofJob, ...ofTasks];
}
