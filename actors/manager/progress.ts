/**
 * When each deployment last got on, by a clock that nobody sets; never stored. A new leadership begins to count anew: while nobody led
 * nothing could get on.
 */
import type { JobRecord } from '../../src/core/job.ts';
import type { Clock } from '../../src/ports/ambient.ts';

interface Entry {
  readonly id: string;
  readonly most: number;
  readonly at: number;
}

/** The progress of all jobs' newest deployments. */
export class Progress {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** A job's deployment has so many instances that are what they should be, or is let go on. What falls back and comes again is none. */
  note({ name, deployment }: JobRecord, updated: number): void {
    if (deployment) this.#entries.set(name, { id: deployment.id, most: updated, at: this.#clock.monotonic() });
  }

  /** The most there were, and for how long there were no more, in ms. A deployment that was not known before begins to count. */
  of(job: JobRecord): { readonly most: number; readonly quietMs: number } {
    const known = this.#entries.get(job.name);
    if (known === undefined || known.id !== job.deployment?.id) {
      this.note(job, job.deployment?.updated ?? 0);
      return { most: job.deployment?.updated ?? 0, quietMs: 0 };
    }
    return { most: known.most, quietMs: this.#clock.monotonic() - known.at };
  }

  forget(name: string): void {
    this.#entries.delete(name);
  }
}
