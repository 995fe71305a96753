/** What the commands say about a job's deployment. */
import type { DeploymentJson } from '../core/deployment-view.ts';
import type { JobJson } from '../core/views.ts';
import { tame } from './table.ts';
import type { Tone } from './table.ts';

/** A job's deployment; undefined where there is none. Managers of earlier versions tell nothing of it. */
export function deploymentOf(job: JobJson): DeploymentJson | undefined {
  return (job.deployment as DeploymentJson | null | undefined) ?? undefined;
}

/** Whether a job's deployment is not over: it goes on, or waits for somebody. */
export function isUnderWay(job: JobJson): boolean {
  const state = deploymentOf(job)?.state;
  return state === 'rolling' || state === 'awaitingPromotion' || state === 'paused';
}

/** What to do about a paused one: `` `cube rollback shop` goes back to version 2, `cube promote shop` goes on ``. */
export function pausedHint(job: string, { goodVersion }: DeploymentJson): string {
  const back = goodVersion === null ? '' : ` to version ${goodVersion}`;
  return `\`cube rollback ${job}\` goes back${back}, \`cube promote ${job}\` goes on`;
}

function because(reason: string | null): string {
  return reason === null ? '' : `: ${tame(reason)}`;
}

/** How far it is: `2 of 10 updated`, and `2 of 10 up` where nothing is replaced. Managers of earlier versions do not tell which. */
export function amountText({ updated, desired, replaces }: DeploymentJson): string {
  return `${updated} of ${desired} ${(replaces as boolean | undefined) === false ? 'up' : 'updated'}`;
}

/** What began it, where that is more than a submit, and not told otherwise: ` (restarted by its user)`. */
function origin({ rollbackOf, cause }: DeploymentJson): string {
  if (rollbackOf !== null) return ` (going back from version ${rollbackOf})`;
  const known = (cause as string | null | undefined) ?? 'submitted';
  return known === 'submitted' ? '' : ` (${tame(known)})`;
}

/** `version 3: 2 of 10 updated`, and what it waits for; undefined of a submit that went well, and of one that was left. */
export function deploymentText(job: JobJson): string | undefined {
  const deployment = deploymentOf(job);
  if (deployment === undefined) return undefined;
  const { version, state, rollbackOf, reason } = deployment;
  const from = origin(deployment);
  const amount = `version ${version}${from}: ${amountText(deployment)}`;
  switch (state) {
    case 'rolling':
      return amount;
    case 'awaitingPromotion':
      return `${amount}; it waits for \`cube promote ${job.name}\``;
    case 'paused':
      return `${amount}; paused${because(reason)}; ${pausedHint(job.name, deployment)}`;
    case 'failed':
      return `version ${version}${from} failed${because(reason)}`;
    case 'succeeded':
      if (rollbackOf !== null) return `went back from version ${rollbackOf}${because(reason)}`;
      return from === '' ? undefined : `version ${version}${from}: done`;
    case 'superseded':
      return undefined;
  }
}

function rollingMark({ rollbackOf, replaces, updated, desired }: DeploymentJson): string {
  if (rollbackOf !== null) return `rolling back ${updated}/${desired}`;
  return (replaces as boolean | undefined) === false ? `${updated}/${desired} up` : `updating ${updated}/${desired}`;
}

/** The version that failed, of which the newest deployment or the roll-back of it tells; undefined where none did. */
export function failedVersionOf(job: JobJson): number | undefined {
  const deployment = deploymentOf(job);
  if (deployment === undefined) return undefined;
  if (deployment.rollbackOf !== null) return deployment.rollbackOf;
  return deployment.state === 'failed' || deployment.state === 'paused' ? deployment.version : undefined;
}

/** The same as a mark beside a status: `updating 2/10`; empty where there is nothing to say. */
export function deploymentMark(job: JobJson): readonly [text: string, tone: Tone] {
  const deployment = deploymentOf(job);
  switch (deployment?.state) {
    case 'rolling':
      return [rollingMark(deployment), 'busy'];
    case 'awaitingPromotion':
      return ['awaits promotion', 'busy'];
    case 'paused':
      return ['update paused', 'bad'];
    case 'failed':
      return ['update failed', 'bad'];
    default:
      return deployment?.state === 'succeeded' && deployment.rollbackOf !== null ? ['rolled back', 'bad'] : ['', 'dim'];
  }
}
