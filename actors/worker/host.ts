/** A worker's host: measured now and then, for the beats and for whoever asks. */
import { asCubeError } from '../../src/core/errors.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Usage } from '../../src/core/node.ts';
import type { Ambient } from '../../src/ports/ambient.ts';
import type { HostMeter, HostSample } from '../../src/ports/runtime.ts';

/** What is needed to measure. */
export interface HostDeps {
  readonly ambient: Pick<Ambient, 'clock' | 'log'>;
  readonly limits: Pick<Limits, 'measureMs'>;
  readonly meter: HostMeter;
}

/** One host, from the first measurement to the last. */
export class Host {
  readonly #deps: HostDeps;
  #last: HostSample | undefined;
  #timer: unknown;
  #ended = false;

  constructor(deps: HostDeps) {
    this.#deps = deps;
  }

  /** What was last measured; null before the first time. */
  get usage(): Usage | null {
    return this.#last ? { used: this.#last.used, at: this.#last.at } : null;
  }

  /** The host as it was last measured, now if it never was. */
  async sample(): Promise<HostSample> {
    return this.#last ?? (await this.#deps.meter.measure());
  }

  /** Measures from now on. What cannot be measured is said, and measured again next time. */
  async measure(): Promise<void> {
    const { ambient, limits, meter } = this.#deps;
    ambient.clock.clearTimeout(this.#timer);
    try {
      this.#last = await meter.measure();
    } catch (thrown) {
      ambient.log.warn(`the host could not be measured: ${asCubeError(thrown).message}`);
    }
    if (!this.#ended) this.#timer = ambient.clock.setTimeout(() => void this.measure(), limits.measureMs);
  }

  /** Measures no more. */
  end(): void {
    this.#ended = true;
    this.#deps.ambient.clock.clearTimeout(this.#timer);
  }
}
