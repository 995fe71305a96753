/** Jobs: what their users ask for, and how the cluster follows. */
import { problem } from '../../src/core/errors.ts';
import type { JobCounts, JobRecord, TaskSpec } from '../../src/core/job.ts';
import { jobSignal } from '../../src/core/job-status.ts';
import { reconcile, type Change } from '../../src/core/reconcile.ts';
import { countSlots } from '../../src/core/slots.ts';
import { sameJob, specHash } from '../../src/core/spec-hash.ts';
import { isFinal, type TaskRecord } from '../../src/core/task.ts';
import type { JobView, SubmitAnswer, SubmitRequest } from '../../src/ports/control.ts';
import type { Leader } from './leader.ts';
import { moveJob } from './moves.ts';
import { versionKey } from './state.ts';
import { wantStopped } from './stopping.ts';
import { isHeldBack, stopStray } from './strays.ts';

/** A job with its counts. */
export function jobView(leader: Leader, job: JobRecord): JobView {
  return { ...job, counts: countsOf(leader, job) };
}

function countsOf(leader: Leader, job: JobRecord): JobCounts {
  return countSlots(leader.state.slotsOf(job).slots);
}

/** The job of that name. @throws CubeError `not-found` */
export function jobNamed(leader: Leader, name: string): JobRecord {
  const job = leader.state.jobs.get(name);
  if (job === undefined) throw problem('not-found', `there is no job "${name}"`);
  return job;
}

/** Takes a job, new or changed. @throws CubeError `conflict` */
export function submitJob(leader: Leader, request: SubmitRequest): SubmitAnswer['change'] {
  const { spec, origin } = request;
  const known = leader.state.jobs.get(spec.name);
  refuseConflicts(leader, known, request);
  if (known && !known.purgeWanted && sameJob(known.spec, spec)) {
    // Whose job it is may change without its spec: a file takes over what `run` began.
    if (known.origin.kind !== origin.kind) leader.ledger.putJob({ ...known, origin });
    if (!known.stopWanted) return 'unchanged';
    restartJob(leader, jobNamed(leader, spec.name), 'submitted again');
    return 'started';
  }
  const now = leader.deps.ambient.clock.now();
  const version = (known?.version ?? 0) + 1;
  const job: JobRecord = {
    name: spec.name,
    spec,
    origin,
    version,
    hashes: Object.fromEntries(Object.keys(spec.tasks).map((task) => [task, specHash(spec, task)])),
    index: leader.nextIndex(),
    stopWanted: false,
    purgeWanted: false,
    status: known?.status ?? 'pending',
    createdAt: known?.createdAt ?? now,
    updatedAt: now,
    run: (known?.run ?? 0) + 1,
    completedFrom: known?.completedFrom ?? 0,
  };
  leader.ledger.putVersion(job.name, version, spec);
  leader.ledger.putJob(job);
  if (known === undefined) {
    leader.ledger.note({
      machine: 'job',
      id: job.name,
      from: 'none',
      to: 'pending',
      event: 'job.changed',
      cause: 'submitted',
      job: job.name,
    });
  } else moveJob(leader, job, 'job.changed', undefined, `version ${version} submitted`);
  keepTermsFresh(leader, job);
  trimVersions(leader, job);
  return known === undefined ? 'created' : 'updated';
}

function refuseConflicts(leader: Leader, known: JobRecord | undefined, { spec, origin, checkIndex, mustBeNew }: SubmitRequest): void {
  if (origin.clientTaskId !== undefined && leader.state.jobOfClientId(origin.clientTaskId)) {
    throw problem('conflict', `task ${origin.clientTaskId} is known already`);
  }
  if (mustBeNew && known) throw problem('conflict', `there is a job "${spec.name}" already`);
  if (checkIndex !== undefined && checkIndex !== (known?.index ?? 0)) {
    const now = known ? `it is at index ${known.index}` : 'there is no such job';
    throw problem('conflict', `job "${spec.name}" was expected at index ${checkIndex}, but ${now}`, {
      hint: 'look at what changed with `cube status`, then submit again',
    });
  }
}

/** Starts a stopped job, tries a failed one again, and runs one that had completed once more. */
export function startJob(leader: Leader, name: string): void {
  const job = jobNamed(leader, name);
  if (job.stopWanted || ['completed', 'failed', 'degraded'].includes(job.status)) restartJob(leader, job, 'started');
}

function restartJob(leader: Leader, job: JobRecord, cause: string): void {
  const run = job.run + 1;
  const completedFrom = job.status === 'completed' ? run : job.completedFrom;
  const started: JobRecord = { ...job, stopWanted: false, purgeWanted: false, run, completedFrom, index: leader.nextIndex() };
  leader.ledger.putJob(started);
  moveJob(leader, started, 'job.changed', undefined, cause);
}

