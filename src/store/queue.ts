/**
 * Group commit: one write is under way while the next batches collect; all that wait (up to a number of records) go
 * together into the next write. After a failed write nothing more is taken: what waits behind a write that may be half
 * known must not be made durable without it.
 */
import { asCubeError, problem } from '../core/errors.ts';
import type { CubeError } from '../core/errors.ts';
import { counted } from '../core/text.ts';

/** How much waits, how much is written at once, and how. */
export interface QueueOptions<T> {
  /** Items that may wait, the ones being written not counted. */
  readonly waitingMax: number;
  /** Records in one write; a single item that has more goes alone. */
  readonly recordsMax: number;
  /** Makes items durable, in their order. */
  readonly write: (items: readonly T[]) => Promise<void>;
}

/** Items on their way to the disk. */
export interface CommitQueue<T> {
  /** @throws CubeError `busy` when there is no room for one more, `store-failed` after a failed write */
  checkRoom(): void;
  /** Takes an item, in the order of the calls; settles when its write has. Call `checkRoom` before. */
  add(item: T, records: number): Promise<void>;
  /** Settles when nothing waits and nothing is under way. */
  idle(): Promise<void>;
}

interface Waiting<T> {
  readonly item: T;
  readonly records: number;
  readonly done: () => void;
  readonly failed: (error: CubeError) => void;
}

/** An empty queue. After a failed write it is of no more use. */
export function createQueue<T>({ waitingMax, recordsMax, write }: QueueOptions<T>): CommitQueue<T> {
  let waiting: Waiting<T>[] = [];
  let runner: Promise<void> | undefined;
  let failure: CubeError | undefined;

  function nextGroup(): Waiting<T>[] {
    let count = 0;
    let records = 0;
    for (const one of waiting) {
      if (count > 0 && records + one.records > recordsMax) break;
      records += one.records;
      count++;
    }
    return waiting.splice(0, count);
  }

  async function run(): Promise<void> {
    // One turn later, so that what is committed in the same turn shares a write.
    await Promise.resolve();
    while (waiting.length > 0) {
      const group = nextGroup();
      try {
        await write(group.map(({ item }) => item));
      } catch (thrown) {
        failure = asCubeError(thrown, 'store-failed');
        const left = [...group, ...waiting];
        waiting = [];
        for (const one of left) one.failed(refusal(failure));
        break;
      }
      for (const one of group) one.done();
    }
    runner = undefined;
  }

  return {
    checkRoom() {
      if (failure) throw refusal(failure);
      if (waiting.length >= waitingMax) throw problem('busy', `${counted(waiting.length, 'commit')} wait for the disk already`);
    },
    add(item, records) {
      const settled = new Promise<void>((done, failed) => waiting.push({ item, records, done, failed }));
      runner ??= run();
      return settled;
    },
    async idle() {
      while (runner) await runner;
    },
  };
}

/** Each caller gets an error of its own, with the failure behind it. */
function refusal(failure: CubeError): CubeError {
  return problem('store-failed', failure.message, { hint: failure.hint, cause: failure });
}
