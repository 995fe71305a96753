/** Versions of a job: how one is made, what is kept of them, and going back to one. */
import type { Deployment } from '../../src/core/deployment.ts';
import { problem } from '../../src/core/errors.ts';
import type { JobRecord, JobSpec } from '../../src/core/job.ts';
import { specDiff } from '../../src/core/spec-diff.ts';
import { sameJob } from '../../src/core/spec-hash.ts';
import { submission, underNewTerms } from '../../src/core/submission.ts';
import { isFinal } from '../../src/core/task.ts';
import { nearest } from '../../src/core/text.ts';
import type { VersionView } from '../../src/ports/control.ts';
import { beginDeployment } from './deployments.ts';
import { withFiles } from './files.ts';
import type { Leader } from './leader.ts';
import { moveJob } from './moves.ts';
import { versionKey } from './state.ts';
import { seated } from './system.ts';

/** Makes a version of a job that was decided on. @param known the job before it, if there was one */
export function putVersion(leader: Leader, known: JobRecord | undefined, decided: JobRecord, cause: string): void {
  const { ledger } = leader;
  const job = beginDeployment(leader, known, decided, cause);
  ledger.putVersion(job.name, job.version, job.spec);
  const state = job.deployment?.state;
  const digests = job.stamps?.digests === undefined ? {} : { digests: job.stamps.digests };
  const stage = state === undefined ? {} : { state };
  ledger.putRelease(job.name, { version: job.version, createdAt: job.updatedAt, cause, ...digests, ...stage });
  if (known === undefined) {
    ledger.note({ machine: 'job', id: job.name, from: 'none', to: 'pending', event: 'job.changed', cause, job: job.name });
  } else moveJob(leader, job, 'job.changed', undefined, `version ${job.version} ${cause}`);
  keepTermsFresh(leader, job);
  if (known !== undefined && mattersLess(job.spec, known.spec)) leader.roomChanged();
  trimVersions(leader, job);
}

/** Whether a job's tasks may be preempted now for some for which they might not. */
export function mattersLess(spec: JobSpec, before: JobSpec): boolean {
  return spec.priority < before.priority || (spec.preemptible === true && !before.preemptible);
}

/** Tasks whose containers stay get the new version's terms: restart policy, grace. */
function keepTermsFresh(leader: Leader, job: JobRecord): void {
  for (const task of leader.state.tasksOf(job.name)) {
    const kept = underNewTerms(job, task);
    if (kept === undefined) continue;
    leader.ledger.putTask(kept);
    leader.ledger.orderTask(kept);
    if (kept.state !== 'pending') continue;
    // Its turn, and where it may go, can have changed.
    leader.askAnew(kept);
  }
}

/** Versions beyond the newest few go, but for those of which tasks run, and the one to which a failure would roll back. */
function trimVersions(leader: Leader, job: JobRecord): void {
  const live = leader.state.tasksOf(job.name).filter((task) => !isFinal(task));
  const used = new Set(live.map((task) => versionKey(task.job, task.version)));
  const good = job.deployment?.goodVersion;
  if (good !== undefined) used.add(versionKey(job.name, good));
  for (const version of keptVersions(leader, job).slice(leader.deps.limits.jobVersionsMax)) {
    const key = versionKey(job.name, version);
    if (!used.has(key)) leader.ledger.removeVersion(key);
  }
}

/** Numbers of a job's versions whose specs are kept, newest first. */
function keptVersions({ state }: Leader, { name, version: newest }: JobRecord): number[] {
  const kept: number[] = [];
  const named = [...state.versions.keys()].filter((key) => key.startsWith(`${name}/`)).length;
  for (let version = newest; version > 0 && kept.length < named; version--)
    if (state.versions.has(versionKey(name, version))) kept.push(version);
  return kept;
}

/** Forgets all versions of a job. */
export function forgetVersions(leader: Leader, job: JobRecord): void {
  for (const version of keptVersions(leader, job)) leader.ledger.removeVersion(versionKey(job.name, version));
}

/** The kept versions of a job, newest first. */
export function historyOf(leader: Leader, job: JobRecord): VersionView[] {
  const { versions, releases } = leader.state;
  const kept = keptVersions(leader, job);
  return kept.map((version, place) => {
    const spec = versions.get(versionKey(job.name, version))!;
    const before = place + 1 < kept.length ? versions.get(versionKey(job.name, kept[place + 1]!)) : undefined;
    // Of versions made before there was a history only the spec is known.
    const release = releases.get(versionKey(job.name, version)) ?? { version, createdAt: job.createdAt, cause: 'submitted' };
    return { ...release, spec, diff: specDiff(before, spec), isCurrent: version === job.version };
  });
}

