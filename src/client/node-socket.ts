/** WebSockets through ws. Loaded when the first one is opened, because the CLI must start fast. */
import type { IncomingMessage } from 'node:http';
import { WebSocket, type ClientOptions, type RawData } from 'ws';
import { problem, type CubeError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import { MessageQueue } from '../core/message-queue.ts';
import { errorIn, errorOfStatus } from './errors.ts';
import { reasonOf } from './node-request.ts';
import type { ClientSocket } from './socket.ts';

/** Where to, and with what. */
export interface NodeSocketOptions {
  /** Origin of the node: `http://127.0.0.1:5555`. */
  readonly url: string;
  readonly path: string;
  readonly token: string | undefined;
  readonly signal: AbortSignal;
  readonly limits: Pick<Limits, 'clientConnectMs' | 'execBufferBytesMax' | 'frameBytesMax' | 'linkCloseMs'>;
}

const normalClosure = 1000;
const noReason = 1005;

/** The error of a refused handshake, from its body. */
async function refusal(response: IncomingMessage): Promise<CubeError> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString('utf8');
  const status = response.statusCode ?? 0;
  if (!response.headers['content-type']?.startsWith('application/json')) return errorOfStatus(status, text);
  return errorIn(JSON.parse(text)) ?? errorOfStatus(status, text);
}

function socketOf(webSocket: WebSocket, bytesMax: number): ClientSocket {
  const messages = new MessageQueue(bytesMax, webSocket);
  let closedWhy: string | undefined;
  webSocket.on('message', (data: RawData, isBinary: boolean) => messages.push({ bytes: data as Buffer, isBinary }));
  webSocket.once('close', (code, reason) => {
    const usual = code === normalClosure || code === noReason ? 'the node closed it' : 'the connection was lost';
    closedWhy = reason.length > 0 ? reason.toString() : usual;
    messages.end();
  });
  return {
    messages,
    send: (message) =>
      new Promise((resolve) => {
        webSocket.send(message, () => resolve());
        if (webSocket.bufferedAmount <= bytesMax) resolve();
      }),
    close() {
      // A paused socket would never see its peer's goodbye.
      messages.drop();
      webSocket.close(normalClosure);
    },
    get closedWhy() {
      return closedWhy;
    },
  };
}

/** Opens a WebSocket. @throws CubeError of the node, `unreachable`; the signal's reason */
export function openSocket(options: NodeSocketOptions): Promise<ClientSocket> {
  const { url, path, token, signal, limits } = options;
  const settings: ClientOptions & { closeTimeout: number } = {
    perMessageDeflate: false,
    maxPayload: limits.frameBytesMax,
    handshakeTimeout: limits.clientConnectMs,
    closeTimeout: limits.linkCloseMs,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  };
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const webSocket = new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, settings);
    const onAbort = () => {
      reject(signal.reason as Error);
      webSocket.terminate();
    };
    const leave = () => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    // Within the event: the first message may lie in the same packet as the answer.
    webSocket.once('open', () => {
      leave();
      resolve(socketOf(webSocket, limits.execBufferBytesMax));
    });
    webSocket.once('unexpected-response', (_request, response) => {
      refusal(response)
        .then(reject, (thrown: Error) =>
          reject(problem('unreachable', `${url} broke off its answer: ${thrown.message}`, { cause: thrown })),
        )
        .finally(() => {
          leave();
          webSocket.terminate();
        });
    });
    // Stays for the socket's life: what breaks later is told by its close.
    webSocket.on('error', (error) => {
      leave();
      reject(problem('unreachable', `cannot reach ${url}: ${reasonOf(error)}`, { cause: error }));
    });
  });
}
