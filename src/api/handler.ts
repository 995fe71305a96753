/** From a matched row to a response: scope, query, body, Idempotency-Key, handler, answer. */
import { asCubeError } from '../core/errors.ts';
import type { Scope } from '../ports/auth.ts';
import type { RequestKey } from '../ports/control.ts';
import { commonHeaders, errorResponse, plainResponse } from './answers.ts';
import { readBody } from './body.ts';
import { bytesResponse } from './bytes.ts';
import type { ApiDeps } from './deps.ts';
import { readFields, readQuery } from './fields.ts';
import { allows, notAllowed } from './gate.ts';
import { checkKey, fingerprint } from './idempotency.ts';
import type { AnswerBook, Kept } from './idempotency.ts';
import type { Answer, Call, LinesAnswer, Route } from './route.ts';
import type { Streams } from './streams.ts';

/** A request that found its row. */
export interface Matched {
  readonly request: Request;
  readonly params: Readonly<Record<string, string>>;
  /** Absent on an open path. */
  readonly scope: Scope | undefined;
}

const lineTypes = { ndjson: 'application/x-ndjson; charset=utf-8', sse: 'text/event-stream; charset=utf-8' } as const;

async function kept(response: Response): Promise<Kept> {
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
}

function repeated({ status, headers, body }: Kept): Response {
  return new Response(status === 204 ? null : body, { status, headers });
}

function checkScope(row: Route, scope: Scope | undefined): void {
  if (row.need !== 'viewer' && row.need !== 'admin') return;
  if (scope === undefined || !allows(scope, row.need)) throw notAllowed(scope ?? 'join', row.need);
}

/**
 * A function that answers matched requests. It throws what is wrong with one before its handler runs.
 * @param keyed the same row, whose handler does what it does once for a key
 */
export function createHandler(deps: ApiDeps, streams: Streams, book: AnswerBook, keyed: (row: Route, request: RequestKey) => Route) {
  const { clock, limits, log, openLoopback } = deps;

  const openStream = async (answer: LinesAnswer, request: Request): Promise<Response> => {
    const headers = { ...commonHeaders, 'content-type': lineTypes[answer.format], 'x-accel-buffering': 'no' };
    if (request.method === 'HEAD') return new Response(null, { headers });
    return new Response(await streams.open(answer, request.signal), { headers });
  };

  const respond = async (answer: Answer, request: Request): Promise<Response> => {
    if (answer.kind === 'lines') return openStream(answer, request);
    return answer.kind === 'bytes' ? bytesResponse(answer, request, log) : plainResponse(answer);
  };

  const readCall = (row: Route, { request, params, scope }: Matched, text: string): Call => {
    const header = (name: string) => request.headers.get(name) ?? undefined;
    const query = new URL(request.url).searchParams;
    // The ticket was the credential and is used up.
    if (row.need === 'ticket') query.delete('ticket');
    const { document, yaml } = readBody(row, text, header('content-type'), openLoopback);
    const now = clock.now();
    const asFields = row.document === undefined && yaml === undefined;
    return {
      scope: scope ?? 'viewer',
      params,
      query: readQuery(row.query, query, now),
      body: asFields ? readFields(row.body, document, 'the body', now) : {},
      document,
      yaml,
      header,
    };
  };

  /** Errors become answers here, so that a key keeps them, too. */
  const answered = async (row: Route, matched: Matched, text: string): Promise<Response> => {
    try {
      return await respond(await row.handle(readCall(row, matched, text)), matched.request);
    } catch (thrown) {
      const error = asCubeError(thrown);
      if (error.row.status >= 500) throw error;
      return errorResponse(error, limits, { seeds: row.seeds === true });
    }
  };

  return async (row: Route, matched: Matched): Promise<Response> => {
    checkScope(row, matched.scope);
    const { request } = matched;
    if (row.method === 'GET') return answered(row, matched, '');
    const text = await request.text();
    const key = request.headers.get('idempotency-key');
    if (key === null || row.secret === true) return answered(row, matched, text);
    const url = new URL(request.url);
    const print = fingerprint(request.method, url.pathname + url.search, text);
    const once = keyed(row, { key: checkKey(key), print });
    return repeated(await book.once(key, print, async () => kept(await answered(once, matched, text))));
  };
}
