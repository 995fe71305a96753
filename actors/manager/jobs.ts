/** Jobs: what their users ask for, and how the cluster follows. */
import { problem } from '../../src/core/errors.ts';
import { formatDuration } from '../../src/core/duration.ts';
import { changedImages } from '../../src/core/image-digests.ts';
import type { JobCounts, JobRecord } from '../../src/core/job.ts';
import { jobSignal } from '../../src/core/job-status.ts';
import { reconcile, type Change } from '../../src/core/reconcile.ts';
import { countSlots } from '../../src/core/slots.ts';
import { newTask, startedAgain, submission, type Submission } from '../../src/core/submission.ts';
import { isFinal, type TaskRecord } from '../../src/core/task.ts';
import type { JobView, SubmitAnswer, SubmitRequest } from '../../src/ports/control.ts';
import type { FoundImages } from './digests.ts';
import type { Leader } from './leader.ts';
import { beginDeployment, noteOutcome, released } from './deployments.ts';
import { followDeployment } from './rollout.ts';
import { forgetFile, withFiles } from './files.ts';
import { moveDeployment, moveJob } from './moves.ts';
import { trimRuns } from './runs.ts';
import { wantStopped } from './stopping.ts';
import { versionKey } from './state.ts';
import { isHeldBack, stopStray } from './strays.ts';
import { seated } from './system.ts';
import { forgetVersions, putVersion } from './versions.ts';
import { isDormant } from '../../src/core/ticks.ts';

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

/** Takes a job, new or changed. @param images what its images stand for now, where that counts @throws CubeError `conflict` */
export function submitJob(leader: Leader, request: SubmitRequest, images: FoundImages['images'] = {}): SubmitAnswer['change'] {
  const { known, change, job } = submissionOf(leader, request, () => leader.nextIndex(), images);
  if (change === 'unchanged') {
    if (job !== known) leader.ledger.putJob(job);
    return change;
  }
  if (change === 'started') {
    begin(leader, known, job, 'submitted again');
    return change;
  }
  // Its spec is as it was, and only what its images stand for is not.
  if (job.version === known?.version) begin(leader, known, job, 'its images stand for something else');
  else putVersion(leader, known, job, 'submitted');
  return change;
}

/** What a submit would make of its job now. @throws CubeError `conflict` */
export function submissionOf(
  leader: Leader,
  request: SubmitRequest,
  nextIndex: () => number,
  images: FoundImages['images'] = {},
): Submission & { readonly known: JobRecord | undefined } {
  const known = leader.state.jobs.get(request.spec.name);
  refuseConflicts(leader, known, request);
  const digests = changedImages(known, leader.state.tasksOf(request.spec.name), images);
  const made = submission(known, { ...request, digests }, leader.deps.ambient.clock.now(), nextIndex);
  return { known, ...made, job: withFiles(leader, seated(leader.state, made.job)) };
}

function refuseConflicts(leader: Leader, known: JobRecord | undefined, { spec, origin, checkIndex, mustBeNew }: SubmitRequest): void {
  if (origin.clientTaskId !== undefined && leader.state.jobOfClientId(origin.clientTaskId)) {
    throw problem('conflict', `task ${origin.clientTaskId} is known already`);
  }
  if (known?.origin.kind === 'dispatch') {
    throw problem('conflict', `"${spec.name}" is a run of job ${known.origin.parent ?? ''}, which no file can change`, {
      hint: 'use another name',
    });
  }
  if (mustBeNew && known) throw problem('conflict', `there is a job "${spec.name}" already`);
  refuseStale(known, checkIndex, spec.name);
}

/** @throws CubeError `conflict` unless a job stands at the index that its user saw */
export function refuseStale(known: JobRecord | undefined, checkIndex: number | undefined, name = known?.name ?? ''): void {
  if (checkIndex === undefined || checkIndex === (known?.index ?? 0)) return;
  const now = known ? `it is at index ${known.index}` : 'there is no such job';
  throw problem('conflict', `job "${name}" was expected at index ${checkIndex}, but ${now}`, {
    hint: 'look at what changed with `cube status`, then submit again',
  });
}

/** Starts a stopped job, tries a failed one again, and runs one that had completed once more. */
export function startJob(leader: Leader, name: string): void {
  const job = jobNamed(leader, name);
  if (job.stopWanted || ['completed', 'failed', 'degraded'].includes(job.status))
    begin(leader, job, withFiles(leader, startedAgain(job, leader.nextIndex(), leader.deps.ambient.clock.now())), 'started');
}

