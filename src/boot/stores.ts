/** Opening a role's store: whether somebody else holds it is to be known before anything starts. */
import { asCubeError } from '../core/errors.ts';
import type { Store } from '../ports/store.ts';
import type { Limits } from '../core/limits.ts';
import type { Log } from '../ports/ambient.ts';
import { openLevelStore } from '../store/level.ts';
import { heldBy, type DataDirectory } from './data-directory.ts';
import { withStoreSteps } from './steps.ts';

/**
 * Opens a store and reads it once; the first `load` of whoever gets it is answered from that.
 * @throws CubeError `data-held` that names the holder, `store-failed`
 */
export async function openFirst(store: Store, directory: DataDirectory): Promise<Store> {
  let first;
  try {
    first = await store.load();
  } catch (thrown) {
    await store.close();
    throw await heldBy(directory, asCubeError(thrown, 'store-failed'));
  }
  let fresh: typeof first | undefined = first;
  return {
    load: () => {
      const loaded = fresh;
      fresh = undefined;
      return loaded ? Promise.resolve(loaded) : store.load();
    },
    commit: (batch) => store.commit(batch),
    range: (kind, from, limit) => store.range(kind, from, limit),
    backup: (about) => store.backup(about),
    close: () => store.close(),
  };
}

/** What to do when a role's store is damaged. Containers go on meanwhile. */
const repairs: Readonly<Record<'manager' | 'worker', (directory: string) => string>> = {
  manager: () => 'put back a backup with `cube restore FILE --force`, or start anew with another --data',
  worker: (directory) =>
    `move ${directory} away and start the node again: it finds its containers by their labels, and its manager knows the rest`,
};

/** The store of a role. Nothing is opened before `load`. */
export function roleStore(role: 'manager' | 'worker', directory: string, parts: { readonly limits: Limits; readonly log: Log }): Store {
  return withStoreSteps(openLevelStore({ directory, ...parts, repair: repairs[role](directory) }), role);
}
