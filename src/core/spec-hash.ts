/** Whether a container fits a spec, and whether two specs are the same. */
import type { Constraint } from './constraint.ts';
import type { JobSpec, PortSpec, Stamps, TaskSpec } from './job.ts';

/** JSON with keys in order and without what is undefined, so that equal values give equal texts. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}

/** FNV-1a, 64 bit, of a text's UTF-8 bytes, in hexadecimal (Fowler, Noll, Vo; IETF draft-eastlake-fnv). Not for secrets. */
export function fnv1a64(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}

/** Without what does not change where it may run: blanks, quotes, the order in which they stand. */
function constraintTexts(constraints: readonly Constraint[]): string[] {
  const meanings = constraints.map(({ attribute, operator, values }) => ({ attribute, operator, values: values.toSorted() }));
  return meanings.map(canonical).toSorted();
}

function portTexts(ports: readonly PortSpec[]): string[] {
  return ports.map(canonical).toSorted();
}

/**
 * What a container of a task is made from, as 16 hexadecimal digits: image, command, environment, user, working directory,
 * resources, ports, volumes, secrets, configs, the job's labels and type; and its constraints, because where it runs may not be where it may run any more.
 * What takes effect without a new container is left out: count, pull, restart, stop signal and times, priority, the terms of a
 * health check, what it waits for, and where it had better run. Fields that a later version adds must leave the hash of specs without them as it
 * is, or an upgrade replaces every container.
 *
 * Of `health` only counts whether there is one: a container of such a task is made with its image's own check switched off, which
 * cannot be switched on again in it. So a task that gets its first check, or loses it, gets a new container; other terms, and
 * `none` in place of terms, do not.
 */
export function specHash(job: JobSpec, taskName: string): string {
  return fnv1a64(canonical(madeFrom(job, taskName)));
}

/** What the hash is made of: where it differs, a container does not fit any more. */
export function madeFrom(job: JobSpec, taskName: string): Readonly<Record<string, unknown>> {
  const task = Object.hasOwn(job.tasks, taskName) ? job.tasks[taskName] : undefined;
  if (!task) throw new RangeError(`job ${job.name} has no task ${taskName}`);
  const { image, command, env, user, workdir, resources, volumes, secrets, configs } = task;
  const imageCheck = task.health === undefined ? undefined : 'off';
  const ports = portTexts(task.ports);
  const constraints = task.constraints && task.constraints.length > 0 ? constraintTexts(task.constraints) : undefined;
  const made = { type: job.type, labels: job.labels, image, command, env, user, workdir, resources, ports, imageCheck, constraints };
  return { ...made, volumes, secrets, configs };
}

/** The part of a job's stamps that a task's containers are made from. */
function stampsOf({ restarts, files, digests }: Stamps, { image, secrets = {}, configs = {} }: TaskSpec): Stamps {
  const used = [...Object.keys(secrets).map((name) => `secret/${name}`), ...Object.keys(configs).map((name) => `config/${name}`)];
  const versions = used.flatMap((name) => (files?.[name] === undefined ? [] : [[name, files[name]] as const]));
  const digest = digests?.[image];
  return {
    ...(restarts ? { restarts } : {}),
    ...(versions.length > 0 ? { files: Object.fromEntries(versions) } : {}),
    ...(digest === undefined ? {} : { digests: { [image]: digest } }),
  };
}

/** Each task's hash: of its spec, and of what makes containers of one spec differ over time. Without stamps it is `specHash`. */
export function hashesOf(spec: JobSpec, stamps: Stamps = {}): Readonly<Record<string, string>> {
  const hashes = Object.entries(spec.tasks).map(([name, task]) => {
    const plain = specHash(spec, name);
    const own = stampsOf(stamps, task);
    return [name, Object.keys(own).length === 0 ? plain : fnv1a64(canonical([plain, own]))];
  });
  return Object.fromEntries(hashes);
}

/** Whether two specs say the same, in whatever order their keys stand; lists count with their order. */
export function sameJob(a: JobSpec, b: JobSpec): boolean {
  return canonical(a) === canonical(b);
}
