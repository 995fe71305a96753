/** What a submit makes of a job: pure, so that `plan` says what `submit` does. */
import type { Deployment } from './deployment.ts';
import { versionsFor } from './files.ts';
import { runKind, type JobOrigin, type JobRecord, type JobSpec, type Stamps, type TaskSpec } from './job.ts';
import type { Change } from './reconcile.ts';
import { hashesOf, sameJob } from './spec-hash.ts';
import { isFinal, type TaskRecord } from './task.ts';
import { ticksUnder } from './ticks.ts';

/** What a submit changes. */
export type SubmitChange = 'created' | 'updated' | 'unchanged' | 'started';

/** A job as it is after a submit. */
export interface Submission {
  readonly change: SubmitChange;
  readonly job: JobRecord;
}

/**
 * The job's record after a submit. A stopped job starts again; one that is to be purged is made anew, in its next version.
 * @param known the job of that name now
 * @param submitted.digests stamps of images that stand for something else by now
 * @param now ms since the epoch
 * @param nextIndex an index for a change; asked for only when there is one
 */
export function submission(
  known: JobRecord | undefined,
  { spec, origin, digests = {} }: { readonly spec: JobSpec; readonly origin: JobOrigin; readonly digests?: Stamps['digests'] },
  now: number,
  nextIndex: () => number,
): Submission {
  if (known && !known.purgeWanted && sameJob(known.spec, spec)) {
    // Whose job it is may change without its spec: a file takes over what `run` began.
    const same = known.origin.kind === origin.kind ? known : { ...known, origin };
    const stamps = withDigests(known.stamps, digests);
    if (stamps !== known.stamps && !known.stopWanted) return { change: 'updated', job: restamped(same, stamps ?? {}, nextIndex(), now) };
    const job = stamps === undefined || stamps === known.stamps ? same : { ...same, stamps, hashes: hashesOf(spec, stamps) };
    return job.stopWanted ? { change: 'started', job: startedAgain(job, nextIndex(), now) } : { change: 'unchanged', job };
  }
  // What is to be purged is forgotten already, as far as its user cares.
  const before = known?.purgeWanted ? undefined : known;
  const stamps = ofImages(withDigests(before?.stamps, digests), spec);
  const hashes = hashesOf(spec, stamps);
  const ticks = ticksUnder(before, spec, now);
  const run = runOf(known, spec, hashes);
  const job: JobRecord = {
    name: spec.name,
    spec,
    origin,
    version: (known?.version ?? 0) + 1,
    hashes,
    index: nextIndex(),
    stopWanted: false,
    purgeWanted: false,
    status: known?.status ?? 'pending',
    createdAt: known?.createdAt ?? now,
    updatedAt: now,
    run,
    completedFrom: known?.purgeWanted ? run : (known?.completedFrom ?? 0),
    runAt: spec.schedule === undefined ? now : (before?.runAt ?? now),
    ...(stamps === undefined ? {} : { stamps }),
    ...(ticks === undefined ? {} : { ticks }),
    ...(spec.type === 'system' && before?.seats ? { seats: before.seats } : {}),
  };
  return { change: known === undefined ? 'created' : 'updated', job: rolledOut(job, before?.stopWanted ? undefined : before, now) };
}

/** The next run, but for a periodic job of which only the terms change: the run of its tick goes on. */
function runOf(known: JobRecord | undefined, spec: JobSpec, hashes: JobRecord['hashes']): number {
  if (known === undefined) return 1;
  const isUnderWay = spec.type === 'periodic' && !known.stopWanted && known.ticks?.run === known.run;
  return isUnderWay && sameHashes(known.hashes, hashes) ? known.run : known.run + 1;
}

function sameHashes(a: JobRecord['hashes'], b: JobRecord['hashes']): boolean {
  return Object.keys(a).length === Object.keys(b).length && Object.keys(a).every((task) => a[task] === b[task]);
}

function withDigests(stamps: Stamps | undefined, digests: NonNullable<Stamps['digests']>): Stamps | undefined {
  return Object.keys(digests).length === 0 ? stamps : { ...stamps, digests: { ...stamps?.digests, ...digests } };
}

/** Stamps without those of images that the spec does not name. */
function ofImages(stamps: Stamps | undefined, { tasks }: JobSpec): Stamps | undefined {
  if (stamps?.digests === undefined) return stamps;
  const images = new Set(Object.values(tasks).map(({ image }) => image));
  return { ...stamps, digests: Object.fromEntries(Object.entries(stamps.digests).filter(([image]) => images.has(image))) };
}

