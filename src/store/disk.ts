/** What a store writes to: ordered keys with bytes, written in batches that are all there or not at all. */
import type { Bounds } from './keys.ts';

/** One change of a write. */
export type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: string };

/** A stored key and its bytes. */
export type Entry = readonly [key: string, value: Buffer];

/** A disk, held by nobody else until it is closed. */
export interface DiskHandle {
  /** The highest commit that a caller was told of, as far as is known: never too high, 0 when nothing is known. */
  readonly acknowledged: number;
  /** Applies all operations in their order, or none; on disk before the promise settles. @throws CubeError `store-failed` */
  write(operations: readonly Operation[]): Promise<void>;
  /** Entries within the bounds in byte order of their keys, at most `chunkMax` at a time. @throws CubeError `store-failed` */
  read(bounds: Bounds, chunkMax: number): AsyncIterable<readonly Entry[]>;
  /** Notes that callers are told of a commit. Cheap: it need not survive a loss of power. */
  acknowledge(revision: number): void;
  close(): Promise<void>;
}

/** A place for one store: a directory, or memory. */
export interface Disk {
  /** @throws CubeError `data-held` when another store has it open, `store-failed` when it cannot be opened */
  open(): Promise<DiskHandle>;
}

/** What goes wrong with a write: it never reaches the disk, or it does and the answer is lost. */
export type WriteFault = 'refused' | 'unanswered';

/**
 * Sees each physical write before it is made, and can hold it, or let it fail. For tests and simulation only.
 * @param write how many batches it carries, and how many records they change
 */
export type WriteProbe = (write: {
  readonly batches: number;
  readonly records: number;
}) => WriteFault | undefined | Promise<WriteFault | undefined>;
