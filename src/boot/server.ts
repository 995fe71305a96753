/** The node's one HTTP server: requests go to the API, WebSocket upgrades by path to the link or the inspector's feed. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { createHttpServer, type Api } from '../api/index.ts';
import { asCubeError, CubeError, problem } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Log } from '../ports/ambient.ts';
import { createWebSocketServer, linkPath, serveFeed, type FeedSource, type WebSocket } from '../transport/index.ts';

/** What the server serves. */
export interface ServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly api: Api;
  readonly limits: Limits;
  readonly log: Log;
  /** Takes a worker's or manager's link. @throws CubeError when none is wanted now */
  readonly onLink: (socket: WebSocket, peer: string) => void;
  /** Whether links are taken now. */
  readonly takesLinks: () => boolean;
  readonly feed: FeedSource;
}

/** A server that listens. */
export interface NodeServer {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Listens. @throws CubeError `conflict` when the port is taken */
export async function startServer(options: ServerOptions): Promise<NodeServer> {
  const { api, limits, log, listen } = options;
  const sockets = createWebSocketServer({ limits, log });
  const server = createHttpServer(api);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    takeUpgrade(options, sockets, request, socket, head).catch((thrown: unknown) => {
      log.debug('an upgrade failed', { reason: asCubeError(thrown).message });
    });
  });
  await listening(server, listen);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : listen.port;
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  return {
    url: `http://${host}:${port}`,
    port,
    async close() {
      api.close();
      await sockets.close('the node stops');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), limits.shutdownMs);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}

async function takeUpgrade(
  options: ServerOptions,
  sockets: ReturnType<typeof createWebSocketServer>,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const { api, limits, log, feed } = options;
  const path = (request.url ?? '').split('?', 1)[0];
  const isLink = path === linkPath;
  const allowed = api.authorize(request, isLink ? 'join' : 'viewer');
  if (allowed instanceof CubeError) return sockets.refuseWith(socket, allowed);
  if (!isLink && path !== '/v1/inspect') return sockets.refuseWith(socket, problem('not-found', `there is no WebSocket at ${path}`));
  if (isLink && !options.takesLinks()) return sockets.refuseWith(socket, problem('not-leading', 'this node takes no links now'));
  const webSocket = await sockets.upgrade(request, socket, head, isLink ? 'link' : 'feed');
  const peer = `${request.socket.remoteAddress}:${request.socket.remotePort}`;
  if (isLink) options.onLink(webSocket, peer);
  else serveFeed(webSocket, { limits, log, source: feed });
}

function listening(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const hint = 'give another address with --listen';
      if (error.code === 'EADDRINUSE') reject(problem('conflict', `${host}:${port} is taken by another process`, { hint, cause: error }));
      else reject(problem('usage', `${host}:${port} cannot be listened on: ${error.message}`, { hint, cause: error }));
    });
    server.listen(port, host, () => resolve());
  });
}
