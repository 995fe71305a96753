/** What every part needs from outside and gets injected: time, ids, chance, log, metrics. */

/** Time. `SimulatedClock` of the tests and XState's `clock` option have the same two timer functions. */
export interface Clock {
  /** Wall time, ms since the epoch: for people and records. */
  now(): number;
  /** Milliseconds that never jump: for measuring and deadlines. */
  monotonic(): number;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
}

/** Ids and secrets; in tests both come from a seed. */
export interface Ids {
  /** A random id (uuid v4). */
  id(): string;
  /** A secret of 256 bits, as base64url. */
  secret(): string;
}

/** A number in [0, 1). */
export type Random = () => number;

/** What belongs to a log line besides its message. Secrets among them are masked by name. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The log: one line a call, from `debug` (for developers) to `error` (somebody should look). */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Numbers for `/metrics`. Names follow Prometheus: base units, `_total` for counters. */
export interface Metrics {
  count(name: string, help: string, by?: number): void;
  /** A value read when somebody asks; a record gives one value for each value of `label` (`kind` unless told). A later call replaces `read`. */
  gauge(name: string, help: string, read: () => Readonly<Record<string, number>> | number, label?: string): void;
  /** The exposition text and its content type. */
  expose(): Promise<{ readonly text: string; readonly contentType: string }>;
}

/** All of them, as they are handed to actors. */
export interface Ambient {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly log: Log;
}
