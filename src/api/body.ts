/** Bodies: which types are taken, and JSON with a clear word when it is none. */
import { problem } from '../core/errors.ts';
import type { Route } from './route.ts';

/** A body that was read: JSON, or the text of a job file. */
export interface ReadBody {
  /** `{}` when nothing came. */
  readonly document: unknown;
  readonly yaml: string | undefined;
}

function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';')[0]!.trim().toLowerCase();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw problem('usage', `the body is not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`, {
      hint: 'send one JSON document',
      cause: thrown,
    });
  }
}

/**
 * Reads a body for a route. With a token any type but YAML is read as JSON, so that `curl -d` works; where no token is asked, only
 * application/json is, because that is what a foreign page cannot send unasked.
 * @throws CubeError `wrong-type`, `usage`
 */
export function readBody(
  route: Pick<Route, 'yaml' | 'document'>,
  text: string,
  contentType: string | undefined,
  openLoopback: boolean,
): ReadBody {
  const type = mediaType(contentType);
  if (text.trim() === '') {
    if (route.document !== undefined) throw problem('usage', 'the body is empty', { hint: 'send one JSON document' });
    return { document: {}, yaml: undefined };
  }
  if (openLoopback && type !== 'application/json') {
    throw problem('wrong-type', `a node that asks for no token takes bodies as application/json, not as ${type || 'nothing named'}`);
  }
  if (/^(?:application|text)\/(?:x-)?yaml$/.test(type)) {
    if (route.yaml !== true) throw problem('wrong-type', `${type} is not taken here`);
    return { document: {}, yaml: text };
  }
  return { document: parseJson(text), yaml: undefined };
}
