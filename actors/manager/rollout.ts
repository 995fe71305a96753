/** Following a job's roll-out, and what comes of it when it fails. What is decided is in src/core/rollout.ts. */
import { asCubeError } from '../../src/core/errors.ts';
import type { JobRecord } from '../../src/core/job.ts';
import { rolloutSignal, updateOf } from '../../src/core/rollout.ts';
import type { Slot } from '../../src/core/slots.ts';
import { released } from './deployments.ts';
import type { Leader } from './leader.ts';
import { moveDeployment } from './moves.ts';
import { versionKey } from './state.ts';
import { rollBackTo } from './versions.ts';

/** Follows a job's deployment. @returns the job as it is then; undefined when it was rolled back, and there is another to follow */
export function followDeployment(leader: Leader, job: JobRecord, slots: readonly Slot[]): JobRecord | undefined {
  const { deployment } = job;
  if (deployment === undefined || job.stopWanted || deployment.state === 'superseded') return job;
  // What was out of reach meanwhile may be back with an earlier version.
  if (deployment.state === 'succeeded' && !slots.some(({ outdated }) => outdated.length > 0)) return job;
  const { limits, ambient } = leader.deps;
  const now = ambient.clock.now();
  const times = { now, ...leader.progress.of(job) };
  const { event, reason, updated, lookAt } = rolloutSignal(job, deployment, slots, times, limits);
  leader.lookAtJob(job.name, lookAt);
  let next = job;
  if (updated !== deployment.updated) {
    const isProgress = updated > times.most;
    if (isProgress) leader.progress.note(job, updated);
    const progressAt = isProgress ? now : deployment.progressAt;
    next = { ...job, deployment: { ...deployment, updated, progressAt } };
    leader.ledger.putJobStatus(next);
  }
  if (event === undefined) return next;
  leader.lookAtJob(job.name, undefined);
  if (event !== 'deployment.failed') {
    const cause = event === 'slots.updated' ? `all ${slots.length} instances are as they should be` : 'the canaries are well';
    return released(leader, next, moveDeployment(leader, next, event, {}, cause));
  }
  const { onFailure } = updateOf(job.spec, limits);
  const pauses = onFailure === 'pause' && deployment.replaces === true;
  const failed = moveDeployment(leader, next, pauses ? 'deployment.paused' : event, { reason }, reason ?? '');
  released(leader, next, failed);
  const good = deployment.goodVersion;
  const isRollback = deployment.rollbackOf !== undefined || good === undefined || good === deployment.version;
  if (onFailure !== 'rollback' || !deployment.replaces || isRollback) return failed;
  if (!leader.state.versions.has(versionKey(job.name, good))) return failed;
  try {
    rollBackTo(leader, failed, good, `version ${deployment.version} failed: ${reason ?? 'no reason is known'}`);
  } catch (thrown) {
    // A secret that version used is gone: there is no way back, and the user is told why.
    const why = `${reason ?? ''}; it cannot be rolled back to version ${good}: ${asCubeError(thrown).message}`;
    const stuck: JobRecord = { ...failed, deployment: { ...failed.deployment!, reason: why } };
    leader.ledger.putJobStatus(stuck);
    return stuck;
  }
  return undefined;
}
