/**
 * What a query or a JSON body may hold: one field says how it is read and how it is described in `/openapi.json`, so that the
 * two cannot differ. A few lines on purpose: what is read with every request needs times and durations more than a schema library.
 */
import { parseDuration } from '../core/duration.ts';
import { problem } from '../core/errors.ts';
import { nearest } from '../core/text.ts';

/** JSON Schema, as far as it is used here. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One field. `read` gets the raw value, undefined when absent. */
export interface Field<T> {
  readonly says: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
  /** @throws CubeError `usage` */
  read(value: unknown, name: string, now: number): T;
}

/** Fields by name. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** What reading fields gives. */
export type Values<F extends Fields> = { readonly [Name in keyof F]: F[Name] extends Field<infer T> ? T : never };

function field<T>(says: string, schema: JsonSchema, expected: string, parse: (value: unknown, now: number) => T | undefined) {
  return {
    says,
    schema,
    required: false,
    read: (value: unknown, name: string, now: number): T | undefined => {
      if (value === undefined) return undefined;
      const read = parse(value, now);
      if (read === undefined) throw problem('usage', `"${name}" must be ${expected}, not ${JSON.stringify(value)}`);
      return read;
    },
  } satisfies Field<T | undefined>;
}

const flags: Readonly<Record<string, boolean>> = { true: true, 1: true, '': true, false: false, 0: false };

const isoPattern = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** Milliseconds since the epoch from an ISO 8601 time, or from a duration before `now`. */
function parseTime(value: unknown, now: number): number | undefined {
  if (typeof value !== 'string') return undefined;
  if (isoPattern.test(value)) {
    const at = Date.parse(value);
    return Number.isNaN(at) ? undefined : at;
  }
  const ms = parseDuration(value);
  return ms === undefined ? undefined : now - ms;
}

function wholeNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** Fields of a query: all values come as text. */
export const inQuery = {
  /** `?name`, `?name=true`, `?name=0`. */
  flag: (says: string) =>
    field(says, { type: 'boolean' }, 'true or false', (value) =>
      typeof value === 'string' && Object.hasOwn(flags, value) ? flags[value] : undefined,
    ),
  count: (says: string) =>
    field(says, { type: 'integer', minimum: 0 }, 'a whole number of 0 or more', (value) =>
      typeof value === 'string' && /^\d+$/.test(value) ? wholeNumber(Number(value)) : undefined,
    ),
  text: (says: string) =>
    field(says, { type: 'string', minLength: 1 }, 'a text', (value) => (typeof value === 'string' && value !== '' ? value : undefined)),
  /** ms since the epoch. */
  time: (says: string) =>
    field(
      `${says}: an ISO 8601 time, or a duration before now like 10m`,
      { type: 'string', minLength: 1 },
      'a time like 2026-01-31T12:00:00Z or a duration like 10m',
      parseTime,
    ),
};

/** An object whose values all are such; undefined for what is none. */
function recordOf<T>(value: unknown, isOne: (one: unknown) => one is T): Readonly<Record<string, T>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value);
  return entries.every((entry): entry is [string, T] => isOne(entry[1])) ? Object.fromEntries(entries) : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return wholeNumber(value) !== undefined;
}

