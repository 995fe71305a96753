/**
 * Losses: what follows when a manager's store lost what it had acknowledged, by damage or because a backup was put back. From then
 * on a task that the manager does not know may be one that it has forgotten. Kept in the store, for a node may come back late.
 */
import { problem } from '../../src/core/errors.ts';
import { compareEpochs, epochText, type Epoch } from '../../src/core/events.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Log } from '../../src/ports/ambient.ts';
import type { Loaded, Put, Removal } from '../../src/ports/store.ts';
import type { ClusterIdentity } from './leader.ts';

/** Left by a restore for the next leader. */
export interface Restored {
  /** When the backup was made, ISO 8601. */
  readonly createdAt: string;
  /** The last commit in it. */
  readonly revision: number;
}

/** What is kept of losses. */
export interface Losses {
  /** The first leadership after the last loss: orders of every earlier one may be forgotten. */
  readonly epoch: Epoch;
  /** Why, in a sentence. */
  readonly why: string;
  /** Damage that was told already: a damaged record stays where it is, and must not count as a new loss each time. */
  readonly known: readonly string[];
}

/** How a leadership begins: its place after the earlier ones, and what is to be written down with it. */
export interface Succession {
  readonly identity: ClusterIdentity | undefined;
  readonly epoch: Epoch;
  readonly losses: Losses | undefined;
  readonly puts: readonly Put[];
  readonly removals: readonly Removal[];
}

/**
 * Looks at what was loaded: a loss is said, and raises the generation, so that no epoch is used a second time.
 * @param outrun an epoch that a worker has seen, and the store does not know of
 * @throws CubeError `store-failed` when the store has lost which cluster it is of
 */
export function succession(loaded: Loaded, outrun: Epoch | undefined, log: Log, limits: Pick<Limits, 'damageKnownMax'>): Succession {
  const meta = loaded.records.get('meta');
  const identity = meta?.get('identity') as ClusterIdentity | undefined;
  const kept = meta?.get('losses') as Losses | undefined;
  const restored = meta?.get('restored') as Restored | undefined;
  const known = new Set(kept?.known);
  const damage = loaded.damage.filter((sentence) => !known.has(sentence));
  for (const sentence of damage) log.error(`the store is damaged: ${sentence}`);
  if (identity === undefined && loaded.damage.length > 0) {
    throw problem('store-failed', `the manager's store is damaged and has lost which cluster it is of (${loaded.damage[0]}); ${whatToDo}`);
  }
  const why = lossOf(damage, restored, outrun);
  const generation = (identity?.epoch.generation ?? 1) + (damage.length > 0 ? 1 : 0);
  const epoch = { generation: Math.max(generation, (outrun?.generation ?? -1) + 1), revision: (identity?.epoch.revision ?? 0) + 1 };
  if (why === undefined) return { identity, epoch, losses: kept, puts: [], removals: [] };
  const losses: Losses = { epoch, why, known: loaded.damage.slice(0, limits.damageKnownMax) };
  const removals: readonly Removal[] = restored ? [{ kind: 'meta', key: 'restored' }] : [];
  return { identity, epoch, losses, puts: [{ kind: 'meta', key: 'losses', value: losses }], removals };
}

const whatToDo = 'put back a backup with `cube restore FILE --force`, or start anew with another --data; containers go on meanwhile';

function lossOf(damage: readonly string[], restored: Restored | undefined, outrun: Epoch | undefined): string | undefined {
  if (restored) return `a backup of ${restored.createdAt} was put back`;
  if (outrun) return `a worker has seen epoch ${epochText(outrun)}, which the store does not know`;
  return damage.length > 0 ? `the store was damaged: ${damage[0]}` : undefined;
}

/** Whether a worker that saw this epoch last may have orders that are forgotten. */
export function mayHaveForgotten(losses: Losses | undefined, seen: Epoch | null): boolean {
  return losses !== undefined && (seen === null || compareEpochs(seen, losses.epoch) < 0);
}
