/** The kept-logs port: what attempts wrote whose containers are gone. Bounded by who uses it; a driver keeps what it is given. */
import type { LogChunk } from './runtime.ts';

/** One attempt's output that is kept. */
export interface KeptLog {
  readonly taskId: string;
  readonly attempt: number;
  /** What it takes on the disk. */
  readonly bytes: number;
  /** ms since the epoch. */
  readonly keptAt: number;
}

/** Where output outlives its containers. */
export interface KeptLogs {
  /** All that is there. @throws CubeError `store-failed` when that cannot be read */
  list(): Promise<readonly KeptLog[]>;
  /** Keeps an attempt's output, whole or not at all, over an earlier one; on disk when this settles. @throws CubeError `store-failed` */
  keep(taskId: string, attempt: number, chunks: readonly LogChunk[]): Promise<KeptLog>;
  /** What was kept, or undefined; of a damaged one what can be read. @throws CubeError `store-failed` */
  read(taskId: string, attempt: number): Promise<readonly LogChunk[] | undefined>;
  /** Drops it; gone already is fine. @throws CubeError `store-failed` */
  remove(taskId: string, attempt: number): Promise<void>;
}
