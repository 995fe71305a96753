/** The store: commits, reads, and events kept. Named, settable and checked by ../limits.ts. */
export const storeLimits = {
  /** Commits that may wait for the disk; past it the answer is 429. */
  storeQueueMax: 10_000,
  /** Records in one batch. */
  storeBatchMax: 10_000,
  /** Commit marks kept, by which a gap is found at load. */
  storeMarksMax: 1_000,
  /** Records, and bytes, read from the disk in one step. */
  storeReadRecordsMax: 1_000,
  storeReadBytesMax: 1_048_576,
  /** Sentences about damage that are remembered, so that they count as a loss once. */
  damageKnownMax: 10_000,
  /** Events kept: age and number. */
  eventsAgeMs: 72 * 3_600_000,
  eventsMax: 100_000,
  /** Events read or removed at a time. */
  eventsPageMax: 1_000,
  /** How often events are looked at for their age. */
  eventsSweepMs: 3_600_000,
};
