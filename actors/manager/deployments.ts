/** Deployments: how one begins, goes on and is written down. How it is followed is in rollout.ts. */
import type { Release } from '../../src/core/deployment.ts';
import { problem } from '../../src/core/errors.ts';
import type { JobRecord, Stamps } from '../../src/core/job.ts';
import { restamped } from '../../src/core/submission.ts';
import type { Leader } from './leader.ts';
import { moveDeployment, moveJob, noteDeployment } from './moves.ts';
import { versionKey } from './state.ts';

/** Writes what became of a version into the job's history. @param before the job before its deployment moved */
export function released(leader: Leader, before: JobRecord, job: JobRecord): JobRecord {
  const { deployment } = job;
  if (deployment === undefined || deployment.state === before.deployment?.state) return job;
  const known = leader.state.releases.get(versionKey(job.name, deployment.version));
  if (known) leader.ledger.putRelease(job.name, asReleased(known, job));
  return job;
}

function asReleased({ version, createdAt, cause }: Release, { deployment, stamps }: JobRecord): Release {
  const { state, reason } = deployment ?? {};
  const digests = stamps?.digests === undefined ? {} : { digests: stamps.digests };
  return { version, createdAt, cause, ...digests, ...(state === undefined ? {} : { state }), ...(reason === undefined ? {} : { reason }) };
}

/** Writes into the history of a job without roll-outs how its version did: that of its last run. */
export function noteOutcome(leader: Leader, job: JobRecord, event: string, reason: string | undefined): void {
  const state = event === 'tasks.completed' ? 'succeeded' : event === 'tasks.failed' ? 'failed' : undefined;
  const known = leader.state.releases.get(versionKey(job.name, job.version));
  if (job.deployment !== undefined || state === undefined || known === undefined || known.state === state) return;
  const { reason: _before, ...release } = known;
  leader.ledger.putRelease(job.name, { ...release, state, ...(state === 'failed' && reason !== undefined ? { reason } : {}) });
}

/** A job's deployment begins: the one before it is over. @param known the job before */
export function beginDeployment(leader: Leader, known: JobRecord | undefined, begun: JobRecord, cause: string): JobRecord {
  const job: JobRecord = begun.deployment ? { ...begun, deployment: { ...begun.deployment, cause } } : begun;
  if (known?.deployment !== undefined) released(leader, known, moveDeployment(leader, known, 'deployment.superseded', {}, cause));
  leader.ledger.putJob(job);
  noteDeployment(leader, job, 'none', 'deployment.began', cause);
  return job;
}

/** Replaces a job's containers although its spec stays: a rolling restart, or files or images that have changed. */
export function restamp(leader: Leader, job: JobRecord, stamps: Stamps, cause: string): JobRecord {
  const next = restamped(job, stamps, leader.nextIndex(), leader.deps.ambient.clock.now());
  return moveJob(leader, beginDeployment(leader, job, next, cause), 'job.changed', undefined, cause);
}

/** Replaces all instances of a job, as an update would. @throws CubeError `conflict` for one that is stopped */
export function restartJob(leader: Leader, job: JobRecord): void {
  if (job.spec.type === 'periodic' || job.spec.type === 'parameterized') {
    throw problem('conflict', `job ${job.name} is ${job.spec.type}: each of its runs is made anew, and there is nothing to restart`);
  }
  if (job.stopWanted) throw problem('conflict', `job ${job.name} is stopped`, { hint: `\`cube start ${job.name}\` starts it` });
  restamp(leader, job, { ...job.stamps, restarts: (job.stamps?.restarts ?? 0) + 1 }, 'restarted by its user');
}

/** Lets a deployment go on that waits for it. @throws CubeError `conflict` when none does */
export function promoteJob(leader: Leader, job: JobRecord): void {
  const { deployment } = job;
  if (deployment?.state !== 'awaitingPromotion' && deployment?.state !== 'paused') {
    const now = deployment === undefined ? 'it has none' : `its deployment of version ${deployment.version} is ${deployment.state}`;
    throw problem('conflict', `job ${job.name} has no deployment that waits: ${now}`);
  }
  const now = leader.deps.ambient.clock.now();
  leader.progress.note(job, deployment.updated);
  // In its next run what was rejected or given up is tried once more.
  const tried: JobRecord = deployment.state === 'paused' ? { ...job, run: job.run + 1 } : job;
  const patch = { promoted: true as const, progressAt: now, startedAt: now };
  released(leader, job, moveDeployment(leader, tried, 'deployment.promoted', patch, 'promoted by its user'));
}
