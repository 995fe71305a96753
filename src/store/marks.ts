/**
 * Marks: each physical write leaves one, chained to the one before, and the head repeats the last. LevelDB drops what it cannot
 * read of its log without a word; by the marks a gap is found when the store is loaded.
 */
import { crc32 } from 'node:zlib';
import type { Codec } from './codec.ts';
import type { Operation } from './disk.ts';
import { markKey, storedKey } from './keys.ts';

/** What a write leaves: it made the commits after `previous` up to `revision` durable. */
export interface Mark {
  readonly revision: number;
  /** The mark before it; 0 for the first. */
  readonly previous: number;
  /** CRC-32 over the write's operations. */
  readonly digest: number;
  /** CRC-32 over the previous chain, both numbers and the digest. */
  readonly chain: number;
}

/** The last mark, and which is the oldest kept. */
export interface Head {
  readonly revision: number;
  readonly chain: number;
  readonly oldest: number;
}

/** The chain's next link. */
function chainOf(previousChain: number, mark: Omit<Mark, 'chain'>): number {
  return crc32(`${mark.previous} ${mark.revision} ${mark.digest}`, previousChain);
}

/** CRC-32 over operations: their keys and bytes, in their order. */
function digestOf(operations: readonly Operation[]): number {
  let digest = 0;
  for (const operation of operations) {
    digest = crc32(`${operation.type} ${operation.key}`, digest);
    if (operation.type === 'put') digest = crc32(operation.value, digest);
  }
  return digest;
}

/** Where a store's chain stands. */
export interface ChainState {
  /** Revision and chain of the last mark; 0 and 0 before the first. */
  readonly revision: number;
  readonly chain: number;
  /** Revisions of the marks that are kept, oldest first. */
  readonly kept: readonly number[];
}

/** Gives each write the operations for its mark and the head. */
export interface MarkChain {
  /** @param revision the last commit of the write */
  next(revision: number, operations: readonly Operation[]): readonly Operation[];
}

/** @param marksMax marks kept, at least 1 */
export function createMarkChain(state: ChainState, codec: Codec, marksMax: number): MarkChain {
  const kept = [...state.kept];
  let last = { revision: state.revision, chain: state.chain };

  return {
    next(revision, operations) {
      const digest = digestOf(operations);
      const link = { revision, previous: last.revision, digest };
      const mark: Mark = { ...link, chain: chainOf(last.chain, link) };
      last = mark;
      kept.push(revision);
      const old = kept.splice(0, Math.max(0, kept.length - Math.max(1, marksMax)));
      const head: Head = { revision, chain: mark.chain, oldest: kept[0]! };
      const put = (kind: 'mark' | 'head', key: string, value: Mark | Head): Operation => ({
        type: 'put',
        key: storedKey(kind, key),
        value: codec.encode(kind, key, value, revision),
      });
      return [
        ...old.map((gone): Operation => ({ type: 'del', key: storedKey('mark', markKey(gone)) })),
        put('mark', markKey(revision), mark),
        put('head', '', head),
      ];
    },
  };
}

/** What is wrong with a chain, in sentences. */
export function chainDamage(marks: readonly Mark[], head: Head | undefined): string[] {
  const damage: string[] = [];
  for (let i = 1; i < marks.length; i++) {
    const [before, mark] = [marks[i - 1]!, marks[i]!];
    if (mark.previous !== before.revision) damage.push(`commits ${before.revision + 1} to ${mark.previous} are missing`);
    else if (chainOf(before.chain, mark) !== mark.chain) {
      damage.push(`commit ${mark.revision} does not continue commit ${before.revision}: they are of different histories`);
    }
  }
  const [first, last] = [marks[0], marks.at(-1)];
  if (!head) {
    if (last) damage.push(`the head is missing; the last commit found is ${last.revision}`);
    return damage;
  }
  if (!first || !last) return [...damage, `the marks of all commits are missing; the head names commit ${head.revision}`];
  if (first.revision !== head.oldest) damage.push(`the marks of commits ${head.oldest} to ${first.revision - 1} are missing`);
  if (last.revision !== head.revision) damage.push(`the head names commit ${head.revision}, the last mark is of commit ${last.revision}`);
  else if (last.chain !== head.chain) damage.push(`the head and the mark of commit ${head.revision} are of different histories`);
  return damage;
}
