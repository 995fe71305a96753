/** The manager's state as a file. */
import type { Control } from '../../ports/control.ts';
import type { NodeInfo } from '../deps.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';

/** The route that `cube backup` reads. Admin only: job files are in it, and what secrets their `env` holds. */
export function backupRoutes(control: Control, info: NodeInfo): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/backup',
      need: 'admin',
      says: 'All that the manager has on disk, between two commits, as a file for `cube restore`',
      answers: {
        200: { says: 'the file; one that was cut short is refused by `cube restore`', schema: 'Text', types: ['application/octet-stream'] },
      },
      handle: () => ({ kind: 'bytes', contentType: 'application/octet-stream', open: () => control.backup(info.version) }),
    }),
  ];
}
