/** A real http server on loopback that takes links, refuses some, and leaves some without an answer. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Limits } from '../../src/core/limits.ts';
import type { Link } from '../../src/ports/transport.ts';
import { acceptLink, createWebSocketServer, createWsDialer, type UpgradeServer } from '../../src/transport/index.ts';
import type { LinkHarness } from '../contracts/link.ts';
import { keptLog } from './fixtures.ts';

/** A WebSocket handshake, for a client that is none of ours. */
export const handshake = `${[
  'GET /v1/link HTTP/1.1',
  'Host: x',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
].join('\r\n')}\r\n\r\n`;

export interface WsHarness extends LinkHarness {
  readonly port: number;
  readonly log: ReturnType<typeof keptLog>;
  readonly sockets: UpgradeServer;
  /** Authorization headers, in the order in which they came. */
  readonly credentials: (string | undefined)[];
  /** The server's socket of the link that was accepted last. */
  lastSocket(): WebSocket;
  /** The next link somebody opens, to be asked for before it is. */
  accepted(): Promise<Link>;
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A port of which it is known that nobody listens there: one that was free a moment ago. */
async function deadPort(): Promise<number> {
  const server = createTcpServer();
  const port = await listen(server);
  server.close();
  await once(server, 'close');
  return port;
}

/** Servers by what they do with an upgrade: take it, or answer a status. */
export async function wsHarness(limits: Limits): Promise<WsHarness> {
  const log = keptLog();
  const sockets = createWebSocketServer({ limits, log });
  const waits: ((link: Link) => void)[] = [];
  const credentials: (string | undefined)[] = [];
  let last: WebSocket | undefined;

  const take = async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    credentials.push(request.headers.authorization);
    last = await sockets.upgrade(request, socket, head);
    const link = acceptLink(last, { limits, log, peer: 'test' });
    waits.shift()?.(link);
  };
  const web = createServer();
  web.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    take(request, socket, head).catch((error: unknown) => log.error('upgrade failed', { error }));
  });
  const refusing = (status: number) =>
    createServer().on('upgrade', (_request, socket: Duplex) => sockets.refuse(socket, status, 'go away'));
  const hanging: Socket[] = [];
  const silent = createTcpServer((socket) => hanging.push(socket));
  const servers = [web, refusing(401), refusing(403), silent];
  const ports = await Promise.all(servers.map(listen));
  const [good, unauthorized, forbidden, quiet] = ports.map((port) => `http://127.0.0.1:${port}`);
  const dialer = createWsDialer({ limits, log, token: () => 'secret-of-the-test' });

  const accepted = () => new Promise<Link>((resolve) => waits.push(resolve));
  return {
    dialer,
    port: ports[0]!,
    log,
    sockets,
    credentials,
    urls: { good: good!, unauthorized: unauthorized!, forbidden: forbidden!, silent: quiet!, dead: `http://127.0.0.1:${await deadPort()}` },
    lastSocket: () => last!,
    accepted,
    async connect() {
      const far = accepted();
      const near = await dialer.dial(good!, new AbortController().signal);
      return { near, far: await far };
    },
    async close() {
      await sockets.close('the test is over');
      for (const socket of hanging) socket.destroy();
      const closed = servers.map((server) => once(server, 'close'));
      for (const server of servers) server.close();
      await Promise.all(closed);
    },
  };
}
