/** What a task writes, over its attempts: each runs in a container of its own. */
import { asCubeError, problem } from '../../src/core/errors.ts';
import { finalStates } from '../../src/core/task.ts';
import type { Ambient } from '../../src/ports/ambient.ts';
import type { LogChunk, Runtime } from '../../src/ports/runtime.ts';
import type { StreamRequest } from '../../src/ports/transport.ts';
import type { Entry, WorkerBook } from './book.ts';

/** What reading a task's output needs. */
export interface TaskLogsDeps {
  readonly ambient: Pick<Ambient, 'log'>;
  readonly book: WorkerBook;
  readonly runtime: Pick<Runtime, 'logs'>;
}

/**
 * A task's output. Followed, it goes on with each next attempt until the task has ended for good or is kept no more; else it is that
 * of the present attempt.
 * @throws CubeError `not-found` when there is no container, and what the runtime throws; AbortError
 */
export async function* taskLogs(deps: TaskLogsDeps, what: StreamRequest, signal: AbortSignal): AsyncGenerator<LogChunk> {
  const { book, ambient } = deps;
  const entry = book.entries.get(what.task);
  if (!what.follow || entry === undefined || isOver(entry)) return yield* attemptLogs(deps, entry, what, signal);
  const bell = new Bell(book, what.task, signal);
  /** The container that was read last. */
  let read: string | undefined;
  try {
    while (!signal.aborted) {
      const now = book.entries.get(what.task);
      if (now === undefined || (isOver(now) && !isNext(now, read))) return;
      if (!isNext(now, read)) {
        await bell.rung();
        continue;
      }
      // `tail` is about what was there when it was asked; of a later attempt everything is new.
      const { tail: _tail, ...rest } = what;
      const request = read === undefined ? what : rest;
      read = now.observed!.containerId;
      try {
        yield* attemptLogs(deps, now, request, signal);
      } catch (thrown) {
        if (signal.aborted || book.entries.get(what.task)?.observed?.containerId === read) throw thrown;
        // The attempt's container was removed for the next one, while it was read or before.
        ambient.log.debug(`the end of an attempt's output is gone: ${asCubeError(thrown).message}`, { task: what.task });
      }
    }
  } finally {
    bell.unhang();
  }
}

/** Whether there is an attempt with output that was not read yet. An engine ends the output of what has not started yet at once. */
function isNext({ observed }: Entry, read: string | undefined): boolean {
  return observed?.containerId !== undefined && observed.containerId !== read && observed.startedAt !== undefined;
}

function isOver({ report }: Entry): boolean {
  return report !== null && finalStates.has(report.state);
}

async function* attemptLogs(
  { runtime }: TaskLogsDeps,
  entry: Entry | undefined,
  { task, follow, tail, sinceMs }: StreamRequest,
  signal: AbortSignal,
): AsyncGenerator<LogChunk> {
  const { containerId, containerName = '' } = entry?.observed ?? {};
  if (containerId === undefined) throw problem('not-found', `task ${task} has no container on this node`);
  yield* runtime.logs({ id: containerId, name: containerName }, { follow, tail, sinceMs, signal });
}

/** Rings when a task's entry changes, or when nobody waits any more. A ring that nobody waited for is not lost. */
class Bell {
  readonly #signal: AbortSignal;
  readonly #unwatch: () => void;
  #rang = false;
  #wake: () => void = () => undefined;

  constructor(book: WorkerBook, task: string, signal: AbortSignal) {
    this.#signal = signal;
    this.#unwatch = book.watch(task, this.#ring);
    signal.addEventListener('abort', this.#ring, { once: true });
  }

  readonly #ring = (): void => {
    this.#rang = true;
    this.#wake();
  };

  async rung(): Promise<void> {
    if (!this.#rang && !this.#signal.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#rang = false;
  }

  unhang(): void {
    this.#unwatch();
    this.#signal.removeEventListener('abort', this.#ring);
  }
}
