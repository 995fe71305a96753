/** A worker's tasks, measured now and then while there are any: what the beats say of them. */
import { asCubeError } from '../../src/core/errors.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { TaskUsage } from '../../src/core/node.ts';
import type { Ambient } from '../../src/ports/ambient.ts';
import type { Runtime } from '../../src/ports/runtime.ts';
import type { WorkerBook } from './book.ts';

/** What is needed to measure. */
export interface TaskMeterDeps {
  readonly ambient: Pick<Ambient, 'clock' | 'log'>;
  readonly limits: Pick<Limits, 'measureTasksMs'>;
  readonly runtime: Pick<Runtime, 'usage'>;
  readonly book: Pick<WorkerBook, 'entries'>;
}

/** The tasks of one worker, from the first measurement to the last. */
export class TaskMeter {
  readonly #deps: TaskMeterDeps;
  #last: readonly TaskUsage[] = [];
  /** Whether the manager may not have heard the last measurement. */
  #isNews = true;
  #timer: unknown;
  #measures = false;
  /** Whether the last try failed: that is said once. */
  #fails = false;

  constructor(deps: TaskMeterDeps) {
    this.#deps = deps;
  }

  /** Measures from now on. */
  start(): void {
    if (this.#measures) return;
    this.#measures = true;
    this.#next();
  }

  /** Measures no more. */
  end(): void {
    this.#measures = false;
    this.#deps.ambient.clock.clearTimeout(this.#timer);
  }

  /** There is a new link: whoever is at its other end has heard nothing yet. */
  retell(): void {
    this.#isNews = true;
  }

  /** What the next beat adds: all that was measured, where that is news. */
  tell(): { readonly tasks?: readonly TaskUsage[] } {
    if (!this.#isNews) return {};
    this.#isNews = false;
    return { tasks: this.#last };
  }

  #next(): void {
    if (!this.#measures) return;
    this.#timer = this.#deps.ambient.clock.setTimeout(
      () => void this.#measure().finally(() => this.#next()),
      this.#deps.limits.measureTasksMs,
    );
  }

  /** Nothing is asked of the runtime while nothing runs. What cannot be measured is not known: better no number than an old one. */
  async #measure(): Promise<void> {
    const running = new Set([...this.#deps.book.entries].flatMap(([id, { report }]) => (report?.state === 'running' ? [id] : [])));
    let usages: readonly TaskUsage[] = [];
    try {
      if (running.size > 0) usages = (await this.#deps.runtime.usage()).map(usageOf).filter(({ id }) => running.has(id));
      this.#fails = false;
    } catch (thrown) {
      if (!this.#fails) this.#deps.ambient.log.warn(`the tasks could not be measured: ${asCubeError(thrown).message}`);
      this.#fails = true;
    }
    if (isSame(this.#last, usages)) return;
    this.#last = usages;
    this.#isNews = true;
  }
}

/** Thousandths of a core: what is less is noise, and would be told again and again. */
const coreParts = 1_000;

function usageOf({ taskId, cpu, ...amounts }: Awaited<ReturnType<Runtime['usage']>>[number]): TaskUsage {
  return { id: taskId, cpu: cpu === null ? null : Math.round(cpu * coreParts) / coreParts, ...amounts };
}

function isSame(before: readonly TaskUsage[], now: readonly TaskUsage[]): boolean {
  if (before.length !== now.length) return false;
  const known = new Map(before.map((one) => [one.id, one]));
  return now.every((one) => {
    const other = known.get(one.id);
    return (
      other !== undefined &&
      other.cpu === one.cpu &&
      other.memoryBytes === one.memoryBytes &&
      other.networkInBytes === one.networkInBytes &&
      other.networkOutBytes === one.networkOutBytes
    );
  });
}
