/** A worker's host: measured now and then, for the beats and for whoever asks. */
import { asCubeError } from '../../src/core/errors.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Usage } from '../../src/core/node.ts';
import type { Ambient } from '../../src/ports/ambient.ts';
import type { HostMeter, HostSample, Runtime } from '../../src/ports/runtime.ts';
import { EngineWatch, type EngineWatchDeps } from './engine-watch.ts';
import { TaskMeter, type TaskMeterDeps } from './task-meter.ts';

/** What is needed to measure. */
export interface HostDeps extends EngineWatchDeps, TaskMeterDeps {
  readonly ambient: Pick<Ambient, 'clock' | 'log'>;
  readonly limits: Pick<Limits, 'measureMs' | 'engineLookMs' | 'engineAnswerMs' | 'measureTasksMs' | 'statsAgeMs'>;
  readonly runtime: Pick<Runtime, 'ping' | 'usage'>;
  readonly meter: HostMeter;
}

/** One host, from the first measurement to the last. */
export class Host {
  /** Whether its engine answers. */
  readonly engine: EngineWatch;
  /** What its tasks use. */
  readonly tasks: TaskMeter;
  readonly #deps: HostDeps;
  #last: HostSample | undefined;
  #timer: unknown;
  #ended = false;

  constructor(deps: HostDeps) {
    this.#deps = deps;
    this.engine = new EngineWatch(deps);
    this.tasks = new TaskMeter(deps);
  }

  /** What was last measured; null before the first time. */
  get usage(): Usage | null {
    return this.#last ? { used: this.#last.used, at: this.#last.at } : null;
  }

  /** The host as it is: measured now, unless that was just done. Who asks twice wants to know what happened in between. */
  async sample(): Promise<HostSample> {
    const { ambient, limits, meter } = this.#deps;
    if (this.#last && ambient.clock.now() - this.#last.at < limits.statsAgeMs) return this.#last;
    this.#last = await meter.measure();
    return this.#last;
  }

  /** Measures from now on. What cannot be measured is said, and measured again next time. */
  async measure(): Promise<void> {
    const { ambient, limits, meter } = this.#deps;
    ambient.clock.clearTimeout(this.#timer);
    if (!this.#ended) {
      this.engine.start();
      this.tasks.start();
    }
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
    this.engine.end();
    this.tasks.end();
    this.#deps.ambient.clock.clearTimeout(this.#timer);
  }
}
