/** Volumes: what a task's directories are called on the engine of its node, and on which node a slot's data is. */
import type { JobSpec, TaskSpec } from './job.ts';
import { fillPlaceholders, placeholdersOf, type Described } from './placeholders.ts';

/** What stands between the directories in a node's attribute `mounts`: no path holds it. */
export const mountsSeparator = '\0';

/** What a node may know beside running a container; it says so when it greets. */
export type NodeFeature = 'volumes' | 'files';

/** Where the data of a slot is. It outlives the slot's tasks, and its job. */
export interface Claim {
  /** `job/task.index`: its key in the store. */
  readonly slot: string;
  readonly job: string;
  /** Id of the node. */
  readonly node: string;
  readonly nodeName: string;
  /** Names of the engine's volumes there. */
  readonly volumes: readonly string[];
  /** Since when, ms since the epoch. */
  readonly at: number;
}

/** Whether a task keeps data on its node that only this node has. */
export function hasNamedVolumes(spec: Pick<TaskSpec, 'volumes'> | undefined): boolean {
  return spec?.volumes?.some(({ name }) => name !== undefined) ?? false;
}

/** Directories of the host that a task asks for, each once, as they are written but for needless dots and slashes. */
export function hostPaths(spec: Pick<TaskSpec, 'volumes'> | undefined): readonly string[] {
  const paths = (spec?.volumes ?? []).flatMap(({ hostPath }) => (hostPath === undefined ? [] : [plainPath(hostPath)]));
  return paths.length < 2 ? paths : [...new Set(paths)];
}

/** What a node must know for a task of a job. */
export function featuresFor(spec: TaskSpec | undefined, job: Pick<JobSpec, 'payload'> | undefined): readonly NodeFeature[] {
  const { volumes = [], secrets = {}, configs = {} } = spec ?? {};
  const hasPayload = job?.payload !== undefined && 'file' in job.payload;
  const needsFiles = hasPayload || Object.keys(secrets).length + Object.keys(configs).length > 0;
  if (volumes.length === 0) return needsFiles ? ['files'] : none;
  return needsFiles ? ['volumes', 'files'] : ['volumes'];
}

const none: readonly NodeFeature[] = [];

/**
 * The engine's name of a named volume: of its job, and what engines do not take in a name (the slash of a slot) as an underscore.
 * @param name with its placeholders filled in
 */
export function engineVolume(job: string, name: string): string {
  return `${job}_${name}`.replaceAll(/[^A-Za-z0-9_.-]/g, '_');
}

/** The engine's names of all named volumes of an instance, each once, in order. */
export function engineVolumes(spec: Pick<TaskSpec, 'volumes'> | undefined, instance: Described, nodeName: string): readonly string[] {
  const values = placeholdersOf(instance, nodeName);
  const names = (spec?.volumes ?? []).flatMap(({ name }) => (name === undefined ? [] : [fillPlaceholders(name, values)]));
  return [...new Set(names.map((name) => engineVolume(instance.job, name)))].toSorted();
}

/** An absolute path without needless dots and slashes; `..` is resolved as text, and leads no higher than the root. */
export function plainPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Whether a path is one of these directories, or within one. All are absolute and plain. */
export function isWithin(path: string, directories: readonly string[]): boolean {
  return directories.some((directory) => path === directory || directory === '/' || path.startsWith(`${directory}/`));
}