const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Fields of a JSON body. */
export const inBody = {
  /** Whole numbers by name, one at least. */
  counts: (says: string): Field<Readonly<Record<string, number>>> => ({
    says,
    schema: { type: 'object', additionalProperties: { type: 'integer', minimum: 0 }, minProperties: 1 },
    required: true,
    read: (value, name) => {
      const read = recordOf(value, isCount);
      if (read !== undefined && Object.keys(read).length > 0) return read;
      const given = value === undefined ? 'it is missing' : `not ${JSON.stringify(value)}`;
      throw problem('usage', `"${name}" must be an object of whole numbers of 0 or more, one at least: ${given}`);
    },
  }),
  /** Texts by name. */
  texts: (says: string) =>
    field(says, { type: 'object', additionalProperties: { type: 'string' } }, 'an object of texts', (value) => recordOf(value, isText)),
  /** A list of texts. */
  words: (says: string) =>
    field(says, { type: 'array', items: { type: 'string' } }, 'a list of texts', (value) =>
      Array.isArray(value) && value.every(isText) ? (value as readonly string[]) : undefined,
    ),
  /** Bytes. */
  base64: (says: string) =>
    field(says, { type: 'string', contentEncoding: 'base64' }, 'bytes in base64', (value) =>
      isText(value) && base64Pattern.test(value) ? new Uint8Array(Buffer.from(value, 'base64')) : undefined,
    ),
  /** Bytes that nobody may see: a wrong value is not shown. */
  secret: (says: string): Field<Uint8Array> => ({
    says,
    schema: { type: 'string', contentEncoding: 'base64' },
    required: true,
    read: (value, name) => {
      if (isText(value) && base64Pattern.test(value)) return new Uint8Array(Buffer.from(value, 'base64'));
      throw problem('usage', `"${name}" must be bytes in base64${value === undefined ? ': it is missing' : ''}`);
    },
  }),
  flag: (says: string) => field(says, { type: 'boolean' }, 'true or false', (value) => (typeof value === 'boolean' ? value : undefined)),
  count: (says: string) => field(says, { type: 'integer', minimum: 0 }, 'a whole number of 0 or more', wholeNumber),
  choice: <const T extends string>(says: string, choices: readonly T[]) =>
    field(says, { type: 'string', enum: choices }, `one of ${choices.join(', ')}`, (value) => choices.find((choice) => choice === value)),
  /** Anything that is there; what it means is checked by its reader. `schema` may name one of `src/api/schemas.ts`. */
  document: (says: string, schema: JsonSchema): Field<unknown> => ({
    says,
    schema,
    required: true,
    read: (value, name) => {
      if (value === undefined) throw problem('usage', `the body needs "${name}": ${says}`);
      return value;
    },
  }),
  /** An object of fields of its own. */
  group: <F extends Fields>(says: string, fields: F) => ({
    says,
    schema: objectSchema(fields),
    required: false,
    read: (value: unknown, name: string, now: number): Values<F> | undefined =>
      value === undefined ? undefined : readFields(fields, value, `"${name}"`, now),
  }),
};

/** The JSON Schema of an object with these fields and no others. */
export function objectSchema(fields: Fields): JsonSchema {
  const entries = Object.entries(fields);
  const required = entries.filter(([, one]) => one.required).map(([name]) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, one]) => [name, { ...one.schema, description: one.says }])),
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  };
}

/**
 * Reads an object by its fields.
 * @param what names the object in messages: `the query`, `the body`
 * @throws CubeError `usage` for what is no object, an unknown key or a wrong value
 */
export function readFields<F extends Fields>(fields: F, given: unknown, what: string, now: number): Values<F> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw problem('usage', `${what} must be a JSON object`);
  const values = new Map(Object.entries(given));
  for (const key of values.keys()) {
    if (Object.hasOwn(fields, key)) continue;
    const close = nearest(key, Object.keys(fields));
    throw problem('usage', `${what} has no ${JSON.stringify(key)}${close === undefined ? '' : `; did you mean "${close}"?`}`, {
      hint: '/openapi.json lists what is taken',
    });
  }
  return Object.fromEntries(Object.entries(fields).map(([name, one]) => [name, one.read(values.get(name), name, now)])) as Values<F>;
}

/** Reads a query string by its fields. @throws CubeError `usage`, also for a parameter given twice */
export function readQuery<F extends Fields>(fields: F, query: URLSearchParams, now: number): Values<F> {
  const given: Record<string, string> = {};
  for (const [name, value] of query) {
    if (Object.hasOwn(given, name)) throw problem('usage', `the query has "${name}" twice`);
    given[name] = value;
  }
  return readFields(fields, given, 'the query', now);
}
