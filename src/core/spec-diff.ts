/** What differs between two specs of a job, for people and scripts that want to know before they submit. */
import type { JobSpec } from './job.ts';

/** One difference, by its place in the normalised spec. */
export interface SpecChange {
  /** Keys joined by dots, as in `tasks.web.env.MODE`; a key with other signs is quoted: `labels["a.b"]`. */
  readonly path: string;
  /** The value before; null where there was none. A list counts as one value, and so does what is all new or all gone. */
  readonly from: unknown;
  /** The value after; null where there is none any more. */
  readonly to: unknown;
}

/**
 * The differences of two specs, in the order of the new one; what is gone comes after what is there.
 * @param from undefined for a job that is new: each of its keys is a difference then, each of its tasks another
 */
export function specDiff(from: JobSpec | undefined, to: JobSpec): readonly SpecChange[] {
  if (from !== undefined) return changesIn(from, to, '');
  const { tasks, ...rest } = to;
  return [...changesIn({}, rest, ''), ...changesIn({}, tasks, 'tasks')];
}

/** The paths within two objects at which they differ: `image`, `env.MODE`. */
export function pathsThatDiffer(from: object, to: object): readonly string[] {
  return changesIn(from, to, '').map(({ path }) => path);
}

function changesIn(from: object, to: object, path: string): SpecChange[] {
  const before = new Map<string, unknown>(Object.entries(from));
  const after = new Map<string, unknown>(Object.entries(to));
  const keys = new Set([...after.keys(), ...before.keys()]);
  return [...keys].flatMap((key) => difference(before.get(key), after.get(key), joined(path, key)));
}

function difference(from: unknown, to: unknown, path: string): SpecChange[] {
  if (isGroup(from) && isGroup(to)) return changesIn(from, to, path);
  return isSame(from, to) ? [] : [{ path, from: from ?? null, to: to ?? null }];
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether two values say the same; keys of objects in whatever order, and what is undefined is not there. */
function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, at) => isSame(one, b[at]));
  if (isGroup(a) && isGroup(b)) return changesIn(a, b, '').length === 0;
  return Object.is(a, b);
}

function joined(path: string, key: string): string {
  if (!/^[A-Za-z0-9_-]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}
