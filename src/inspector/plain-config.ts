/** A machine's config as plain data: all of it that is not code. */

/** Keys that hold nothing but types. */
const typesOnly = new Set(['schemas', 'types']);

/**
 * A copy fit for JSON, with states, transitions, descriptions and tags as they are. Functions are left out: mappers of `input`, `params`
 * and `context`. Implementations stay named; one that was given in place gets its own name, or `inline`.
 */
export function plainConfig(config: unknown): unknown {
  return plain(config) ?? {};
}

function plain(value: unknown): unknown {
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => (typeof item === 'function' ? nameOfInline(item) : plain(item)));
  const copy: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    if (typesOnly.has(key)) continue;
    const kept = isImplementation(key, inner) ? nameOfInline(inner) : plain(inner);
    if (kept !== undefined) copy[key] = kept;
  }
  return copy;
}

/** Whether a key names an action, a guard or an actor, and its value is one instead of a name. */
function isImplementation(key: string, value: unknown): boolean {
  if (key === 'src') return typeof value !== 'string';
  return typeof value === 'function' && ['actions', 'entry', 'exit', 'guard'].includes(key);
}

function nameOfInline(value: unknown): string {
  const named = value as { readonly name?: unknown; readonly config?: { readonly id?: unknown } } | null;
  const name = named?.config?.id ?? named?.name;
  return typeof name === 'string' && name !== '' ? name : 'inline';
}
