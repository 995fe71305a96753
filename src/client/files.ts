/** Secrets and configs, as a client asks for them. */
import type { FileJson, FileSetJson } from '../core/file-view.ts';
import type { SetKind } from '../core/files.ts';
import { call, path } from './call.ts';
import type { ClientDeps } from './call.ts';

/** The functions of a client about secrets and configs. */
export function fileCalls(deps: ClientDeps) {
  return {
    /** Secrets, or configs; never what they hold. */
    files: async (kind: SetKind) => (await call(deps, 'GET', `/v1/${kind}s`)) as readonly FileJson[],
    /** Sets a secret or a config. @param value in base64 @throws CubeError `usage`, `too-large` */
    setFile: async (kind: SetKind, name: string, value: string) =>
      (await call(deps, 'PUT', `/v1/${kind}s/${path`${name}`}`, { body: { value } })) as FileSetJson,
    /** Removes a secret or a config. @throws CubeError `not-found`, `conflict` while a job uses it */
    removeFile: async (kind: SetKind, name: string) => (await call(deps, 'DELETE', `/v1/${kind}s/${path`${name}`}`)) as FileJson,
  };
}
