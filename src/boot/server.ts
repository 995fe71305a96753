/** The node's one HTTP server: requests go to the API, WebSocket upgrades by path to the link, a command or the inspector's feed. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { createHttpServer, type Api } from '../api/index.ts';
import { asCubeError, CubeError, problem } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Clock, Log } from '../ports/ambient.ts';
import type { Scope } from '../ports/auth.ts';
import type { Control } from '../ports/control.ts';
import * as transport from '../transport/index.ts';
import type { ExecServer, FeedSource, UpgradeServer, WebSocket } from '../transport/index.ts';

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
  readonly clock: Clock;
  /** The manager, which runs commands in tasks; undefined on a node that only works. */
  readonly control: Pick<Control, 'exec'> | undefined;
}

/** The paths of WebSockets: what each is for, and what it takes to open it. */
const paths: Readonly<Record<string, { readonly kind: 'link' | 'exec' | 'feed'; readonly need: Scope }>> = {
  [transport.linkPath]: { kind: 'link', need: 'join' },
  '/v1/exec': { kind: 'exec', need: 'admin' },
  '/v1/inspect': { kind: 'feed', need: 'viewer' },
};

/** A server that listens. */
export interface NodeServer {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Listens. @throws CubeError `conflict` when the port is taken */
export async function startServer(options: ServerOptions): Promise<NodeServer> {
  const { api, limits, log, listen } = options;
  const sockets = transport.createWebSocketServer({ limits, log });
  const door: Door = { options, sockets, execs: execServer(options) };
  const server = createHttpServer(api);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    takeUpgrade(door, request, socket, head).catch((thrown: unknown) => {
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

interface Door {
  readonly options: ServerOptions;
  readonly sockets: UpgradeServer;
  readonly execs: ExecServer | undefined;
}

function execServer({ control, limits, clock, log }: ServerOptions): ExecServer | undefined {
  if (control === undefined) return undefined;
  const run: transport.ExecSource = ({ task, ...what }, input, signal) => control.exec(task, { ...what, input, signal });
  return transport.createExecServer({ limits, clock, log, run });
}

/** Why an upgrade is refused, after its credential was found good; undefined when it is not. */
function refusalOf({ options, execs }: Door, kind: 'link' | 'exec' | 'feed' | undefined, path: string): CubeError | undefined {
  if (kind === undefined) return problem('not-found', `there is no WebSocket at ${path}`);
  if (kind === 'link' && !options.takesLinks()) return problem('not-leading', 'this node takes no links now');
  if (kind === 'exec' && execs === undefined) return problem('not-found', 'this node is a worker; commands are run through its manager');
  return kind === 'exec' ? execs?.refusal() : undefined;
}

async function takeUpgrade(door: Door, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const { options, sockets, execs } = door;
  const { api, limits, log, feed } = options;
  const path = (request.url ?? '').split('?', 1)[0]!;
  const known = Object.hasOwn(paths, path) ? paths[path] : undefined;
  const allowed = api.authorize(request, known?.need ?? 'viewer');
  if (allowed instanceof CubeError) return sockets.refuseWith(socket, allowed);
  const refusal = refusalOf(door, known?.kind, path);
  if (refusal) return sockets.refuseWith(socket, refusal);
  const webSocket = await sockets.upgrade(request, socket, head, known!.kind);
  const peer = `${request.socket.remoteAddress}:${request.socket.remotePort}`;
  if (known!.kind === 'link') return options.onLink(webSocket, peer);
  if (known!.kind === 'feed') return transport.serveFeed(webSocket, { limits, log, source: feed });
  // A host that vanished without a word is noticed by the kernel.
  request.socket.setKeepAlive(true, limits.execPingMs);
  return execs?.serve(webSocket);
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
