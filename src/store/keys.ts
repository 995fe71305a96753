/**
 * The key layout. A record's stored key is `<kind>:<key>`, so that the records of a kind lie together and in key order; the store's
 * own records (marks and the head) begin with a dot, which no kind does.
 */
import { problem } from '../core/errors.ts';
import { storeKinds, type Kind } from '../ports/store.ts';

/** What is kept besides the records of the port: a mark for each physical write, and the head. */
export type OwnKind = 'mark' | 'head';

/** Every kind that the codec knows. */
export type RecordKind = Kind | OwnKind;

/** Keys from `gte` (inclusive) up to `lt` (exclusive), in byte order. */
export interface Bounds {
  readonly gte: string;
  readonly lt: string;
}

const ownKinds: ReadonlySet<string> = new Set<OwnKind>(['mark', 'head']);

function prefix(kind: RecordKind): string {
  return ownKinds.has(kind) ? `.${kind}` : kind;
}

/** The stored key of a record. */
export function storedKey(kind: RecordKind, key: string): string {
  return `${prefix(kind)}:${key}`;
}

/** The record's own key, from the stored one. */
export function keyOf(kind: RecordKind, stored: string): string {
  return stored.slice(prefix(kind).length + 1);
}

/** The kind and key of a stored key, or undefined for one of no kind that callers know: the store's own records. */
export function partsOf(stored: string): { readonly kind: Kind; readonly key: string } | undefined {
  const colon = stored.indexOf(':');
  const kind = storeKinds.find((one) => one === stored.slice(0, colon));
  return kind === undefined ? undefined : { kind, key: stored.slice(colon + 1) };
}

/** All stored keys there are, the store's own first. */
export const everything: Bounds = { gte: '', lt: '\u{10FFFF}' };

/** All stored keys of a kind, from the record key `from` on. */
export function boundsOf(kind: RecordKind, from = ''): Bounds {
  // ";" is the byte after ":".
  return { gte: storedKey(kind, from), lt: `${prefix(kind)};` };
}

/** The key of a mark: padded, so that marks lie in the order of their commits. */
export function markKey(revision: number): string {
  return String(revision).padStart(16, '0');
}

/**
 * Refuses a key that UTF-8 cannot hold: two such keys would fall together on the disk.
 * @throws CubeError `failed`
 */
export function checkKey(kind: Kind, key: string): void {
  if (/\p{Surrogate}/u.test(key)) {
    throw problem('failed', `a key of kind ${kind} holds half of a character: ${JSON.stringify(key)}`);
  }
}

/** A text whose plain comparison (by UTF-16 unit) gives the order of the key's UTF-8 bytes, which is LevelDB's. */
export function sortText(stored: string): string {
  return Buffer.from(stored, 'utf8').toString('latin1');
}
