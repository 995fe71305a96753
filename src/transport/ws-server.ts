/** The server's end of WebSocket upgrades: takes them over from the http server, or refuses them with a proper HTTP answer. */
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import { errorBody, problem, type CubeError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Log } from '../ports/ambient.ts';
import { clipReason } from './ws-link.ts';

/** What a socket is for: links carry big messages, a command's client its input, a feed's client has next to nothing to say. */
export type SocketKind = 'link' | 'feed' | 'exec';

/** Takes WebSocket upgrades. */
export interface UpgradeServer {
  /**
   * Finishes the handshake. The socket comes paused, so that no message is lost before somebody listens: `acceptLink`,
   * `serveFeed` and an `ExecServer` resume it, whoever else takes it must.
   * @throws CubeError `usage` when it is no proper handshake (answered with 400), `unreachable` when the client went away
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, kind?: SocketKind): Promise<WebSocket>;
  /** Answers with a status and a line of text, and closes. */
  refuse(socket: Duplex, status: number, message: string): void;
  /** Answers with an error of the table as JSON (CLI.md), and closes. */
  refuseWith(socket: Duplex, error: CubeError): void;
  /** Takes no more, says goodbye to all, and waits until they are gone, at most `linkCloseMs`. */
  close(why: string): Promise<void>;
  /** Sockets open now. */
  readonly size: number;
}

const goingAway = 1001;

function answer(socket: Duplex, status: number, type: string, body: string, headers: Readonly<Record<string, string>>): void {
  const bytes = Buffer.from(body);
  const all = { ...headers, 'Content-Type': type, 'Content-Length': String(bytes.length), Connection: 'close' };
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`,
    ...Object.entries(all).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.once('finish', () => socket.destroy());
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  socket.end(bytes);
}

/** Closes one of ws' servers: it takes no more, its sockets get a goodbye, and after `closeTimeout` ws drops what is left. */
function closeServer(server: WebSocketServer, why: string): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const client of server.clients) {
      // A paused socket would never see its peer's goodbye.
      client.resume();
      client.close(goingAway, clipReason(why));
    }
  });
}

/** A server for upgrades. It listens nowhere: the http server's owner calls it. */
export function createWebSocketServer(options: {
  readonly limits: Pick<Limits, 'frameBytesMax' | 'feedMessageBytesMax' | 'execMessageBytesMax' | 'linkCloseMs' | 'retryAfterMs'>;
  readonly log: Log;
}): UpgradeServer {
  const { limits, log } = options;
  const waiting = new WeakMap<Duplex, (error: CubeError) => void>();

  const quiet = (socket: Duplex) => socket.on('error', (error) => log.debug('a socket failed while it was refused', { error }));
  const refuse = (socket: Duplex, status: number, message: string) => {
    quiet(socket);
    answer(socket, status, 'text/plain; charset=utf-8', `${message}\n`, {});
  };
  const server = (maxPayload: number) => {
    const settings: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      clientTracking: true,
      perMessageDeflate: false,
      maxPayload,
      closeTimeout: limits.linkCloseMs,
    };
    const made = new WebSocketServer(settings);
    made.on('wsClientError', (error, socket) => {
      refuse(socket, 400, error.message);
      waiting.get(socket)?.(problem('usage', `no proper WebSocket handshake: ${error.message}`));
    });
    return made;
  };
  const servers: Readonly<Record<SocketKind, WebSocketServer>> = {
    link: server(limits.frameBytesMax),
    feed: server(limits.feedMessageBytesMax),
    exec: server(limits.execMessageBytesMax),
  };

  return {
    upgrade: (request, socket, head, kind = 'link') =>
      new Promise((resolve, reject) => {
        const gone = () => reject(problem('unreachable', 'the client went away during the handshake'));
        if (socket.destroyed) return gone();
        socket.once('close', gone);
        waiting.set(socket, reject);
        servers[kind].handleUpgrade(request, socket, head, (webSocket) => {
          socket.off('close', gone);
          webSocket.pause();
          webSocket.on('error', (error) => log.debug('a WebSocket failed', { error }));
          resolve(webSocket);
        });
      }),
    refuse,
    refuseWith(socket, error) {
      quiet(socket);
      const wait = String(Math.ceil(limits.retryAfterMs / 1000));
      const headers: Record<string, string> = {};
      if (error.row.status === 429) headers['Retry-After'] = wait;
      if (error.row.status === 401) headers['WWW-Authenticate'] = 'Bearer';
      answer(socket, error.row.status, 'application/json', JSON.stringify(errorBody(error)), headers);
    },
    async close(why) {
      await Promise.all(Object.values(servers).map((each) => closeServer(each, why)));
    },
    get size() {
      return Object.values(servers).reduce((sum, each) => sum + each.clients.size, 0);
    },
  };
}
