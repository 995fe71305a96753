/** What is shown of live objects: JSON of a bounded size, without secrets. */
import type { Limits } from '../core/limits.ts';
import { isSecretName, withoutSecrets } from '../core/secrets.ts';

/** The bounds of one value. */
export type PlainLimits = Pick<Limits, 'inspectDepthMax' | 'inspectEntriesMax' | 'inspectTextCharsMax' | 'inspectValuesMax'>;

/** Put in place of a secret. */
const hidden = '[hidden]';

interface Walk {
  readonly limits: PlainLimits;
  /** The objects around the one that is looked at. */
  readonly above: object[];
  /** Values that may still be taken. */
  left: number;
}

/**
 * A copy fit for JSON. Whatever is named like a secret is hidden, environments too; functions and symbols are left out; bytes become
 * their number, errors their message, classes without data their name; what is too deep, too long or too much is cut and says so.
 */
export function plain(value: unknown, limits: PlainLimits): unknown {
  return copy(value, { limits, above: [], left: limits.inspectValuesMax });
}

function copy(value: unknown, walk: Walk): unknown {
  if (--walk.left < 0) return '[more]';
  switch (typeof value) {
    case 'string':
      return text(value, walk);
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      return String(value);
    case 'function':
    case 'symbol':
      return undefined;
    case 'object':
      return value === null ? null : object(value, walk);
    default:
      return value;
  }
}

function text(value: string, { limits }: Walk): string {
  const shown = value.length > limits.inspectTextCharsMax ? `${value.slice(0, limits.inspectTextCharsMax)}…` : value;
  return withoutSecrets(shown, hidden);
}

function object(value: object, walk: Walk): unknown {
  if (walk.above.includes(value)) return '[circular]';
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof URL) return text(value.href, walk);
  if (walk.above.length >= walk.limits.inspectDepthMax) return Array.isArray(value) ? `[list of ${value.length}]` : '[deeper]';
  walk.above.push(value);
  try {
    if (Array.isArray(value)) return list(value, walk);
    if (value instanceof Set) return list([...value], walk);
    if (value instanceof Map)
      return fields(
        [...value].map(([key, held]) => [String(key), held]),
        walk,
      );
    if (value instanceof Error) return fields(errorEntries(value), walk);
    return isRecord(value)
      ? fields(Object.entries(value), walk)
      : `[${(value.constructor as { readonly name?: string } | undefined)?.name ?? 'object'}]`;
  } finally {
    walk.above.pop();
  }
}

function list(items: readonly unknown[], walk: Walk): unknown[] {
  const { inspectEntriesMax: most } = walk.limits;
  // A hole or function in a list would become null, as in JSON.
  const shown = items.slice(0, most).map((item) => copy(item, walk) ?? null);
  return items.length > most ? [...shown, `[${items.length - most} more]`] : shown;
}

function fields(entries: readonly (readonly [string, unknown])[], walk: Walk): Record<string, unknown> {
  const { inspectEntriesMax: most } = walk.limits;
  const shown: Record<string, unknown> = {};
  for (const [name, value] of entries.slice(0, most)) {
    if (walk.left <= 0) {
      shown['…'] = '[more]';
      return shown;
    }
    const kept = isSecret(name, value) ? hidden : copy(value, walk);
    if (kept !== undefined) define(shown, name, kept);
  }
  if (entries.length > most) shown['…'] = `[${entries.length - most} more]`;
  return shown;
}

/** A number or a flag (`ticketsMax`, `tokenExpired`) is no secret. */
function isSecret(name: string, value: unknown): boolean {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') return false;
  return isSecretName(name);
}

function errorEntries(error: Error): (readonly [string, unknown])[] {
  const { name, message, cause, stack: _stack, ...more } = error as Error & Record<string, unknown>;
  return [['name', name], ['message', message], ...Object.entries(more), ...(cause === undefined ? [] : [['cause', cause] as const])];
}

/** Plain data, in difference to a socket, an actor or another thing that lives. */
function isRecord(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** `__proto__` is a name like any other. */
function define(shown: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(shown, name, { value, enumerable: true, configurable: true, writable: true });
}
