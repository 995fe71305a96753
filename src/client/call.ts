/** One request: its key, its tries, its answer. */
import { CubeError, problem } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import { errorIn, errorOfStatus } from './errors.ts';
import { ConnectionLost, pause } from './requester.ts';
import type { ClientClock, ClientRequest, ClientResponse, Requester } from './requester.ts';
import type { Connector } from './socket.ts';

/** What a client is made of. */
export interface ClientDeps {
  readonly request: Requester;
  /** Opens WebSockets; without it no commands can be run in tasks. */
  readonly connect?: Connector | undefined;
  /** Makes Idempotency-Keys: a uuid each. */
  readonly newId: () => string;
  readonly limits: Limits;
  readonly clock: ClientClock;
}

/** Parameters of a query; what is undefined is left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** What goes with a request. */
export interface CallOptions {
  readonly query?: Query;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** A path of fixed words and one name: `` path`/v1/jobs/${name}/stop` ``. @throws CubeError `not-found` for a name that no path can hold */
export function path(words: TemplateStringsArray, ...names: readonly string[]): string {
  const parts = names.map((name) => {
    if (name === '' || name === '.' || name === '..') throw problem('not-found', `nothing is called "${name}"`);
    return encodeURIComponent(name);
  });
  return words.map((word, index) => word + (parts[index] ?? '')).join('');
}

/** A path with its query; what is undefined is left out. */
export function withQuery(base: string, query: Query = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as [string, string]]));
  return given.length === 0 ? base : `${base}?${new URLSearchParams(given).toString()}`;
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  for await (const chunk of body) parts.push(decoder.decode(chunk, { stream: true }));
  parts.push(decoder.decode());
  return parts.join('');
}

function parsed(text: string): { readonly document: unknown } | undefined {
  try {
    return { document: JSON.parse(text) as unknown };
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

/** Throws the error of an answer that is one. */
export async function refuseErrors(response: ClientResponse): Promise<void> {
  if (response.status >= 200 && response.status < 300) return;
  const text = await textOf(response.body).catch((thrown: unknown) => {
    // The status says enough: a node that refuses a large body closes while it is still being sent.
    if (thrown instanceof ConnectionLost) return '';
    throw thrown;
  });
  throw errorIn(parsed(text)?.document) ?? errorOfStatus(response.status, text);
}

async function once(deps: ClientDeps, request: ClientRequest): Promise<unknown> {
  const response = await deps.request(request);
  await refuseErrors(response);
  const text = await textOf(response.body);
  if (response.status === 204 || text === '') return undefined;
  const read = parsed(text);
  if (read === undefined) throw problem('failed', `the answer to ${request.method} ${request.path} is not JSON: ${text.slice(0, 200)}`);
  return read.document;
}

/** The pause before try number `failures` + 1. */
export function retryDelayMs(limits: Limits, failures: number): number {
  return Math.min(limits.clientRetryDelayMsMax, limits.clientRetryDelayMs * limits.clientRetryBackoff ** (failures - 1));
}

/**
 * Sends a request and reads its JSON. When the connection breaks after sending it is sent again, with the same key.
 * @returns the document, undefined for an answer without a body
 * @throws CubeError the server's, or `unreachable`; the signal's reason when it fires
 */
export async function call(deps: ClientDeps, method: ClientRequest['method'], base: string, options: CallOptions = {}): Promise<unknown> {
  const { query, body, signal = new AbortController().signal } = options;
  const request: ClientRequest = {
    method,
    path: withQuery(base, query),
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(method === 'GET' ? {} : { 'idempotency-key': deps.newId() }),
      ...options.headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
  };
  let lost: ConnectionLost | undefined;
  for (let failures = 1; ; failures++) {
    try {
      return await once(deps, request);
    } catch (thrown) {
      if (thrown instanceof ConnectionLost) lost = thrown;
      // A node that is being started again is not there for a moment; an earlier try may have reached it all the same.
      else if (lost === undefined || !(thrown instanceof CubeError) || thrown.code !== 'unreachable') throw thrown;
      if (failures > deps.limits.clientRetries) throw lost;
    }
    await pause(deps.clock, retryDelayMs(deps.limits, failures), signal);
  }
}
