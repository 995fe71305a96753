/** Opening a role's store: whether somebody else holds it is to be known before anything starts. */
import { asCubeError } from '../core/errors.ts';
import type { Store } from '../ports/store.ts';
import { heldBy, type DataDirectory } from './data-directory.ts';

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
    close: () => store.close(),
  };
}
