/**
 * Reports on their way to the manager: only the newest of a task travels, several travel together, and each is kept until the
 * manager says that it is committed.
 */
import type { Limits } from '../../src/core/limits.ts';
import type { TaskReport } from '../../src/core/task.ts';
import type { Clock } from '../../src/ports/ambient.ts';

/** One worker's reports. */
export class Reporter {
  /** Not acknowledged yet, by task. */
  readonly #open = new Map<string, TaskReport>();
  /** To be sent with the next batch. */
  readonly #dirty = new Set<string>();
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #send: (reports: readonly TaskReport[]) => void;
  #connected = false;
  #timer: unknown = undefined;
  #idle: (() => void)[] = [];

  constructor(clock: Clock, limits: Limits, send: (reports: readonly TaskReport[]) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#send = send;
  }

  /** Takes a task's newest report. */
  add(report: TaskReport): void {
    this.#open.set(report.id, report);
    this.#dirty.add(report.id);
    if (this.#connected) this.#timer ??= this.#clock.setTimeout(() => this.#flush(), this.#limits.reportBatchMs);
  }

  /** The link is open: sends all that was not acknowledged. */
  connect(): void {
    this.#connected = true;
    for (const id of this.#open.keys()) this.#dirty.add(id);
    this.#flush();
  }

  /** The link is gone: keeps everything. */
  disconnect(): void {
    this.#connected = false;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wake();
  }

  /** The manager has committed these. */
  acknowledge(acks: readonly { readonly id: string; readonly sequence: number }[]): void {
    for (const { id, sequence } of acks) {
      const report = this.#open.get(id);
      if (report && report.sequence <= sequence) this.#open.delete(id);
    }
    if (this.#open.size === 0) this.#wake();
  }

  /** Whether a task's newest report is not acknowledged yet. */
  isOpen(id: string): boolean {
    return this.#open.has(id);
  }

  /** A task that is no longer kept needs no report. */
  drop(id: string): void {
    this.#open.delete(id);
    this.#dirty.delete(id);
  }

  /** Settles when all is acknowledged, or nobody is there to do so. */
  settled(): Promise<void> {
    if (this.#open.size === 0 || !this.#connected) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #flush(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    const reports: TaskReport[] = [];
    for (const id of this.#dirty) {
      const report = this.#open.get(id);
      if (report) reports.push(report);
    }
    this.#dirty.clear();
    if (reports.length > 0) this.#send(reports);
  }

  #wake(): void {
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }
}
