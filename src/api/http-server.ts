/** The API behind a plain http.Server, for the node that listens. */
import { createServer, type Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import type { Api } from './index.ts';

/** A server that answers with the API; it does not listen yet, and upgrades are its owner's. */
export function createHttpServer(api: Pick<Api, 'fetch'>): Server {
  return createAdaptorServer({ fetch: api.fetch, createServer }) as Server;
}
