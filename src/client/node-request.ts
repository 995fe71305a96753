/** Requests through node:http. Nothing else is loaded, because the CLI must start fast; node:https only for an https address. */
import { request as httpRequest } from 'node:http';
import type { Agent, ClientRequest as Outgoing, IncomingMessage } from 'node:http';
import { formatDuration } from '../core/duration.ts';
import { CubeError, problem } from '../core/errors.ts';
import { limitsDefault } from '../core/limits.ts';
import type { Limits } from '../core/limits.ts';
import { ConnectionLost, systemClock } from './requester.ts';
import type { ClientClock, ClientRequest, ClientResponse, Requester } from './requester.ts';

/** Where to, and with what. */
export interface NodeRequesterOptions {
  /** Origin of the node: `http://127.0.0.1:5555`. */
  readonly url: string;
  readonly token?: string | undefined;
  /** Keeps connections for the next request; without it each request has its own. */
  readonly agent?: Agent;
  readonly limits?: Pick<Limits, 'clientConnectMs' | 'clientAnswerMs'>;
  readonly clock?: ClientClock;
}

/** Node's error codes in words. */
const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name could not be looked up',
  EPIPE: 'the connection was closed',
  ETIMEDOUT: 'it timed out',
};

/** Why a connection failed, in words. */
export function reasonOf(thrown: Error & { readonly code?: string }): string {
  const code = thrown.code ?? '';
  if (code.startsWith('HPE_')) return 'what answers there does not speak HTTP';
  return words[code] ?? (thrown.message || code || thrown.name);
}

async function* bodyOf(incoming: IncomingMessage, url: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of incoming) yield chunk as Uint8Array;
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    throw new ConnectionLost(`the answer of ${url} broke off: ${reasonOf(thrown as Error)}`, thrown);
  }
}

function headersOf(incoming: IncomingMessage): ClientResponse['headers'] {
  return Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}

/** Waits for the head of the answer, within bounds. */
function headOf(
  outgoing: Outgoing,
  { url, limits, clock }: Required<Pick<NodeRequesterOptions, 'url' | 'limits' | 'clock'>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let connected = false;
    const giveUp = (error: CubeError) => outgoing.destroy(error);
    let timer = clock.setTimeout(
      () => giveUp(problem('unreachable', `cannot reach ${url}: no connection within ${formatDuration(limits.clientConnectMs)}`)),
      limits.clientConnectMs,
    );
    const onConnect = () => {
      connected = true;
      clock.clearTimeout(timer);
      timer = clock.setTimeout(
        () => giveUp(problem('unreachable', `${url} does not answer: nothing within ${formatDuration(limits.clientAnswerMs)}`)),
        limits.clientAnswerMs,
      );
    };
    outgoing.once('socket', (socket) => {
      if (socket.connecting) socket.once('encrypted' in socket ? 'secureConnect' : 'connect', onConnect);
      else onConnect();
    });
    outgoing.once('response', (incoming) => {
      clock.clearTimeout(timer);
      resolve(incoming);
    });
    // Stays: what breaks after the head is told by the body.
    outgoing.on('error', (thrown) => {
      clock.clearTimeout(timer);
      if (signal.aborted) reject(signal.reason as Error);
      else if (thrown instanceof CubeError) reject(thrown);
      else if (connected) reject(new ConnectionLost(`${url} did not answer: ${reasonOf(thrown)}`, thrown));
      else reject(problem('unreachable', `cannot reach ${url}: ${reasonOf(thrown)}`, { cause: thrown }));
    });
  });
}

/** A requester over node:http and node:https. Name and token are fixed, so that a token goes to no other address. */
export function nodeRequester({ url, token, agent, limits = limitsDefault, clock = systemClock }: NodeRequesterOptions): Requester {
  const origin = new URL(url);
  return async ({ method, path, headers, body, signal }: ClientRequest): Promise<ClientResponse> => {
    signal.throwIfAborted();
    const send = origin.protocol === 'https:' ? (await import('node:https')).request : httpRequest;
    const outgoing = send({
      protocol: origin.protocol,
      // Node wants an IPv6 address without the brackets that a URL has around it.
      hostname: origin.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: origin.port,
      method,
      path,
      agent: agent ?? false,
      signal,
      headers: {
        ...headers,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
      },
    });
    const head = headOf(outgoing, { url: origin.origin, limits, clock }, signal);
    outgoing.end(body);
    const incoming = await head;
    return { status: incoming.statusCode ?? 0, headers: headersOf(incoming), body: bodyOf(incoming, origin.origin, signal) };
  };
}
