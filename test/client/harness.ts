/** Servers that misbehave as they are told, and clients of them. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { createClient } from '../../src/client/index.ts';
import type { Client, ClientOptions } from '../../src/client/index.ts';
import { fetchRequester } from '../../src/client/fetch-request.ts';
import { nodeRequester } from '../../src/client/node-request.ts';
import { limitsWith } from '../../src/core/limits.ts';

/** Bounds that make tests wait for nothing. */
export const quickLimits = limitsWith({ clientRetryDelayMs: 1, clientRetryDelayMsMax: 2 });

/** Ways of a client to talk. */
export const requesters = {
  node: (url: string, token: string | undefined) => nodeRequester({ url, token }),
  fetch: (url: string, token: string | undefined) => fetchRequester({ url, token: () => token }),
} as const;

/** A client whose keys are `key-1`, `key-2`... */
export function clientOf(
  url: string,
  { token = 'admin-token', kind = 'node', ...options }: { token?: string; kind?: keyof typeof requesters } & Partial<ClientOptions> = {},
): Client {
  let keys = 0;
  return createClient({ request: requesters[kind](url, token), newId: () => `key-${++keys}`, limits: quickLimits, ...options });
}

/** What a server of a test was asked. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers the n-th request (counted from 1). */
export type Behaviour = (response: ServerResponse, asked: Asked, count: number) => void;

/** A server that keeps what it was asked, and answers as told. */
export async function misbehave(t: TestContext, behaviour: Behaviour): Promise<{ readonly url: string; readonly asked: readonly Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      asked.push({ method, url, headers, body: Buffer.concat(parts).toString('utf8') });
      behaviour(response, asked.at(-1)!, asked.length);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** Answers JSON. */
export function answer(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

/** All of a stream. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
