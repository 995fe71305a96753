/** Calls about volumes. Part of the client. */
import type { VolumeJson } from '../core/volume-view.ts';
import { call, path } from './call.ts';
import type { ClientDeps } from './call.ts';

/** What a client can ask about volumes. */
export function volumeCalls(deps: ClientDeps) {
  return {
    /** On which nodes the data of slots is. */
    volumes: async () => (await call(deps, 'GET', '/v1/volumes')) as readonly VolumeJson[],
    /** Forgets where a slot's data is; removes nothing. @throws CubeError `not-found`, `conflict` while a task may use it */
    releaseVolume: async (slot: string) => (await call(deps, 'POST', path`/v1/volumes/${slot}/release`, { body: {} })) as VolumeJson,
  };
}
