/**
 * When each deployment last got on, by a clock that nobody sets; never stored. A new leadership begins to count anew: while nobody led
 * nothing could get on.
 */
import type { JobRecord } from '../../src/core/job.ts';
import type { Clock } from '../../src/ports/ambient.ts';

/** The progress of all jobs' newest deployments. */
export class Progress {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #at = new Map<string, { readonly id: string; readonly at: number }>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** A job's deployment got on now, or is let go on. */
  note({ name, deployment }: JobRecord): void {
    if (deployment) this.#at.set(name, { id: deployment.id, at: this.#clock.monotonic() });
  }

  /** For how long it has not, in ms. One that was not known before begins to count. */
  quietMs(job: JobRecord): number {
    const known = this.#at.get(job.name);
    if (known === undefined || known.id !== job.deployment?.id) {
      this.note(job);
      return 0;
    }
    return this.#clock.monotonic() - known.at;
  }

  forget(name: string): void {
    this.#at.delete(name);
  }
}
