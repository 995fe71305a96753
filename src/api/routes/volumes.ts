/** Volumes: on which nodes the data of slots is, and letting go of it. */
import { volumeJson } from '../../core/volume-view.ts';
import type { Control } from '../../ports/control.ts';
import { json, route } from '../route.ts';
import type { Route } from '../route.ts';

/** The routes of volumes. */
export function volumeRoutes(control: Control): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/volumes',
      need: 'viewer',
      says: 'The slots that have data in volumes, and the nodes where it is',
      answers: { 200: { says: 'the slots', schema: 'Volumes' } },
      handle: async () => json((await control.volumes()).map(volumeJson)),
    }),
    route({
      method: 'POST',
      path: '/v1/volumes/{slot}/release',
      need: 'admin',
      says: 'Forgets on which node the data of a slot (`shop%2Fdb.1`) is, so that it begins anew anywhere; removes nothing there',
      answers: { 200: { says: 'what it was', schema: 'Volume' } },
      handle: async ({ params }) => json(volumeJson(await control.releaseVolume(params['slot']!))),
    }),
  ];
}