/** A job in its next run. */
export function startedAgain(job: JobRecord, index: number, now: number): JobRecord {
  const run = job.run + 1;
  const completedFrom = job.status === 'completed' ? run : job.completedFrom;
  const { expired: _expired, ...rest } = job;
  // Ticks that passed while it was stopped are nobody's.
  const ticks = job.ticks && job.stopWanted ? { ticks: { ...job.ticks, through: now, queued: [] } } : {};
  const started = { ...rest, ...ticks, stopWanted: false, purgeWanted: false, run, completedFrom, index, runAt: now };
  return rolledOut(started, undefined, now);
}

/** A job whose containers are to be replaced although its spec stays: restarted, or made of other files or images than they were. */
export function restamped(job: JobRecord, stamps: Stamps, index: number, now: number): JobRecord {
  const { expired: _expired, ...rest } = job;
  const next = { ...rest, stamps, hashes: hashesOf(job.spec, stamps), index, updatedAt: now, run: job.run + 1, runAt: now };
  return rolledOut(next, job, now);
}

/** A job at the beginning of its deployment. @param known the job before, whose containers it may replace; undefined where nothing of it runs */
function rolledOut(job: JobRecord, known: JobRecord | undefined, now: number): JobRecord {
  const { deployment: own, ...rest } = job;
  if (runKind(job.spec.type) === 'batch') return rest;
  const last = known?.deployment ?? own;
  // What the one before has not done is left to this one, with what was said of its canaries.
  const isLeftOver = last?.replaces === true && last.state !== 'succeeded';
  const isChanged = known !== undefined && Object.keys(job.hashes).some((task) => known.hashes[task] !== job.hashes[task]);
  const isFirst = job.version > (last?.version ?? 0);
  const good = lastGood(known ?? { ...job, deployment: own });
  const isPromoted = isChanged && isFirst ? false : isLeftOver ? last.promoted === true : true;
  const deployment: Deployment = {
    id: isFirst ? `${job.version}` : `${job.version}.${job.run}`,
    version: job.version,
    state: 'rolling',
    startedAt: now,
    progressAt: now,
    updated: 0,
    ...good,
    ...(isChanged || isLeftOver ? { replaces: true } : {}),
    ...(isPromoted ? { promoted: true } : {}),
  };
  return { ...rest, deployment };
}

/** The newest version of a job that is known to be good. */
function lastGood({ version, hashes, deployment, status }: JobRecord): Pick<Deployment, 'goodVersion' | 'goodHashes'> {
  const isGood = deployment === undefined ? status === 'running' : deployment.state === 'succeeded';
  if (isGood) return { goodVersion: version, goodHashes: hashes };
  const { goodVersion, goodHashes } = deployment ?? {};
  return { ...(goodVersion === undefined ? {} : { goodVersion }), ...(goodHashes === undefined ? {} : { goodHashes }) };
}

/** A record for a slot, as it waits for a place. */
export function newTask(job: JobRecord, change: Extract<Change, { kind: 'create' }>, id: string, createdAt: number): TaskRecord {
  const { slot, failures, placeAfter, avoid, reason, of } = change;
  const fileVersions = versionsFor(job, slot.task);
  return {
    id,
    job: job.name,
    task: slot.task,
    index: slot.index,
    slot: slot.name,
    version: of?.version ?? job.version,
    specHash: of?.specHash ?? slot.specHash,
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
    ...(slot.boundTo === undefined ? {} : { boundTo: slot.boundTo }),
    ...(job.ticks?.at === undefined ? {} : { tick: job.ticks.at }),
    ...(fileVersions === undefined ? {} : { fileVersions }),
    createdAt,
    stateAt: createdAt,
    ...(reason === undefined ? {} : { reason }),
    ...(placeAfter === undefined ? {} : { placeAfter }),
    ...(avoid === undefined || avoid.length === 0 ? {} : { avoid }),
  };
}

/** A task whose container stays, under the terms of its job's new version; undefined for one that is not of that version, or has ended. */
export function underNewTerms(job: JobRecord, task: TaskRecord): TaskRecord | undefined {
  if (isFinal(task) || task.specHash !== job.hashes[task.task]) return undefined;
  // Of what has run its worker tells whether it has a check.
  const hasCheck = task.startedAt === undefined ? hasTerms(job.spec.tasks[task.task]) : task.hasCheck;
  return { ...task, version: job.version, ...(hasCheck === undefined ? {} : { hasCheck }) };
}

/** Whether a job names a check itself; whether an image has one is known when it runs. */
function hasTerms(spec: TaskSpec | undefined): boolean {
  return typeof spec?.health === 'object';
}
