/**
 * The version of each kind's records, and how a record of an earlier version becomes one of the next. A released version is
 * never changed: raise `version` by one, add the step from the old one, and add a data directory of the release to
 * `test/fixtures/`. Records are upgraded as they are read and stored in their new form when they next change.
 */
import type { RecordKind } from './keys.ts';

/** A kind's version, and the steps to it. */
export interface KindVersion {
  /** The version that is written, 1 to 255. */
  readonly version: number;
  /** By version N: makes a value of version N into one of N + 1. */
  readonly upgrades: Readonly<Record<number, (value: unknown) => unknown>>;
}

/** The version of every kind. */
export type KindVersions = Readonly<Record<RecordKind, KindVersion>>;

const first: KindVersion = { version: 1, upgrades: {} };

/** What this release writes. */
export const recordVersions: KindVersions = {
  meta: first,
  job: first,
  version: first,
  task: first,
  node: first,
  event: first,
  answer: first,
  release: first,
  claim: first,
  file: first,
  order: first,
  mark: first,
  head: first,
};
