/** Answers as HTTP: JSON, errors in both shapes, the headers all of them carry. */
import type { CubeError } from '../core/errors.ts';
import { errorBody } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Answer } from './route.ts';

/** On every answer: nothing of it is kept by a cache, nothing guessed about its type. */
export const commonHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

function jsonResponse(value: unknown, status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${JSON.stringify(value)}\n`, {
    status,
    headers: { ...commonHeaders, 'content-type': 'application/json; charset=utf-8', ...headers },
  });
}

/** Any answer but a stream. */
export function plainResponse(answer: Exclude<Answer, { kind: 'lines' | 'bytes' }>): Response {
  switch (answer.kind) {
    case 'json':
      return jsonResponse(answer.value, answer.status);
    case 'empty':
      return new Response(null, { status: answer.status, headers: commonHeaders });
    case 'text':
      return new Response(answer.text, { headers: { ...commonHeaders, 'content-type': answer.contentType } });
  }
}

/**
 * An error of the table.
 * @param more `seeds`: in the shape of the seeds' API; `allow`: methods that would do, for a 405
 */
export async function errorResponse(
  error: CubeError,
  limits: Limits,
  more: { readonly seeds: boolean; readonly allow?: string },
): Promise<Response> {
  const { status } = error.row;
  const headers: Record<string, string> = {};
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="cube"';
  if (status === 429) headers['retry-after'] = String(Math.max(1, Math.ceil(limits.retryAfterMs / 1_000)));
  if (more.allow !== undefined) headers['allow'] = more.allow;
  if (!more.seeds) return jsonResponse(errorBody(error), status, headers);
  // Loaded when needed: with it comes a YAML parser.
  const { seedsError } = await import('../core/seeds.ts');
  return jsonResponse(seedsError(status, error.message), status, headers);
}
