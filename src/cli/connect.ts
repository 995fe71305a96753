/** The client of the node that is meant. */
import { randomUUID } from 'node:crypto';
import { createClient } from '../client/index.ts';
import type { Client } from '../client/index.ts';
import { nodeRequester } from '../client/node-request.ts';
import type { Limits } from '../core/limits.ts';
import type { Context } from './command.ts';
import { findTarget } from './target.ts';
import type { Target } from './target.ts';

export type { Client } from '../client/index.ts';

/** A client of a node. Nothing is sent yet. */
export function clientOf(target: Target, limits: Limits): Client {
  return createClient({ request: nodeRequester({ ...target, limits }), newId: () => randomUUID(), limits });
}

/** A client of the node that is meant. Nothing is sent yet. */
export async function connect(context: Pick<Context, 'global' | 'env' | 'limits'>): Promise<Client> {
  return clientOf(await findTarget(context), context.limits);
}
