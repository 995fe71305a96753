/** The client of the node that is meant. */
import { createClient } from '../client/index.ts';
import type { Client, Connector } from '../client/index.ts';
import { nodeRequester } from '../client/node-request.ts';
import type { Limits } from '../core/limits.ts';
import type { Context } from './command.ts';
import { findTarget } from './target.ts';
import type { Target } from './target.ts';

export type { Client } from '../client/index.ts';

/** The global `crypto` is made when it is first used: node:crypto would cost every `cube status` some milliseconds. */
const newId = (): string => globalThis.crypto.randomUUID();

/** A client of a node. Nothing is sent yet. */
export function clientOf(target: Target, limits: Limits): Client {
  const open: Connector = async (path, signal) =>
    (await import('../client/node-socket.ts')).openSocket({ ...target, limits, path, signal });
  return createClient({ request: nodeRequester({ ...target, limits }), connect: open, newId, limits });
}

/** A client of the node that is meant. Nothing is sent yet. */
export async function connect(context: Pick<Context, 'global' | 'env' | 'limits'>): Promise<Client> {
  return clientOf(await findTarget(context), context.limits);
}
