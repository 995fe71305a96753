/** Keeps secrets out of what is written down: by the name of a field, and by the form of a text. */

import { isSecretName, withoutSecrets } from '../core/secrets.ts';

/** Put in place of a secret. */
const masked = '[masked]';

/** Deeper than anything that is logged on purpose. */
const depthMax = 8;

/** A text with credentials in headers and URLs masked. */
export function maskText(text: string): string {
  return withoutSecrets(text, masked);
}

/**
 * A copy fit for a log: fields named like secrets and environments are masked at any depth, errors become plain objects,
 * bytes become their number, and what would not end or not fit JSON becomes text.
 */
export function maskFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return maskEntries(fields, []);
}

function maskEntries(fields: object, above: readonly object[]): Record<string, unknown> {
  const inside = [...above, fields];
  const entries = Object.entries(fields).map(([name, value]) => [name, maskNamed(name, value, inside)] as const);
  return Object.fromEntries(entries);
}

function maskNamed(name: string, value: unknown, above: readonly object[]): unknown {
  const isPlain = value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean';
  // A number or a flag (`ticketsMax`, `tokenExpired`) is no secret.
  if (!isPlain && isSecretName(name)) return masked;
  return maskValue(value, above);
}

function maskValue(value: unknown, above: readonly object[]): unknown {
  if (typeof value === 'string') return maskText(value);
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (typeof value === 'function') return `[function ${value.name}]`;
  if (typeof value !== 'object' || value === null) return value;
  if (above.includes(value)) return '[circular]';
  if (above.length >= depthMax) return '[deeper]';
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof URL) return maskText(value.href);
  if (value instanceof Error) return maskError(value, above);
  if (value instanceof Map) return maskEntries(Object.fromEntries([...value].map(([key, held]) => [String(key), held])), above);
  if (value instanceof Set) return maskValue([...value], above);
  if (Array.isArray(value)) return value.map((each) => maskValue(each, [...above, value]));
  return maskEntries(value, above);
}

function maskError(error: Error, above: readonly object[]): Record<string, unknown> {
  const { name, message, stack, cause, ...more } = error;
  const known = { name, message: maskText(message), ...(stack ? { stack: maskText(stack) } : {}) };
  const rest = maskEntries(more, [...above, error]);
  return { ...known, ...rest, ...(cause === undefined ? {} : { cause: maskValue(cause, [...above, error]) }) };
}
