/** Jobs: what their users ask for, and how the cluster follows. */
import { problem } from '../../src/core/errors.ts';
import type { JobCounts, JobRecord, JobSpec } from '../../src/core/job.ts';
import { jobSignal } from '../../src/core/job-status.ts';
import { reconcile, type Change } from '../../src/core/reconcile.ts';
import { countSlots } from '../../src/core/slots.ts';
import { newTask, startedAgain, submission, underNewTerms, type Submission } from '../../src/core/submission.ts';
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
  const { known, change, job } = submissionOf(leader, request, () => leader.nextIndex());
  if (change === 'unchanged') {
    if (job !== known) leader.ledger.putJob(job);
    return change;
  }
  if (change === 'started') {
    restartJob(leader, job, 'submitted again');
    return change;
  }
  leader.ledger.putVersion(job.name, job.version, job.spec);
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
  } else moveJob(leader, job, 'job.changed', undefined, `version ${job.version} submitted`);
  keepTermsFresh(leader, job);
  if (known !== undefined && mattersLess(job.spec, known.spec)) leader.roomChanged();
  trimVersions(leader, job);
  return change;
}

/** Whether a job's tasks may be preempted now for some for which they might not. */
function mattersLess(spec: JobSpec, before: JobSpec): boolean {
  return spec.priority < before.priority || (spec.preemptible === true && !before.preemptible);
}

/** What a submit would make of its job now. @throws CubeError `conflict` */
export function submissionOf(
  leader: Leader,
  request: SubmitRequest,
  nextIndex: () => number,
): Submission & { readonly known: JobRecord | undefined } {
  const known = leader.state.jobs.get(request.spec.name);
  refuseConflicts(leader, known, request);
  return { known, ...submission(known, request, leader.deps.ambient.clock.now(), nextIndex) };
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
  if (job.stopWanted || ['completed', 'failed', 'degraded'].includes(job.status))
    restartJob(leader, startedAgain(job, leader.nextIndex()), 'started');
}

function restartJob(leader: Leader, started: JobRecord, cause: string): void {
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
  const { clock, ids } = leader.deps.ambient;
  const task = newTask(job, change, ids.id(), clock.now());
  leader.ledger.putTask(task);
  const cause = change.reason ?? `version ${job.version} wants it`;
  leader.ledger.note({ machine: 'task', id: task.id, from: 'none', to: 'pending', event: 'order.create', cause, job: job.name });
  leader.awaitPlace(task);
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
