/** Opens links to another node: one WebSocket at `/v1/link`, with the credential in a header. */
import { WebSocket, type ClientOptions } from 'ws';
import { problem, type CubeError } from '../core/errors.ts';
import type { FrameOrigin } from '../core/frames.ts';
import type { Limits } from '../core/limits.ts';
import type { Log } from '../ports/ambient.ts';
import type { Dialer, Frame, Link } from '../ports/transport.ts';
import { acceptLink, type LinkLimits } from './ws-link.ts';

/** Where a node takes links. */
export const linkPath = '/v1/link';

/** What a dialer is made with. */
export interface WsDialerOptions {
  readonly limits: LinkLimits & Pick<Limits, 'dialMs' | 'linkCloseMs'>;
  readonly log: Log;
  /** Asked at each dial, so that a renewed token is used. */
  readonly token: () => string | undefined;
  /** Which end is dialled; its frames only are taken. Undefined: both ends' frames. */
  readonly from?: FrameOrigin;
}

/**
 * The WebSocket address of a node's links.
 * @param text `http://host:port`, `https://…`, `ws://…`, `wss://…` or `host:port`
 * @throws CubeError `usage` when it is none of these, or holds a user or password
 */
export function linkUrl(text: string): URL {
  const full = text.includes('://') ? text : `ws://${text}`;
  const hint = 'give an address such as http://192.0.2.7:5555';
  if (!URL.canParse(full)) throw problem('usage', `"${text}" is no address`, { hint });
  const url = new URL(full);
  if (url.username || url.password) throw problem('usage', 'an address holds no user or password', { hint });
  if (!['ws:', 'wss:', 'http:', 'https:'].includes(url.protocol) || url.hostname === '') {
    throw problem('usage', `"${text}" is no address of a node`, { hint });
  }
  url.protocol = url.protocol === 'https:' || url.protocol === 'wss:' ? 'wss:' : 'ws:';
  url.pathname = linkPath;
  url.search = '';
  url.hash = '';
  return url;
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no host of this name',
  EAI_AGAIN: 'the name could not be looked up',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ECONNRESET: 'the connection was reset',
};

/** A socket's failure as words. A name with several addresses fails with one error for each. */
function reasonOf(error: Error, dialMs: number): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const code = first instanceof Error && 'code' in first ? String(first.code) : '';
  if (error.message === 'Opening handshake has timed out') return `no answer within ${dialMs} ms`;
  return reasons[code] ?? (error.message || code || 'the connection failed');
}

function refusal(peer: string, status: number): CubeError {
  if (status === 401) return problem('unauthorized', `${peer} does not know the token`);
  if (status === 403) return problem('forbidden', `${peer} does not allow links with this token`);
  return problem('unreachable', `${peer} answered with HTTP status ${status} instead of opening a link`);
}

/** @throws CubeError `usage` for a token that cannot stand in a header */
function connect(url: URL, settings: ClientOptions): WebSocket {
  try {
    return new WebSocket(url, settings);
  } catch (error) {
    throw problem('usage', 'the token has characters that no token has', {
      hint: 'look at the token file: one line of text',
      cause: error,
    });
  }
}

function dial<In extends Frame, Out extends Frame>(url: URL, signal: AbortSignal, options: WsDialerOptions): Promise<Link<In, Out>> {
  const { limits, log, from } = options;
  const peer = url.host;
  const token = options.token();
  const settings: ClientOptions & { closeTimeout: number } = {
    perMessageDeflate: false,
    maxPayload: limits.frameBytesMax,
    handshakeTimeout: limits.dialMs,
    closeTimeout: limits.linkCloseMs,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  };
  return new Promise((resolve, reject) => {
    const webSocket = connect(url, settings);
    const leave = (give: () => void) => {
      signal.removeEventListener('abort', onAbort);
      give();
    };
    const onAbort = () => {
      leave(() => reject(signal.reason));
      webSocket.terminate();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    // Wrapped within the event: the first frames may lie in the same packet as the answer.
    webSocket.once('open', () => leave(() => resolve(acceptLink<In, Out>(webSocket, { limits, log, peer, ...(from && { from }) }))));
    webSocket.once('unexpected-response', (_request, response) => {
      leave(() => reject(refusal(peer, response.statusCode ?? 0)));
      webSocket.terminate();
    });
    // Stays for the socket's life: a socket that is dropped while it connects says so here.
    webSocket.on('error', (error) => {
      leave(() => reject(problem('unreachable', `cannot reach ${peer}: ${reasonOf(error, limits.dialMs)}`, { cause: error })));
    });
  });
}

/** A dialer of WebSocket links. TLS and its checks are Node's own for `https://` and `wss://`. */
export function createWsDialer<In extends Frame = Frame, Out extends Frame = Frame>(options: WsDialerOptions): Dialer<In, Out> {
  return {
    async dial(text, signal) {
      const url = linkUrl(text);
      signal.throwIfAborted();
      return dial<In, Out>(url, signal, options);
    },
  };
}
