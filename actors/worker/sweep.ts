/**
 * The sweep: now and then a worker compares the containers that are there with the tasks it knows, and cleans up what is decided in
 * core/cleaning.ts. The container of a live task is never touched, nor anything without the labels of this cluster and node.
 */
import { sortContainers, type KnownTask, type PresentContainer } from '../../src/core/cleaning.ts';
import { asCubeError } from '../../src/core/errors.ts';
import { formatDuration } from '../../src/core/duration.ts';
import type { Limits } from '../../src/core/limits.ts';
import { finalStates } from '../../src/core/task.ts';
import type { Ambient } from '../../src/ports/ambient.ts';
import type { Found } from '../../src/ports/runtime.ts';
import type { WorkerBook } from './book.ts';
import type { Containers } from './containers.ts';
import type { Images } from './images.ts';
import type { Orphans } from './orphans.ts';
import type { Retiring } from './retiring.ts';

/** What sweeping needs. */
export interface SweepDeps {
  readonly ambient: Pick<Ambient, 'clock' | 'log'>;
  readonly limits: Limits;
  readonly book: WorkerBook;
  readonly containers: Containers;
  readonly retiring: Retiring;
  readonly orphans: Orphans;
  readonly images: Images;
}

type Present = PresentContainer & { readonly found: Found };

/** One worker's sweep, again and again. */
export class Sweep {
  readonly #deps: SweepDeps;
  /** Second containers of known tasks, with the monotonic time at which they were seen first. */
  readonly #strays = new Map<string, number>();
  #timer: unknown;
  #timerAt = Number.POSITIVE_INFINITY;
  #isUnderWay = false;
  #ended = false;

  constructor(deps: SweepDeps) {
    this.#deps = deps;
  }

  /** Sweeps in `ms`, or sooner if that was agreed, and from then on. */
  soon(ms: number): void {
    const { clock } = this.#deps.ambient;
    const at = clock.monotonic() + ms;
    if (this.#ended || at >= this.#timerAt) return;
    clock.clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = clock.setTimeout(() => void this.#run(), ms);
  }

  /** Sweeps no more. */
  end(): void {
    this.#ended = true;
    this.#deps.ambient.clock.clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    const { ambient, limits, orphans } = this.#deps;
    this.#timerAt = Number.POSITIVE_INFINITY;
    if (this.#isUnderWay) return this.soon(limits.sweepMsMin);
    this.#isUnderWay = true;
    try {
      await this.#sweep();
    } catch (thrown) {
      // The engine or the disk is away: what is left is met again next time, and others say what is wrong with it.
      ambient.log.debug(`not all could be cleaned up: ${asCubeError(thrown, 'engine-error').message}`);
    }
    this.#isUnderWay = false;
    const now = ambient.clock.monotonic();
    const strayDueAt = Math.min(...this.#strays.values()) + limits.orphanGraceMs;
    const dueMs = Math.max(limits.sweepMsMin, Math.min(strayDueAt, orphans.dueAt) - now);
    this.soon(Math.min(limits.sweepMs, dueMs));
  }

  async #sweep(): Promise<void> {
    const { ambient, limits, book, containers, retiring, orphans, images } = this.#deps;
    // Before the book is read: a task is in the book before its container is made, so that none of these is too young to be known.
    const all = await containers.look();
    const present = all.filter(({ ref }) => !retiring.isLeaving(ref.id)).map(presentOf);
    const sorted = sortContainers(present, knownTasks(book), ambient.clock.now(), limits);
    for (const { found, taskId, attempt } of sorted.dead) void retiring.retire(taskId, attempt, found.ref, { atOnce: true });
    await this.#dealWithStrays(sorted.strays);
    await orphans.look(
      sorted.orphans.map(({ found }) => found),
      new Set(all.map(({ taskId }) => taskId)),
    );
    await retiring.open();
    await retiring.trim();
    await images.clean();
  }

  async #dealWithStrays(strays: readonly Present[]): Promise<void> {
    const { ambient, limits, book, orphans } = this.#deps;
    const now = ambient.clock.monotonic();
    const ids = new Set(strays.map(({ id }) => id));
    for (const id of this.#strays.keys()) if (!ids.has(id)) this.#strays.delete(id);
    await Promise.all(
      strays.map(async ({ id, taskId, found }) => {
        const since = this.#strays.get(id);
        const entry = book.entries.get(taskId);
        // An ended task's own container that somebody started again keeps its output: it is only stopped.
        const stopOnly = entry?.observed?.containerId === id;
        if (since === undefined) {
          this.#strays.set(id, now);
          const slot = entry?.order.slot ?? taskId;
          const what = stopOnly ? `is of ${slot}, which is over, and runs again` : `is beside the one that ${slot} should have`;
          const goes = `it is ${stopOnly ? 'stopped' : 'stopped and removed'} in ${formatDuration(limits.orphanGraceMs)}`;
          ambient.log.warn(`container ${found.ref.name} ${what}: ${goes}`, { task: taskId });
        } else if (now - since >= limits.orphanGraceMs) await orphans.takeAway(found.ref, { stopOnly });
      }),
    );
  }
}

function presentOf(found: Found): Present {
  const { ref, taskId, attempt, state, createdAt, exit } = found;
  return { id: ref.id, taskId, attempt, state, createdAt, ...(exit ? { finishedAt: exit.finishedAt } : {}), found };
}

function knownTasks(book: WorkerBook): ReadonlyMap<string, KnownTask> {
  const known = new Map<string, KnownTask>();
  for (const [id, { observed, report }] of book.entries) {
    const { attempt = 1, containerId, endedContainerId } = observed ?? {};
    known.set(id, {
      isOver: report !== null && finalStates.has(report.state),
      attempt,
      ...(containerId === undefined ? {} : { containerId }),
      ...(endedContainerId === undefined ? {} : { endedContainerId }),
    });
  }
  return known;
}
