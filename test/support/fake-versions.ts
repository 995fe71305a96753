/** The versions that a FakeControl makes of its jobs. It keeps them all, and rolls out nothing by itself. */
import { problem } from '../../src/core/errors.ts';
import type { JobOrigin, JobRecord, JobSpec } from '../../src/core/job.ts';
import { specDiff } from '../../src/core/spec-diff.ts';
import type { DispatchRequest, VersionView } from '../../src/ports/control.ts';

export class FakeVersions {
  readonly #kept = new Map<string, readonly VersionView[]>();

  /** The versions of a job, newest first. */
  of(name: string): readonly VersionView[] {
    return this.#kept.get(name) ?? [];
  }

  /** Notes a version that was made. */
  note({ name, version, spec }: JobRecord, cause: string): void {
    const before = this.of(name);
    if (before[0]?.version === version) return;
    const made: VersionView = { version, createdAt: 1_000 * version, cause, spec, diff: specDiff(before[0]?.spec, spec), isCurrent: true };
    this.#kept.set(name, [made, ...before.map((one) => ({ ...one, isCurrent: false }))]);
  }

  /** One of them; the last before the current unless told. */
  find(name: string, version: number | undefined): VersionView {
    const found = version === undefined ? this.of(name)[1] : this.of(name).find((one) => one.version === version);
    if (found === undefined) throw problem('not-found', `job ${name} has no version ${version ?? 'before this one'}`);
    return found;
  }
}

/** A spec with other counts. */
export function scaled(spec: JobSpec, counts: Readonly<Record<string, number>>): JobSpec {
  const tasks = { ...spec.tasks };
  for (const [name, count] of Object.entries(counts)) {
    if (!Object.hasOwn(tasks, name)) throw problem('not-found', `job ${spec.name} has no task "${name}"`);
    tasks[name] = { ...tasks[name]!, count };
  }
  return { ...spec, tasks };
}

/** A run of a parameterized job: what is set is in its environment, as is the payload. */
export function runOf(parent: JobSpec, { set, payload }: DispatchRequest, number: number): { spec: JobSpec; origin: JobOrigin } {
  if (parent.type !== 'parameterized') throw problem('conflict', `job ${parent.name} is a ${parent.type} job`);
  const env = { ...set, ...(payload === undefined ? {} : { PAYLOAD: Buffer.from(payload).toString('utf8') }) };
  const tasks = Object.fromEntries(Object.entries(parent.tasks).map(([name, task]) => [name, { ...task, env }]));
  const name = `${parent.name}-${String(number).padStart(8, '0')}`;
  return { spec: { ...parent, name, type: 'batch', tasks }, origin: { kind: 'dispatch', parent: parent.name } };
}