/** Wants a job stopped; `purge` forgets it once its tasks have ended. */
export function stopJob(leader: Leader, name: string, purge: boolean): void {
  const job = jobNamed(leader, name);
  if (job.stopWanted && (job.purgeWanted || !purge)) return;
  // What has completed has nothing left to stop, and goes on being completed.
  if (job.status === 'completed' && !purge) return;
  leader.ledger.putJob({ ...job, stopWanted: true, purgeWanted: purge, index: leader.nextIndex() });
}

/** Wants one task stopped. Its slot gets a fresh one, unless the job is there for this one task only. */
export function stopTask(leader: Leader, task: TaskRecord): void {
  const stray = leader.strays.get(task.id);
  if (stray) return stopStray(leader, stray);
  const job = leader.state.jobs.get(task.job);
  if (job && job.origin.kind !== 'file') return stopJob(leader, job.name, false);
  if (isFinal(task)) throw problem('conflict', `task ${task.slot} has ended already: ${task.state}`);
  wantStopped(leader, task, 'stopped by its user');
}

/** Brings a job's tasks and status in line with what it wants: to be called after anything about it changed. */
export function followJob(leader: Leader, name: string): void {
  const job = leader.state.jobs.get(name);
  if (job === undefined) return;
  const { clock } = leader.deps.ambient;
  const before = leader.state.slotsOf(job);
  const changes = reconcile(job, before.slots, before.extra, clock.now(), leader.deps.limits);
  for (const change of changes) apply(leader, job, change);
  const after = changes.length === 0 ? before : leader.state.slotsOf(job);
  const { event, reason } = jobSignal(job, after.slots, after.extra);
  if (event === undefined) return;
  if (event === 'tasks.gone' && job.purgeWanted) return forgetJob(leader, job);
  moveJob(leader, job, event, reason, reason ?? `its tasks: ${event.slice('tasks.'.length)}`);
}

function apply(leader: Leader, job: JobRecord, change: Change): void {
  if (change.kind === 'stop') return wantStopped(leader, change.task, change.reason);
  if (isHeldBack(leader, change.slot.name)) return;
  const { slot, failures, placeAfter, avoid, reason } = change;
  const task: TaskRecord = {
    id: leader.deps.ambient.ids.id(),
    job: job.name,
    task: slot.task,
    index: slot.index,
    slot: slot.name,
    version: job.version,
    specHash: slot.specHash,
    run: job.run,
    image: slot.spec.image,
    state: 'pending',
    health: 'unknown',
    desired: 'running',
    ports: [],
    sequence: 0,
    attempt: 0,
    restarts: 0,
    failures,
    ...(hasTerms(slot.spec) ? { hasCheck: true } : {}),
    createdAt: leader.deps.ambient.clock.now(),
    ...(reason === undefined ? {} : { reason }),
    ...(placeAfter === undefined ? {} : { placeAfter }),
    ...(avoid === undefined || avoid.length === 0 ? {} : { avoid }),
  };
  leader.ledger.putTask(task);
  const cause = reason ?? `version ${job.version} wants it`;
  leader.ledger.note({ machine: 'task', id: task.id, from: 'none', to: 'pending', event: 'order.create', cause, job: job.name });
  leader.awaitPlace(task);
}

/** Whether a job names a check itself; whether an image has one is known when it runs. */
function hasTerms(spec: TaskSpec | undefined): boolean {
  return typeof spec?.health === 'object';
}

/** Tasks whose containers stay get the new version's terms: restart policy, grace. */
function keepTermsFresh(leader: Leader, job: JobRecord): void {
  for (const task of leader.state.tasksOf(job.name)) {
    if (isFinal(task) || task.specHash !== job.hashes[task.task]) continue;
    // Of what has run its worker tells whether it has a check.
    const hasCheck = task.startedAt === undefined ? hasTerms(job.spec.tasks[task.task]) : task.hasCheck;
    const kept: TaskRecord = { ...task, version: job.version, ...(hasCheck === undefined ? {} : { hasCheck }) };
    leader.ledger.putTask(kept);
    leader.ledger.orderTask(kept);
  }
}

/** Versions beyond the newest few go, but for those that tasks were made from. */
function trimVersions(leader: Leader, job: JobRecord): void {
  const used = new Set(leader.state.tasksOf(job.name).map((task) => versionKey(task.job, task.version)));
  for (let version = job.version - leader.deps.limits.jobVersionsMax; version > 0; version--) {
    const key = versionKey(job.name, version);
    if (!leader.state.versions.has(key)) break;
    if (!used.has(key)) leader.ledger.removeVersion(key);
  }
}

function forgetJob(leader: Leader, job: JobRecord): void {
  for (const task of leader.state.tasksOf(job.name)) leader.ledger.removeTask(task);
  for (let version = job.version; version > 0; version--) {
    const key = versionKey(job.name, version);
    if (leader.state.versions.has(key)) leader.ledger.removeVersion(key);
  }
  leader.ledger.removeJob(job.name);
  leader.ledger.note({ machine: 'job', id: job.name, from: job.status, to: 'none', event: 'job.purged', cause: 'purged', job: job.name });
}
