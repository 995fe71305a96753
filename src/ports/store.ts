/**
 * The store port. A store holds records by kind and key and commits batches: all of a batch or nothing, on disk before the
 * promise settles. Batches commit in the order in which they were given. After a failed commit the store takes no other
 * (`store-failed`) until it is opened anew.
 */

import type { Epoch } from '../core/events.ts';

/** A record's kind. Each kind has a version of its own in the codec. */
export const storeKinds = [
  'meta',
  'job',
  /** The specs of a job's versions. */
  'version',
  /** What became of a job's versions. */
  'release',
  'task',
  'node',
  'event',
  /** Answers to requests with an Idempotency-Key. */
  'answer',
  'order',
  /** Volumes: which node a slot's data is on. */
  'claim',
  /** Secrets, configs and payloads, sealed. */
  'file',
] as const;

/** One of them. */
export type Kind = (typeof storeKinds)[number];

/** A record to write, over an earlier one of its key. */
export interface Put {
  readonly kind: Kind;
  readonly key: string;
  readonly value: unknown;
}

/** A record to remove; that it is gone already is fine. */
export interface Removal {
  readonly kind: Kind;
  readonly key: string;
}

/** Changes that are made together or not at all. */
export interface Batch {
  readonly puts: readonly Put[];
  readonly removals: readonly Removal[];
}

/** What a store holds, and what was found wrong while reading it. */
export interface Loaded {
  /** Number of the last commit; 0 for an empty store. */
  readonly revision: number;
  /** Records by kind, each kind a map from key to value, in key order. Every kind has one but `event`: those are many, `range` reads them. */
  readonly records: ReadonlyMap<Kind, ReadonlyMap<string, unknown>>;
  /** Damage, in sentences for people: a record whose CRC is wrong, a gap in the commits. */
  readonly damage: readonly string[];
}

/** What a backup says of itself beside its records. */
export interface BackupAbout {
  readonly clusterId: string;
  readonly epoch: Epoch;
  /** Cube's version. */
  readonly version: string;
  /** ms since the epoch. */
  readonly createdAt: number;
}

/** Where records live over restarts. One process has it open. */
export interface Store {
  /**
   * Opens the store, opens it anew after a failure, and reads everything but the events. Comes before any commit or range.
   * @throws CubeError `data-held` when another process has it open, `store-failed` when it cannot be read, `data-newer` when a newer
   * Cube wrote it
   */
  load(): Promise<Loaded>;
  /**
   * Makes a batch durable.
   * @returns the number of the commit that holds it, higher than every earlier one
   * @throws CubeError `busy` (nothing was taken) when the queue is full, `store-failed` when the disk said no
   */
  commit(batch: Batch): Promise<number>;
  /** Records of a kind with keys from `from` (inclusive) on, at most `limit`; what is read is what was committed. */
  range(kind: Kind, from: string, limit: number): Promise<readonly { readonly key: string; readonly value: unknown }[]>;
  /**
   * The bytes of a backup file (src/store/backup.ts) with every record as it is between two commits; commits go on meanwhile.
   * @throws CubeError `store-failed` while it is read, also when the store is closed or opened anew: what was read until then is no backup
   */
  backup(about: BackupAbout): AsyncIterable<Uint8Array>;
  /** Waits for what is under way and lets go. */
  close(): Promise<void>;
}
