/** Containers of a worker as they were last seen, and those that go with their tasks. */
import { asCubeError } from '../../src/core/errors.ts';
import { containerName } from '../../src/core/ids.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Ambient } from '../../src/ports/ambient.ts';
import type { ContainerRef, Found, Runtime } from '../../src/ports/runtime.ts';
import type { Entry } from './book.ts';

/** What is needed to look for containers, and to remove them. */
export interface ContainersDeps {
  readonly ambient: Pick<Ambient, 'clock' | 'log'>;
  readonly limits: Pick<Limits, 'engineRetryMs'>;
  readonly runtime: Pick<Runtime, 'list' | 'remove'>;
}

/** One worker's containers. */
export class Containers {
  readonly #deps: ContainersDeps;
  readonly #leaving = new Set<string>();
  #found = new Map<string, Found[]>();

  constructor(deps: ContainersDeps) {
    this.#deps = deps;
  }

  /** Looks at what is there, but for what is being removed. @throws CubeError of the runtime */
  async look(): Promise<readonly Found[]> {
    const all = await this.#deps.runtime.list();
    const found = new Map<string, Found[]>();
    const present = all.filter(({ ref }) => !this.#leaving.has(ref.id));
    for (const one of present) found.set(one.taskId, [...(found.get(one.taskId) ?? []), one]);
    this.#found = found;
    return present;
  }

  /**
   * Containers of a task that were there, its present one before others of the same attempt. What carries the task's labels under
   * another name was made by somebody else's hand: the sweep deals with it.
   */
  of(taskId: string, entry: Entry | undefined): readonly Found[] {
    const found = this.#found.get(taskId) ?? [];
    if (entry === undefined) return found;
    const { containerId, endedContainerId } = entry.observed ?? {};
    const isKnown = ({ ref }: Found): boolean => ref.id === containerId || ref.id === endedContainerId;
    const isNamed = ({ ref, attempt }: Found): boolean => ref.name === containerName(entry.order, attempt);
    return [...found.filter(isKnown), ...found.filter((one) => !isKnown(one) && isNamed(one))];
  }

  /** Tasks whose containers were there, and which are not known. */
  unknown(isKnown: (taskId: string) => boolean): { id: string; running: boolean; slot?: string }[] {
    return [...this.#found]
      .filter(([id]) => !isKnown(id))
      .map(([id, found]) => {
        const slot = found.find((one) => one.slot !== undefined)?.slot;
        return { id, running: found.some(({ state }) => state === 'running'), ...(slot === undefined ? {} : { slot }) };
      });
  }

  /** Removes the containers of a task that were there. */
  clear(taskId: string): void {
    for (const { ref } of this.#found.get(taskId) ?? []) this.remove(ref);
    this.#found.delete(taskId);
  }

  /** Removes a container, now or when the engine answers again. Nobody waits for it. */
  remove(ref: ContainerRef): void {
    const { ambient, limits, runtime } = this.#deps;
    this.#leaving.add(ref.id);
    runtime.remove(ref).then(
      () => this.#leaving.delete(ref.id),
      (thrown: unknown) => {
        const { code, message } = asCubeError(thrown, 'engine-error');
        if (code === 'no-engine') return ambient.clock.setTimeout(() => this.remove(ref), limits.engineRetryMs);
        this.#leaving.delete(ref.id);
        // A leftover costs disk, not correctness: the sweep meets it again.
        return ambient.log.warn(`container ${ref.name} could not be removed: ${message}`);
      },
    );
  }
}
