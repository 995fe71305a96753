/** What one look at a container tells, in the port's terms. */
import { label } from '../../core/ids.ts';
import type { Log } from '../../ports/ambient.ts';
import type { Found, Started } from '../../ports/runtime.ts';
import type { Digests } from './digests.ts';
import { engineTime, exitOf, hasCheck, stateOf } from './state.ts';
import type { Inspected } from './state.ts';

/** What is known from its start on, or undefined if it never started. */
export async function startedOf(found: Inspected, digests: Digests): Promise<Started | undefined> {
  const startedAt = engineTime(found.State.StartedAt);
  return startedAt === undefined ? undefined : { startedAt, digest: await digests.of(found), hasCheck: hasCheck(found) };
}

/** A container as the port lists it; undefined for one that is being removed, or does not say whose it is. */
export async function foundOf(found: Inspected, digests: Digests, log: Log): Promise<Found | undefined> {
  const labels = found.Config.Labels ?? {};
  const taskId = labels[label.id];
  const attempt = Number(labels[label.attempt]);
  if (taskId === undefined || !Number.isInteger(attempt)) {
    log.warn('a container carries labels of this node, but not whose it is', { container: found.Id });
    return undefined;
  }
  const state = stateOf(found.State.Status);
  if (!state) return undefined;
  const startedAt = engineTime(found.State.StartedAt);
  const exit = exitOf(found);
  return {
    ref: { id: found.Id, name: found.Name.replace(/^\//, '') },
    taskId,
    ...(labels[label.slot] === undefined ? {} : { slot: labels[label.slot]! }),
    attempt,
    state,
    createdAt: engineTime(found.Created) ?? 0,
    ...(startedAt === undefined ? {} : { startedAt }),
    digest: await digests.of(found),
    hasCheck: hasCheck(found),
    ...(exit === undefined ? {} : { exit }),
  };
}