/** Wants a spec that was decided on here, not submitted; `unchanged` and `started` are as of a submit. */
function want(leader: Leader, job: JobRecord, spec: JobSpec, cause: string): JobRecord {
  const { clock } = leader.deps.ambient;
  const decided = submission(job, { spec, origin: job.origin }, clock.now(), () => leader.nextIndex());
  const next = withFiles(leader, seated(leader.state, decided.job));
  if (decided.change === 'updated') putVersion(leader, job, next, cause);
  else if (decided.change === 'started') {
    moveJob(leader, beginDeployment(leader, job, next, cause), 'job.changed', undefined, cause);
  }
  return leader.state.jobs.get(next.name)!;
}

/**
 * Wants an earlier version again, as a new one.
 * @param version the last good one before the current, or else the one before it, unless told
 * @throws CubeError `not-found` when it is not kept, `conflict` when it is the current one
 */
export function rollBack(leader: Leader, job: JobRecord, version?: number): void {
  const kept = keptVersions(leader, job);
  const to = version ?? lastGoodBefore(leader, job, kept) ?? kept[1];
  if (to === job.version) throw problem('conflict', `job ${job.name} is at version ${to} already`);
  if (to === undefined || !kept.includes(to)) {
    const list = kept.length > 1 ? `there are ${kept.toReversed().join(', ')}` : 'there is only the current one';
    throw problem('not-found', `job ${job.name} has no version ${to ?? 'before this one'}; ${list}`, {
      hint: `see \`cube history ${job.name}\``,
    });
  }
  const spec = leader.state.versions.get(versionKey(job.name, to))!;
  const next = want(leader, withImagesOf(leader, job, to), spec, `rolled back to version ${to}`);
  // Its user wants what was there, all of it: no canaries.
  if (next.deployment) leader.ledger.putJob({ ...next, deployment: { ...next.deployment, promoted: true } });
}

/** The newest version before the current one that succeeded, and was another. */
function lastGoodBefore({ state }: Leader, job: JobRecord, kept: readonly number[]): number | undefined {
  return kept.find((version) => {
    const key = versionKey(job.name, version);
    const isGood = state.releases.get(key)?.state === 'succeeded';
    return version < job.version && isGood && !sameJob(state.versions.get(key)!, job.spec);
  });
}

/** A job whose images stand for what they did in an earlier version. */
function withImagesOf({ state }: Leader, job: JobRecord, version: number): JobRecord {
  const digests = state.releases.get(versionKey(job.name, version))?.digests;
  if (job.stamps?.digests === undefined && digests === undefined) return job;
  const { digests: _now, ...stamps } = job.stamps ?? {};
  return { ...job, stamps: { ...stamps, ...(digests === undefined ? {} : { digests }) } };
}

/** Goes back to the last good version because the current one failed. */
export function rollBackTo(leader: Leader, job: JobRecord, version: number, why: string): void {
  const spec = leader.state.versions.get(versionKey(job.name, version))!;
  const next = want(leader, withImagesOf(leader, job, version), spec, `rolled back to version ${version}: ${why}`);
  if (next.deployment === undefined) return;
  // What it goes back to was good: it is not gone back any further if that does not work either.
  const deployment: Deployment = { ...next.deployment, goodVersion: version, promoted: true, rollbackOf: job.version, reason: why };
  leader.ledger.putJob({ ...next, deployment });
}

/** Wants other numbers of instances. @throws CubeError `usage`, `not-found` */
export function scaleJob(leader: Leader, job: JobRecord, counts: Readonly<Record<string, number>>): void {
  const { limits } = leader.deps;
  if (job.spec.type === 'parameterized') throw problem('usage', `job ${job.name} is parameterized: it has no instances of its own`);
  if (job.spec.type === 'system') throw problem('usage', `job ${job.name} is a system job: it has one instance a node, and no count`);
  const tasks = { ...job.spec.tasks };
  for (const [name, count] of Object.entries(counts)) {
    const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
    if (task === undefined) {
      const close = nearest(name, Object.keys(tasks));
      throw problem('not-found', `job ${job.name} has no task "${name}"${close ? `; did you mean "${close}"?` : ''}`);
    }
    tasks[name] = { ...task, count };
  }
  const total = Object.values(tasks).reduce((sum, { count }) => sum + count, 0);
  if (total > limits.jobInstancesMax) throw problem('usage', `expected at most ${limits.jobInstancesMax} instances in all, got ${total}`);
  const words = Object.entries(counts).map(([name, count]) => `${name}=${count}`);
  want(leader, job, { ...job.spec, tasks }, `scaled: ${words.join(', ')}`);
}
