/** Volumes as the manager keeps them: on which node a slot's data is, from its first placement until a user lets it go. */
import { problem } from '../../src/core/errors.ts';
import type { JobRecord, TaskSpec } from '../../src/core/job.ts';
import type { Ask } from '../../src/core/placement.ts';
import { holdsNode, type TaskRecord } from '../../src/core/task.ts';
import { engineVolumes, featuresFor, hasNamedVolumes, hostPaths, type Claim } from '../../src/core/volumes.ts';
import type { ClaimView } from '../../src/ports/control.ts';
import type { Leader } from './leader.ts';

/** What a task's volumes and files ask of its node. */
export function storageAsk(
  leader: Pick<Leader, 'state'>,
  task: TaskRecord,
  spec: TaskSpec | undefined,
  job: JobRecord | undefined,
): Pick<Ask, 'dataOn' | 'mounts' | 'features'> {
  const features = featuresFor(spec, job?.spec);
  if (features.length === 0) return {};
  const mounts = hostPaths(spec);
  const claim = hasNamedVolumes(spec) ? leader.state.claims.get(task.slot) : undefined;
  return {
    features,
    ...(mounts.length === 0 ? {} : { mounts }),
    // A seat of a system job is on its own node, whatever was there before.
    ...(claim === undefined || task.boundTo !== undefined ? {} : { dataOn: whereNow(leader, claim) }),
  };
}

/** Where a claim's node is now: one that lost its identity joined anew under its name, and its engine has the volumes still. */
function whereNow({ state }: Pick<Leader, 'state'>, { node, nodeName, slot }: Claim): NonNullable<Ask['dataOn']> {
  const id = state.nodes.has(node) ? node : (state.nodeNamed(nodeName)?.id ?? node);
  return { node: id, nodeName: state.nodes.get(id)?.name ?? nodeName, slot };
}

/** Notes where a slot's data is from now on: to be called when a placement of it is taken, in the same turn. */
export function claimVolumes(leader: Pick<Leader, 'state' | 'ledger' | 'deps'>, task: TaskRecord): void {
  const { state, ledger, deps } = leader;
  const spec = state.specOf(task);
  const { node, nodeName, slot, job } = task;
  if (node === undefined || nodeName === undefined || !hasNamedVolumes(spec)) return;
  const known = state.claims.get(slot);
  const same = known?.node === node || known?.nodeName === nodeName ? known : undefined;
  // What an earlier version of the job left there is the slot's, too.
  const volumes = [...new Set([...(same?.volumes ?? []), ...engineVolumes(spec, task, nodeName)])].toSorted();
  if (same?.node === node && same.volumes.length === volumes.length) return;
  ledger.putClaim({ slot, job, node, nodeName, volumes, at: same?.at ?? deps.ambient.clock.now() });
}

/** The record that uses a slot's volumes now. */
function holderOf({ state }: Pick<Leader, 'state'>, { job, slot }: Claim): TaskRecord | undefined {
  return state.tasksOf(job).find((task) => task.slot === slot && holdsNode(task) && hasNamedVolumes(state.specOf(task)));
}

function viewOf(leader: Pick<Leader, 'state'>, claim: Claim): ClaimView {
  const { node, nodeName } = whereNow(leader, claim);
  return { ...claim, node, nodeName, isNodeGone: !leader.state.nodes.has(node), isInUse: holderOf(leader, claim) !== undefined };
}

/** All claims, by slot. */
export function claimViews(leader: Pick<Leader, 'state'>): ClaimView[] {
  const claims = [...leader.state.claims.values()].map((claim) => viewOf(leader, claim));
  return claims.sort((a, b) => (a.job === b.job ? a.slot.localeCompare(b.slot, 'en', { numeric: true }) : a.job < b.job ? -1 : 1));
}

/**
 * Forgets where a slot's data is; the data itself stays. What waits for that node is placed anew.
 * @throws CubeError `not-found`; `conflict` while a task of the slot may use it
 */
export function releaseClaim(leader: Leader, slot: string): ClaimView {
  const claim = leader.state.claims.get(slot);
  if (claim === undefined) {
    throw problem('not-found', `no volume is kept for a slot "${slot}"`, { hint: '`cube volume ls` lists the slots that have one' });
  }
  const view = viewOf(leader, claim);
  const holder = holderOf(leader, claim);
  if (holder !== undefined) {
    const where = holder.nodeName ?? view.nodeName;
    const isAway = holder.state === 'unreachable';
    throw problem('conflict', `${slot} is ${holder.state} on ${where} and may be using its volume`, {
      hint: isAway ? `if ${where} will never be back: \`cube nodes rm ${where}\`, then release it` : `\`cube stop ${claim.job}\` first`,
    });
  }
  leader.ledger.removeClaim(slot);
  for (const task of leader.state.tasksOf(claim.job)) if (task.slot === slot && task.state === 'pending') leader.askAnew(task);
  return view;
}
