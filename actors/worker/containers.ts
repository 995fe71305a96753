/** Containers of a worker beside its live tasks: those that were there when it started, and those that are needed no more. */
import { asCubeError } from '../../src/core/errors.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Ambient } from '../../src/ports/ambient.ts';
import type { ContainerRef, Found, Runtime } from '../../src/ports/runtime.ts';

/** What is needed to look for containers, and to remove them. */
export interface ContainersDeps {
  readonly ambient: Pick<Ambient, 'clock' | 'log'>;
  readonly limits: Pick<Limits, 'engineRetryMs'>;
  readonly runtime: Pick<Runtime, 'list' | 'remove'>;
}

/** One worker's containers. */
export class Containers {
  readonly #deps: ContainersDeps;
  #found = new Map<string, Found[]>();

  constructor(deps: ContainersDeps) {
    this.#deps = deps;
  }

  /** Looks at what is there. @throws CubeError of the runtime */
  async look(): Promise<void> {
    const found = new Map<string, Found[]>();
    for (const one of await this.#deps.runtime.list()) found.set(one.taskId, [...(found.get(one.taskId) ?? []), one]);
    this.#found = found;
  }

  /** Containers of a task that were there. */
  of(taskId: string): readonly Found[] {
    return this.#found.get(taskId) ?? [];
  }

  /** Tasks whose containers were there, and which are not known. */
  unknown(isKnown: (taskId: string) => boolean): { id: string; running: boolean }[] {
    return [...this.#found]
      .filter(([id]) => !isKnown(id))
      .map(([id, found]) => ({ id, running: found.some(({ state }) => state === 'running') }));
  }

  /** Removes the containers of a task that were there. */
  clear(taskId: string): void {
    for (const { ref } of this.of(taskId)) this.remove(ref);
    this.#found.delete(taskId);
  }

  /** Removes a container, now or when the engine answers again. Nobody waits for it. */
  remove(ref: ContainerRef): void {
    const { ambient, limits, runtime } = this.#deps;
    runtime.remove(ref).catch((thrown: unknown) => {
      const { code, message } = asCubeError(thrown, 'engine-error');
      if (code === 'no-engine') ambient.clock.setTimeout(() => this.remove(ref), limits.engineRetryMs);
      // A leftover costs disk, not correctness.
      else ambient.log.warn(`container ${ref.name} could not be removed: ${message}`);
    });
  }
}
