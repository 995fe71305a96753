/**
 * Answers to requests with an Idempotency-Key. A key is written down in the commit that holds what was done under it: who comes with it
 * again is answered from that record, also by a manager that was started anew, and nothing is done twice.
 */
import { createHash } from 'node:crypto';
import { problem } from '../../src/core/errors.ts';
import type { JobRecord } from '../../src/core/job.ts';
import type { RequestKey } from '../../src/ports/control.ts';
import type { Leader } from './leader.ts';

/** What was done under a key. Kept under a hash of the key: whoever reads the disk cannot use it. */
export interface KeptAnswer {
  /** What the key stands for: a hash of it and the request. */
  readonly print: string;
  /** ms since the epoch. */
  readonly at: number;
  /** The method of the control port. */
  readonly what: string;
  /** What was found or made, as far as an answer needs it: of a job that is gone by then little is told. */
  readonly done: unknown;
}

/** One change of a keyed request, which may make several one after the other: they count from 0. */
export interface KeyedChange extends RequestKey {
  readonly step: number;
}

/**
 * Makes a change once for its key. To be called inside a turn.
 * @param what the method of the control port
 * @param run makes the change; what it throws is not kept, because nothing was done
 * @returns what it returned, when it was first made
 * @throws CubeError `conflict` when the key stands for another request
 */
export function onceFor<T>(leader: Leader, change: KeyedChange, what: string, run: () => T): T {
  const { limits, ambient } = leader.deps;
  const now = ambient.clock.now();
  const key = digest(change.key, String(change.step));
  const print = digest(change.key, change.print);
  const known = leader.state.answers.get(key);
  if (known !== undefined && known.at + limits.idempotencyMs > now) {
    if (known.print === print && known.what === what) return known.done as T;
    throw problem('conflict', 'this Idempotency-Key was used for another request', { hint: 'use a new key' });
  }
  const done = run();
  leader.ledger.putAnswer(key, { print, at: now, what, done: slim(done) });
  trimAnswers(leader, now);
  return done;
}

/** Forgets answers that are too old or too many: the oldest first. To be called inside a turn. @param now ms since the epoch */
export function trimAnswers(leader: Leader, now: number): void {
  const { idempotencyMs, idempotencyKeysMax } = leader.deps.limits;
  for (const [key, { at }] of leader.state.answers) {
    if (leader.state.answers.size <= idempotencyKeysMax && at + idempotencyMs > now) return;
    leader.ledger.removeAnswer(key);
  }
}

/** With the key in it, a request cannot be guessed from its print. */
function digest(key: string, text: string): string {
  return createHash('sha256')
    .update(JSON.stringify([key, text]))
    .digest('base64');
}

/** A value with its jobs cut down to what tells them apart: thousands of these are kept, and a job that is still there is looked up. */
function slim(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if (isJob(value)) return slimJob(value);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, slim(inner)]));
}

function isJob(value: object): value is JobRecord {
  return 'spec' in value && 'hashes' in value && 'stopWanted' in value;
}

function slimJob({ seats: _seats, ...job }: JobRecord): JobRecord {
  const { name, type, datacenters, priority } = job.spec;
  return { ...job, spec: { name, type, datacenters, priority, labels: {}, tasks: {} }, hashes: {} };
}
