/** Calls about what tasks are given to keep and to read: volumes, secrets, configs. Part of the client. */
import type { FileJson, FileSetJson } from '../core/file-view.ts';
import type { SetKind } from '../core/files.ts';
import type { VolumeJson } from '../core/volume-view.ts';
import { call, path } from './call.ts';
import type { ClientDeps } from './call.ts';

/** What a client can ask about them. */
export function storageCalls(deps: ClientDeps) {
  return {
    /** On which nodes the data of slots is. */
    volumes: async () => (await call(deps, 'GET', '/v1/volumes')) as readonly VolumeJson[],
    /** Forgets where a slot's data is; removes nothing. @throws CubeError `not-found`, `conflict` while a task may use it */
    releaseVolume: async (slot: string) => (await call(deps, 'POST', path`/v1/volumes/${slot}/release`, { body: {} })) as VolumeJson,
    /** Secrets, or configs; never what they hold. */
    files: async (kind: SetKind) => (await call(deps, 'GET', `/v1/${kind}s`)) as readonly FileJson[],
    /** Sets a secret or a config. @param value in base64 @throws CubeError `usage`, `too-large` */
    setFile: async (kind: SetKind, name: string, value: string) =>
      (await call(deps, 'PUT', `/v1/${kind}s/${path`${name}`}`, { body: { value } })) as FileSetJson,
    /** Removes a secret or a config. @throws CubeError `not-found`, `conflict` while a job uses it */
    removeFile: async (kind: SetKind, name: string) => (await call(deps, 'DELETE', `/v1/${kind}s/${path`${name}`}`)) as FileJson,
  };
}