function begin(leader: Leader, known: JobRecord | undefined, started: JobRecord, cause: string): void {
  moveJob(leader, beginDeployment(leader, known, started, cause), 'job.changed', undefined, cause);
}

/** Wants a job stopped; `purge` forgets it once its tasks have ended. */
export function stopJob(leader: Leader, name: string, purge: boolean): void {
  const job = jobNamed(leader, name);
  if (job.stopWanted && (job.purgeWanted || !purge)) return;
  // What has completed has nothing left to stop, and goes on being completed; but for ticks to come.
  if (job.status === 'completed' && job.spec.schedule === undefined && !purge) return;
  const stopping: JobRecord = { ...job, stopWanted: true, purgeWanted: purge, index: leader.nextIndex() };
  leader.ledger.putJob(stopping);
  released(leader, stopping, moveDeployment(leader, stopping, 'deployment.superseded', {}, 'stopped by its user'));
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
  const known = leader.state.jobs.get(name);
  if (known === undefined) return;
  const job = followDeadline(leader, known);
  const { clock } = leader.deps.ambient;
  const before = leader.state.slotsOf(job);
  const changes = reconcile(job, before.slots, before.extra, clock.now(), leader.deps.limits);
  for (const change of changes) apply(leader, job, change);
  const after = changes.length === 0 ? before : leader.state.slotsOf(job);
  const deployed = followDeployment(leader, job, after.slots);
  if (deployed === undefined) return;
  const { event, reason } = jobSignal(deployed, after.slots, after.extra);
  if (event === undefined) return;
  if (event === 'tasks.gone' && deployed.purgeWanted) return forgetJob(leader, deployed);
  moveJob(leader, deployed, event, reason, reason ?? `its tasks: ${event.slice('tasks.'.length)}`);
  noteOutcome(leader, deployed, event, reason);
  const { parent } = deployed.origin;
  if (parent !== undefined && ['tasks.completed', 'tasks.failed', 'tasks.gone'].includes(event))
    trimRuns(leader, parent, (run) => forgetJob(leader, run));
}

/** A run that takes longer than its job's deadline is over. */
function followDeadline(leader: Leader, job: JobRecord): JobRecord {
  const { deadlineMs } = job.spec;
  const isOver = job.expired || job.stopWanted || job.status === 'completed' || job.status === 'failed';
  if (deadlineMs === undefined || job.runAt === undefined || isOver) return job;
  // Of one that rests what is left of a run is meant.
  if (isDormant(job) && !leader.state.slotsOf(job).slots.some(({ live }) => live.length > 0)) return job;
  const at = job.runAt + deadlineMs;
  if (leader.deps.ambient.clock.now() < at) {
    leader.lookAtJob(job.name, at);
    return job;
  }
  const expired: JobRecord = { ...job, expired: true };
  leader.ledger.putJob(expired);
  const cause = `its run took longer than its deadline of ${formatDuration(deadlineMs)}`;
  leader.ledger.note({ machine: 'job', id: job.name, from: job.status, to: job.status, event: 'deadline.passed', cause, job: job.name });
  return expired;
}

function apply(leader: Leader, job: JobRecord, change: Change): void {
  if (change.kind === 'stop') return wantStopped(leader, change.task, change.reason);
  if (isHeldBack(leader, change.slot.name)) return;
  const { clock, ids } = leader.deps.ambient;
  const { of, ...plain } = change;
  const earlier = of && leader.state.versions.get(versionKey(job.name, of.version))?.tasks[change.slot.task];
  const made = newTask(job, earlier ? change : plain, ids.id(), clock.now());
  const task = earlier ? { ...made, image: earlier.image } : made;
  leader.ledger.putTask(task);
  const held = earlier ? `version ${task.version} again, since it is not known whether version ${job.version} is good` : undefined;
  const cause = held ?? change.reason ?? `version ${job.version} wants it`;
  leader.ledger.note({ machine: 'task', id: task.id, from: 'none', to: 'pending', event: 'order.create', cause, job: job.name });
  leader.awaitPlace(task);
}

/** Forgets a job with all that is kept of it; nothing of it lives. */
export function forgetJob(leader: Leader, job: JobRecord): void {
  for (const task of leader.state.tasksOf(job.name)) leader.ledger.removeTask(task);
  forgetVersions(leader, job);
  forgetFile(leader, 'payload', job.name);
  leader.lookAtJob(job.name, undefined);
  leader.progress.forget(job.name);
  leader.ledger.removeJob(job.name);
  leader.ledger.note({ machine: 'job', id: job.name, from: job.status, to: 'none', event: 'job.purged', cause: 'purged', job: job.name });
}
