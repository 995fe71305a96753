/**
 * Containers that carry this node's labels and belong to no task it knows. The manager is asked, and only on its word, and after a
 * grace, one is stopped and removed; without a manager, or before it has sent all it orders, everything stays.
 */
import { asCubeError } from '../../src/core/errors.ts';
import { formatDuration } from '../../src/core/duration.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Ambient } from '../../src/ports/ambient.ts';
import type { ContainerRef, Found, Runtime } from '../../src/ports/runtime.ts';
import type { WorkerBook } from './book.ts';

/** The manager's word on a task that it did not order. */
export interface Verdict {
  readonly id: string;
  readonly verdict: 'stop' | 'adopt';
}

/** What is needed to deal with them. */
export interface OrphansDeps {
  readonly ambient: Pick<Ambient, 'clock' | 'log'>;
  readonly limits: Pick<Limits, 'orphanGraceMs' | 'stopGraceMs'>;
  readonly runtime: Pick<Runtime, 'stop' | 'remove'>;
  readonly book: WorkerBook;
  /** Whether there is a manager, and it has sent all it orders: else nothing is removed. */
  readonly isHeard: () => boolean;
  /** Asks the manager about tasks; undefined while it cannot be asked. */
  readonly ask: () => ((ids: readonly string[]) => Promise<readonly Verdict[]>) | undefined;
}

/** Name of the note in the book. */
const noteName = 'adopted';

/** One worker's orphans. */
export class Orphans {
  readonly #deps: OrphansDeps;
  /** Tasks whose containers go, by the manager's word, with the monotonic time of that. */
  readonly #condemned = new Map<string, number>();
  /** Tasks that go on although the manager does not know them; kept in the book. */
  readonly #adopted: Set<string>;

  constructor(deps: OrphansDeps) {
    this.#deps = deps;
    this.#adopted = new Set(deps.book.noteOf(noteName) as readonly string[] | undefined);
  }

  /** Tasks that the manager let go on although it does not know them. */
  get adopted(): readonly string[] {
    return [...this.#adopted];
  }

  /** When the first of the condemned is due, monotonic ms. */
  get dueAt(): number {
    return Math.min(...this.#condemned.values()) + this.#deps.limits.orphanGraceMs;
  }

  /** The containers of a task are to go: said at once, done after the grace. @param names of the containers */
  condemn(taskId: string, names: readonly string[]): void {
    this.#setAdopted([taskId], false);
    if (this.#condemned.has(taskId)) return;
    const { ambient, limits } = this.#deps;
    this.#condemned.set(taskId, ambient.clock.monotonic());
    const goes = `stopped and removed in ${formatDuration(limits.orphanGraceMs)}`;
    ambient.log.warn(`nobody owns ${names.join(', ') || `the container of task ${taskId}`}: ${goes}`, { task: taskId });
  }

  /** A task goes on although the manager does not know it: said once. */
  adopt(taskId: string): void {
    this.#condemned.delete(taskId);
    if (this.#adopted.has(taskId)) return;
    this.#setAdopted([taskId], true);
    this.#deps.ambient.log.warn(`task ${taskId} goes on although the manager does not know it`, { task: taskId });
  }

  /** A task is ordered: it is nobody's no more. */
  owned(taskId: string): void {
    this.#condemned.delete(taskId);
    this.#setAdopted([taskId], false);
  }

  /** Deals with what was found to belong to no task. @param present ids of the tasks that have any container */
  async look(orphans: readonly Found[], present: ReadonlySet<string>): Promise<void> {
    const { ambient, book, isHeard, ask, limits } = this.#deps;
    const byTask = new Map<string, Found[]>();
    for (const one of orphans) byTask.set(one.taskId, [...(byTask.get(one.taskId) ?? []), one]);
    for (const id of this.#condemned.keys()) if (!byTask.has(id)) this.#condemned.delete(id);
    this.#setAdopted(
      this.adopted.filter((id) => !present.has(id) && !book.entries.has(id)),
      false,
    );
    // When there is a manager again it says anew what is to go.
    if (!isHeard()) return this.#condemned.clear();
    const manager = ask();
    const unasked = [...byTask.keys()].filter((id) => !this.#condemned.has(id) && !this.#adopted.has(id));
    if (manager && unasked.length > 0) {
      try {
        this.#hear(await manager(unasked), byTask);
      } catch (thrown) {
        // Its link is gone: so is its word.
        ambient.log.debug(`the manager could not be asked who owns what: ${asCubeError(thrown).message}`);
        return this.#condemned.clear();
      }
    }
    const dueBefore = ambient.clock.monotonic() - limits.orphanGraceMs;
    const due = [...this.#condemned].filter(([id, since]) => since <= dueBefore && !book.entries.has(id)).map(([id]) => id);
    await Promise.all(due.flatMap((id) => (byTask.get(id) ?? []).map(({ ref }) => this.takeAway(ref))));
  }

  /** Stops a container in good order, and removes it. What fails is said, and done again by the next sweep. */
  async takeAway(ref: ContainerRef, { stopOnly = false } = {}): Promise<void> {
    const { runtime, limits, ambient } = this.#deps;
    try {
      await runtime.stop(ref, { graceMs: limits.stopGraceMs });
      if (!stopOnly) await runtime.remove(ref);
    } catch (thrown) {
      ambient.log.warn(`container ${ref.name} could not be removed: ${asCubeError(thrown, 'engine-error').message}`);
    }
  }

  #hear(verdicts: readonly Verdict[], byTask: ReadonlyMap<string, readonly Found[]>): void {
    for (const { id, verdict } of verdicts) {
      // It may have been ordered while the manager was asked.
      if (this.#deps.book.entries.has(id) || !byTask.has(id)) continue;
      if (verdict === 'adopt') this.adopt(id);
      else
        this.condemn(
          id,
          byTask.get(id)!.map(({ ref }) => ref.name),
        );
    }
  }

  #setAdopted(ids: readonly string[], isSo: boolean): void {
    const changed = ids.filter((id) => this.#adopted.has(id) !== isSo);
    for (const id of changed)
      if (isSo) this.#adopted.add(id);
      else this.#adopted.delete(id);
    if (changed.length > 0) this.#deps.book.keepNote(noteName, this.adopted);
  }
}
