/** One row of the route table: it is what answers, what the checks look at, and what `/openapi.json` is made of. */
import type { Scope } from '../ports/auth.ts';
import type { Fields, Values } from './fields.ts';
import type { SchemaName } from './schemas.ts';

/**
 * What a caller needs: `open` nothing, `ticket` a one-use ticket in the URL, `viewer` a token that may look, `admin` one that may change.
 * A `join` token opens no route at all.
 */
export type Need = 'open' | 'ticket' | 'viewer' | 'admin';

/** A request as a handler sees it: checked and read. */
export interface Call<Q extends Fields = Fields, B extends Fields = Fields> {
  readonly scope: Scope;
  /** Decoded parts of the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Values<Q>;
  /** Fields of the JSON body; of a route that takes YAML, all undefined when YAML came. */
  readonly body: Values<B>;
  /** The whole JSON body of a route with a `document`. */
  readonly document: unknown;
  /** The text of a YAML body, where the route takes one and one came. */
  readonly yaml: string | undefined;
  /** A request header, undefined when absent. */
  header(name: string): string | undefined;
}

/** What a handler answers. */
export type Answer =
  | { readonly kind: 'json'; readonly status: number; readonly value: unknown }
  | { readonly kind: 'empty'; readonly status: 204 }
  | { readonly kind: 'text'; readonly text: string; readonly contentType: string }
  | BytesAnswer
  | LinesAnswer;

/** Bytes as they come. The first of them decide the status; what breaks later breaks the connection off. */
export interface BytesAnswer {
  readonly kind: 'bytes';
  readonly contentType: string;
  open(): AsyncIterable<Uint8Array>;
}

/** A stream of values: opened when the client reads, ended when it goes. */
export interface LinesAnswer {
  readonly kind: 'lines';
  /** `ndjson`: a JSON document a line, an empty line now and then while nothing happens. `sse`: server-sent events. */
  readonly format: 'ndjson' | 'sse';
  /** Whether it goes on after what there is now. Else the first value decides the status before anything is sent. */
  readonly follow: boolean;
  open(signal: AbortSignal): AsyncIterable<Line>;
}

/** One value of a stream; `id` is where a client goes on after it. */
export interface Line {
  readonly value: unknown;
  readonly id?: string;
}

/** What a status means, and the shape of its body (none: no body). */
export interface AnswerDoc {
  readonly says: string;
  readonly schema?: SchemaName;
  /** `application/json` unless told. */
  readonly types?: readonly string[];
}

/** A row. */
export interface Route<Q extends Fields = Fields, B extends Fields = Fields> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With parameters in braces: `/v1/jobs/{name}`. */
  readonly path: string;
  readonly need: Need;
  readonly says: string;
  readonly query: Q;
  readonly body: B;
  /** The whole body is one document of this shape, read by the handler. */
  readonly document?: SchemaName;
  /** A job file's text (application/yaml) is taken instead of JSON. */
  readonly yaml?: boolean;
  /** The seeds' API: its errors are `{HTTPStatusCode, Message}`. */
  readonly seeds?: boolean;
  /** Answers hold a secret: they are never kept for an Idempotency-Key. */
  readonly secret?: boolean;
  readonly answers: Readonly<Record<number, AnswerDoc>>;
  handle(call: Call<Q, B>): Promise<Answer> | Answer;
}

/** What a route is written as: query and body may be left out. */
type RouteInput<Q extends Fields, B extends Fields> = Omit<Route<Q, B>, 'query' | 'body'> & { readonly query?: Q; readonly body?: B };

/** Writes a row; its handler knows the types of its own query and body. */
export function route<Q extends Fields = Record<never, never>, B extends Fields = Record<never, never>>(row: RouteInput<Q, B>): Route {
  return { query: {}, body: {}, ...row };
}

/** An answer of JSON. */
export function json(value: unknown, status = 200): Answer {
  return { kind: 'json', status, value };
}
