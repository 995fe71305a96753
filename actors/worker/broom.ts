/** Removes containers that are needed no more. Nobody waits for it, and it does not give up while the engine does not answer. */
import { asCubeError } from '../../src/core/errors.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Ambient } from '../../src/ports/ambient.ts';
import type { ContainerRef, Runtime } from '../../src/ports/runtime.ts';

/** What a broom works with. */
export interface BroomDeps {
  readonly ambient: Pick<Ambient, 'clock' | 'log'>;
  readonly limits: Pick<Limits, 'engineRetryMs'>;
  readonly runtime: Pick<Runtime, 'remove'>;
}

/** One worker's broom. */
export class Broom {
  readonly #deps: BroomDeps;

  constructor(deps: BroomDeps) {
    this.#deps = deps;
  }

  /** Removes a container, now or when the engine answers again. */
  sweep(ref: ContainerRef): void {
    const { ambient, limits, runtime } = this.#deps;
    runtime.remove(ref).catch((thrown: unknown) => {
      const { code, message } = asCubeError(thrown, 'engine-error');
      if (code === 'no-engine') ambient.clock.setTimeout(() => this.sweep(ref), limits.engineRetryMs);
      // A leftover costs disk, not correctness.
      else ambient.log.warn(`container ${ref.name} could not be removed: ${message}`);
    });
  }
}
