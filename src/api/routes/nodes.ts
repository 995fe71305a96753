/** The cluster's nodes: look, forget, say what they get. */
import { problem } from '../../core/errors.ts';
import { nodeJson } from '../../core/views.ts';
import type { Control } from '../../ports/control.ts';
import { inBody } from '../fields.ts';
import { json, route } from '../route.ts';
import type { Route } from '../route.ts';

const node = { 200: { says: 'the node', schema: 'Node' } } as const;

/** The routes of the cluster's nodes. In their paths is a node's id, its name, or a unique beginning of its id. */
export function hostRoutes(control: Control): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/nodes',
      need: 'viewer',
      says: 'All nodes',
      answers: { 200: { says: 'the nodes', schema: 'Nodes' } },
      handle: async () => json((await control.nodes()).map(nodeJson)),
    }),
    route({
      method: 'DELETE',
      path: '/v1/nodes/{id}',
      need: 'admin',
      says: 'Forgets a node that is gone for good: its tasks are replaced elsewhere; refused while it is connected',
      answers: { 200: { says: 'the node as it was', schema: 'Node' } },
      handle: async ({ params }) => json(nodeJson(await control.removeNode(params['id']!))),
    }),
    route({
      method: 'POST',
      path: '/v1/nodes/{id}/eligible',
      need: 'admin',
      says: 'Says whether a node gets new tasks; what runs there stays',
      body: { eligible: inBody.flag('whether it does') },
      answers: node,
      handle: async ({ params, body }) => {
        if (body.eligible === undefined) throw problem('usage', 'the body needs "eligible": true or false');
        return json(nodeJson(await control.setEligible(params['id']!, body.eligible)));
      },
    }),
    route({
      method: 'POST',
      path: '/v1/nodes/{id}/labels',
      need: 'admin',
      says: "Changes a node's labels; that holds over its restarts, whatever its own --label says",
      body: { set: inBody.texts('labels to give to it'), remove: inBody.words('names of labels to take from it') },
      answers: node,
      handle: async ({ params, body: { set = {}, remove = [] } }) =>
        json(nodeJson(await control.setLabels(params['id']!, { set, remove }))),
    }),
  ];
}
