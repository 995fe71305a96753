/** A node as the page sees one: its files, a login, tickets, and a feed that a test scripts. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { limitsDefault } from '../../src/core/limits.ts';
import type { InspectFeed } from '../../src/inspector/feed.ts';
import { pageFile } from '../../src/inspector/page-files.ts';
import { createWebSocketServer, serveFeed } from '../../src/transport/index.ts';
import { keptLog } from '../transport/fixtures.ts';

/** As src/api/page.ts has it. */
const policy = (host: string): string =>
  `default-src 'self'; connect-src 'self' ws://${host} wss://${host}; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

export class PageServer {
  readonly url: string;
  /** What was asked for: `GET /`. */
  readonly asked: string[] = [];
  /** Answers every request with 503 while it is set, and takes no feed. */
  isDown = false;
  readonly #close: () => Promise<void>;
  readonly #sockets = new Set<WebSocket>();
  readonly #tickets = new Set<string>();
  readonly #tokens = new Set<string>();
  #ids = 0;

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.#close = close;
  }

  static async start(feed: InspectFeed): Promise<PageServer> {
    const log = keptLog();
    const sockets = createWebSocketServer({ limits: limitsDefault, log });
    const web = createServer();
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    const server = new PageServer(`http://127.0.0.1:${(web.address() as AddressInfo).port}`, async () => {
      await sockets.close('the test is over');
      web.closeAllConnections();
      web.close();
    });
    web.on('request', (request: IncomingMessage, response: ServerResponse) => void server.#answer(request, response));
    web.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const ticket = new URL(request.url ?? '', server.url).searchParams.get('ticket') ?? '';
      if (server.isDown || !server.#tickets.delete(ticket)) return void socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
      void sockets.upgrade(request, socket, head, 'feed').then((webSocket) => {
        server.#sockets.add(webSocket);
        serveFeed(webSocket, { limits: limitsDefault, log, source: feed });
      });
    });
    return server;
  }

  /** The page's address with a login that works once. */
  inviteUrl(): string {
    return `${this.url}/#ticket=${this.#ticket()}`;
  }

  /** Breaks all feeds off. */
  breakFeeds(): void {
    for (const socket of this.#sockets) socket.terminate();
    this.#sockets.clear();
  }

  /** Ends all logins. */
  forgetLogins(): void {
    this.#tokens.clear();
  }

  close(): Promise<void> {
    return this.#close();
  }

  #ticket(): string {
    const ticket = `ticket-${++this.#ids}`;
    this.#tickets.add(ticket);
    return ticket;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    this.asked.push(`${request.method} ${pathname}`);
    const say = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (this.isDown) return say(503, { error: { code: 'not-leading', message: 'this node is down' } });
    const file = request.method === 'GET' ? await pageFile(pathname) : undefined;
    if (file !== undefined) {
      const host = request.headers.host ?? '';
      response.writeHead(200, { 'content-type': file.contentType, 'content-security-policy': policy(host) }).end(file.body);
      return;
    }
    if (pathname === '/v1/login') {
      if (!this.#tickets.delete(searchParams.get('ticket') ?? '')) {
        return say(401, { error: { code: 'unauthorized', message: 'the ticket is used up, too old or unknown' } });
      }
      const token = `token-${++this.#ids}`;
      this.#tokens.add(token);
      return say(200, { token, scope: 'admin' });
    }
    if (!this.#tokens.has(/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '')) {
      return say(401, { error: { code: 'unauthorized', message: 'a token is needed' } });
    }
    if (pathname === '/v1/tickets') return say(200, { ticket: this.#ticket(), scope: 'viewer', expiresAt: '' });
    if (pathname === '/v1/info') {
      return say(200, {
        version: '0.1.0',
        clusterId: 'c',
        nodeId: 'n1',
        name: 'bar',
        role: 'manager,worker',
        openLoopback: false,
        scope: 'admin',
      });
    }
    return say(404, { error: { code: 'not-found', message: 'there is nothing here' } });
  }
}
