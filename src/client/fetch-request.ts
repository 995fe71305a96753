/** Requests through fetch: for the page. */
import { problem } from '../core/errors.ts';
import { limitsDefault } from '../core/limits.ts';
import type { Limits } from '../core/limits.ts';
import { ConnectionLost, systemClock } from './requester.ts';
import type { ClientClock, ClientRequest, ClientResponse, Requester } from './requester.ts';

/** Where to, and with what. */
export interface FetchRequesterOptions {
  /** Origin of the node; empty: the page's own. */
  readonly url: string;
  /** Asked before each request: a page logs in while it lives. */
  readonly token: () => string | undefined;
  readonly fetch?: typeof fetch;
  readonly limits?: Pick<Limits, 'clientAnswerMs'>;
  readonly clock?: ClientClock;
}

async function* bodyOf(stream: ReadableStream<Uint8Array> | null, name: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = stream?.getReader();
  try {
    for (;;) {
      const chunk = await reader?.read();
      if (chunk?.value === undefined) return;
      yield chunk.value;
    }
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    throw new ConnectionLost(`the answer of ${name} broke off: ${(thrown as Error).message}`, thrown);
  } finally {
    reader?.releaseLock();
  }
}

/** A requester over fetch. It cannot tell whether a request that failed arrived, so each such failure counts as a lost connection. */
export function fetchRequester({ url, token, limits = limitsDefault, clock = systemClock, ...options }: FetchRequesterOptions): Requester {
  const send = options.fetch ?? fetch;
  const name = url === '' ? 'the node' : url;
  return async ({ method, path, headers, body, signal }: ClientRequest): Promise<ClientResponse> => {
    signal.throwIfAborted();
    const late = new AbortController();
    const timer = clock.setTimeout(() => late.abort(), limits.clientAnswerMs);
    const secret = token();
    try {
      const response = await send(`${url}${path}`, {
        method,
        headers: { ...headers, ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }) },
        body,
        signal: AbortSignal.any([signal, late.signal]),
        credentials: 'omit',
      });
      return { status: response.status, headers: Object.fromEntries(response.headers), body: bodyOf(response.body, name, signal) };
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      if (late.signal.aborted) throw problem('unreachable', `${name} does not answer`, { cause: thrown });
      throw new ConnectionLost(`cannot reach ${name}: ${(thrown as Error).message}`, thrown);
    } finally {
      clock.clearTimeout(timer);
    }
  };
}
