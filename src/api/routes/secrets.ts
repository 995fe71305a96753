/** Secrets and configs: set, listed and removed. What they hold can never be read back here. */
import { fileJson } from '../../core/file-view.ts';
import type { SetKind } from '../../core/files.ts';
import type { Control } from '../../ports/control.ts';
import { inBody } from '../fields.ts';
import { json, route } from '../route.ts';
import type { Route } from '../route.ts';

/** The routes of secrets and of configs, which are the same. */
export function fileRoutes(control: Control): readonly Route[] {
  return (['secret', 'config'] as const).flatMap((kind) => routesOf(control, kind));
}

function routesOf(control: Control, kind: SetKind): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: `/v1/${kind}s`,
      need: 'viewer',
      says: `All ${kind}s by name, with the jobs that use them; never what they hold`,
      answers: { 200: { says: `the ${kind}s`, schema: 'Files' } },
      handle: async () => json((await control.files(kind)).map(fileJson)),
    }),
    route({
      method: 'PUT',
      path: `/v1/${kind}s/{name}`,
      need: 'admin',
      says: `Sets a ${kind}; the services that use it are updated, and the same content again changes nothing`,
      body: { value: inBody.secret('what it holds') },
      answers: { 200: { says: `the ${kind}, and what was done`, schema: 'FileSet' } },
      handle: async ({ params, body: { value } }) => {
        const set = await control.setFile(kind, params['name']!, value);
        return json({ ...fileJson(set), change: set.change });
      },
    }),
    route({
      method: 'DELETE',
      path: `/v1/${kind}s/{name}`,
      need: 'admin',
      says: `Removes a ${kind} with all its versions; refused while a job uses it`,
      answers: { 200: { says: 'what it was', schema: 'File' } },
      handle: async ({ params }) => json(fileJson(await control.removeFile(kind, params['name']!))),
    }),
  ];
}
