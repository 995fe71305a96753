/**
 * Idempotency-Keys: the first answer to a key is kept and repeated, so that a retry after a lost answer doubles nothing.
 * The book lives in memory and ends with the process: it repeats an answer byte by byte, errors too, and lets who comes meanwhile wait.
 * That nothing is done twice over a restart is the manager's promise, which writes a key down with what was done under it
 * (`Control.keyed`).
 */
import { createHash } from 'node:crypto';
import { problem } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Clock } from '../ports/ambient.ts';

/** An answer as it is kept. */
export interface Kept {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Entry {
  readonly print: string;
  readonly answer: Promise<Kept>;
  readonly until: number;
  settled: boolean;
}

/** The answers that are kept, by key. */
export interface AnswerBook {
  /**
   * Runs a request once for its key. Whoever comes with the same key meanwhile waits for that answer; whoever comes later gets it again.
   * Answers that a later try may better (5xx, 429) are given to those who wait, but not kept.
   * @param print what the key stands for, see `fingerprint`
   * @throws CubeError `conflict` when the key stands for another request, `busy` when too many are under way
   */
  once(key: string, print: string, run: () => Promise<Kept>): Promise<Kept>;
}

/** What a key stands for: a hash of method, address and body. */
export function fingerprint(method: string, url: string, body: string): string {
  return createHash('sha256')
    .update(JSON.stringify([method, url, body]))
    .digest('base64');
}

/** Checks a key. @throws CubeError `usage` */
export function checkKey(key: string): string {
  if (!/^[\x20-\x7e]{1,200}$/.test(key)) throw problem('usage', 'an Idempotency-Key has 1 to 200 printable characters');
  return key;
}

/** An empty book, bounded by `idempotencyKeysMax` and `idempotencyMs`. */
export function createAnswerBook(limits: Limits, clock: Pick<Clock, 'monotonic'>): AnswerBook {
  /** Oldest first, since a key is entered once and never moved. */
  const entries = new Map<string, Entry>();

  const makeRoom = (now: number): void => {
    for (const [key, entry] of entries) {
      const full = entries.size >= limits.idempotencyKeysMax;
      if (!full && entry.until > now) return;
      if (entry.settled) entries.delete(key);
    }
    if (entries.size >= limits.idempotencyKeysMax) throw problem('busy', 'too many requests with an Idempotency-Key are under way');
  };

  return {
    once: async (key, print, run) => {
      const now = clock.monotonic();
      const known = entries.get(key);
      if (known !== undefined && !(known.settled && known.until <= now)) {
        if (known.print !== print)
          throw problem('conflict', 'this Idempotency-Key was used for another request', { hint: 'use a new key' });
        return known.answer;
      }
      entries.delete(key);
      makeRoom(now);
      const entry: Entry = { print, answer: run(), until: now + limits.idempotencyMs, settled: false };
      entries.set(key, entry);
      try {
        const answer = await entry.answer;
        if (answer.status >= 500 || answer.status === 429) entries.delete(key);
        return answer;
      } catch (thrown) {
        entries.delete(key);
        throw thrown;
      } finally {
        entry.settled = true;
      }
    },
  };
}
