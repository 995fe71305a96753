/**
 * Ended containers on their way out: first the end of their output is copied, then they are removed. Nobody waits for that, least
 * of all the next attempt. A crash in between loses nothing: the removal comes after the copy, and what is left over is found by its
 * labels, copied again and removed.
 */
import { asCubeError } from '../../src/core/errors.ts';
import { surplusOutput } from '../../src/core/cleaning.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Ambient } from '../../src/ports/ambient.ts';
import type { KeptLog, KeptLogs } from '../../src/ports/kept-logs.ts';
import type { ContainerRef, LogChunk, Runtime } from '../../src/ports/runtime.ts';

/** What retiring needs. */
export interface RetiringDeps {
  readonly ambient: Pick<Ambient, 'clock' | 'log'>;
  readonly limits: Limits;
  readonly runtime: Pick<Runtime, 'stop' | 'logs' | 'remove'>;
  readonly keptLogs: KeptLogs;
  /** Whether a task is still known: of others nothing is kept. */
  readonly isKnown: (taskId: string) => boolean;
}

interface Leaving {
  readonly taskId: string;
  readonly attempt: number;
  readonly ref: ContainerRef;
  /** Settles when the output is copied, or will not be. */
  readonly copied: Promise<void>;
  readonly wasCopied: () => void;
  /** Settles when it is gone, or was given up until the next look. */
  readonly gone: Promise<void>;
  readonly isGone: () => void;
  timer?: unknown;
}

/** What one worker's ended containers leave behind. */
export class Retiring {
  readonly #deps: RetiringDeps;
  /** What is kept, by task and attempt. */
  readonly #kept = new Map<string, Map<number, KeptLog>>();
  readonly #leaving = new Map<string, Leaving>();
  readonly #queue: Leaving[] = [];
  readonly #ended = new AbortController();
  #atWork = 0;
  #isRead = false;

  constructor(deps: RetiringDeps) {
    this.#deps = deps;
  }

  /** Reads what is kept from before. What cannot be read is said, and read again with the next look. */
  async open(): Promise<void> {
    if (this.#isRead) return;
    try {
      for (const log of await this.#deps.keptLogs.list()) this.#note(log);
      this.#isRead = true;
    } catch (thrown) {
      this.#warn('the output of earlier attempts cannot be read now', thrown);
    }
  }

  /**
   * Copies an ended container's output and removes it, a little later unless it is to be at once.
   * @returns settles when it is gone, or was given up for now; never fails
   */
  retire(taskId: string, attempt: number, ref: ContainerRef, { atOnce = false } = {}): Promise<void> {
    const known = this.#leaving.get(ref.id);
    if (known) {
      if (atOnce) this.#hurry(known);
      return known.gone;
    }
    const one = leaving(taskId, attempt, ref);
    this.#leaving.set(ref.id, one);
    const { clock } = this.#deps.ambient;
    // The next attempt's start goes first: the engine has enough to do.
    one.timer = clock.setTimeout(() => this.#hurry(one), atOnce ? 0 : this.#deps.limits.retireDelayMs);
    return one.gone;
  }

  /** Whether a container is on its way out. */
  isLeaving(containerId: string): boolean {
    return this.#leaving.has(containerId);
  }

  /** Attempts of a task whose output is kept, or is just being copied; the first one first. */
  attemptsOf(taskId: string): number[] {
    const leavingNow = [...this.#leaving.values()].filter((one) => one.taskId === taskId).map(({ attempt }) => attempt);
    return [...new Set([...(this.#kept.get(taskId)?.keys() ?? []), ...leavingNow])].toSorted((a, b) => a - b);
  }

  /** The output of an attempt, once it is copied; undefined when none is kept. @throws CubeError of the kept logs; AbortError */
  async read(taskId: string, attempt: number, signal: AbortSignal): Promise<readonly LogChunk[] | undefined> {
    for (const one of this.#leaving.values()) {
      if (one.taskId !== taskId || one.attempt !== attempt) continue;
      this.#hurry(one);
      await orAborted(one.copied, signal);
    }
    return this.#deps.keptLogs.read(taskId, attempt);
  }

  /** Drops what is kept of a task. */
  forget(taskId: string): void {
    const kept = [...(this.#kept.get(taskId)?.values() ?? [])];
    if (kept.length > 0) void this.#drop(kept);
  }

  /** Drops what is kept longer, or is more, than it should be. */
  async trim(): Promise<void> {
    const { ambient, limits, isKnown } = this.#deps;
    const kept = [...this.#kept.values()].flatMap((attempts) => [...attempts.values()]);
    await this.#drop(surplusOutput(kept, isKnown, ambient.clock.now(), limits));
  }

  /** Begins nothing more; what is left is dealt with by the next process. */
  end(): void {
    this.#ended.abort();
    for (const { timer } of this.#leaving.values()) this.#deps.ambient.clock.clearTimeout(timer);
  }

  #hurry(one: Leaving): void {
    if (one.timer === undefined || this.#ended.signal.aborted) return;
    this.#deps.ambient.clock.clearTimeout(one.timer);
    one.timer = undefined;
    this.#queue.push(one);
    this.#work();
  }

  #work(): void {
    while (this.#atWork < Math.max(1, this.#deps.limits.retireParallelMax) && this.#queue.length > 0) {
      const one = this.#queue.shift()!;
      this.#atWork++;
      void this.#takeAway(one).finally(() => {
        this.#atWork--;
        this.#leaving.delete(one.ref.id);
        one.wasCopied();
        one.isGone();
        this.#work();
      });
    }
  }

  async #takeAway(one: Leaving): Promise<void> {
    const { runtime, limits } = this.#deps;
    let isCopied = false;
    for (let tries = 1; !this.#ended.signal.aborted;) {
      try {
        if (!isCopied) {
          // Somebody may have started it again: two of a task must not run.
          await runtime.stop(one.ref, { graceMs: 0 });
          await this.#copy(one, tries >= limits.retireTries);
          isCopied = true;
          one.wasCopied();
        }
        return await runtime.remove(one.ref);
      } catch (thrown) {
        const { code } = asCubeError(thrown, 'engine-error');
        // A leftover costs disk, not correctness: the next sweep meets it again.
        if (code === 'store-failed' || (code !== 'no-engine' && tries++ >= limits.retireTries)) {
          return this.#warn(`container ${one.ref.name} could not be removed for now`, thrown);
        }
        await this.#pause(limits.engineRetryMs);
      }
    }
  }

  /** @param isLastTry what cannot be read even now is given up, and that is what is kept */
  async #copy({ taskId, attempt, ref }: Leaving, isLastTry: boolean): Promise<void> {
    const { isKnown, keptLogs, ambient } = this.#deps;
    if (!isKnown(taskId)) return;
    let chunks: readonly LogChunk[];
    try {
      chunks = await this.#lastOf(ref);
    } catch (thrown) {
      const { code, message } = asCubeError(thrown, 'engine-error');
      const isGone = code === 'not-found';
      if (code === 'no-engine' || !(isGone || isLastTry)) throw thrown;
      if (this.#kept.get(taskId)?.has(attempt)) return;
      chunks = [noteOf(isGone ? goneNote(attempt) : `the output of attempt ${attempt} could not be kept: ${message}`, ambient.clock.now())];
    }
    const log = await keptLogs.keep(taskId, attempt, chunks);
    this.#note(log);
    const ofTask = [...(this.#kept.get(taskId)?.values() ?? [])];
    await this.#drop(surplusOutput(ofTask, isKnown, ambient.clock.now(), this.#deps.limits));
  }

  /** The end of a container's output, as much as is kept of one. */
  async #lastOf(ref: ContainerRef): Promise<readonly LogChunk[]> {
    const { runtime, limits, ambient } = this.#deps;
    const late = new AbortController();
    const timer = ambient.clock.setTimeout(() => late.abort(), limits.engineCallMs);
    const signal = AbortSignal.any([late.signal, this.#ended.signal]);
    const last: LogChunk[] = [];
    let chars = 0;
    let from = 0;
    try {
      for await (const chunk of runtime.logs(ref, { follow: false, tail: limits.keptLogLinesMax, signal })) {
        last.push(chunk);
        chars += chunk.text.length;
        while (chars > limits.keptLogBytesMax && from < last.length) chars -= last[from++]!.text.length;
      }
    } finally {
      ambient.clock.clearTimeout(timer);
    }
    return last.slice(from);
  }

  #note(log: KeptLog): void {
    const attempts = this.#kept.get(log.taskId) ?? new Map<number, KeptLog>();
    this.#kept.set(log.taskId, attempts.set(log.attempt, log));
  }

  async #drop(logs: readonly KeptLog[]): Promise<void> {
    for (const { taskId, attempt } of logs) {
      try {
        await this.#deps.keptLogs.remove(taskId, attempt);
        const attempts = this.#kept.get(taskId);
        attempts?.delete(attempt);
        if (attempts?.size === 0) this.#kept.delete(taskId);
      } catch (thrown) {
        return this.#warn('output that is kept no more could not be removed', thrown);
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const { clock } = this.#deps.ambient;
      const { signal } = this.#ended;
      const done = (): void => {
        clock.clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = clock.setTimeout(done, ms);
      signal.addEventListener('abort', done);
    });
  }

  #warn(what: string, thrown: unknown): void {
    this.#deps.ambient.log.warn(`${what}: ${asCubeError(thrown, 'engine-error').message}`);
  }
}

/** What is said where the output of an attempt should be. */
export function goneNote(attempt: number): string {
  return `the container of attempt ${attempt} was removed by somebody else, and its output with it`;
}

/** A line of Cube's own in a task's output. */
export function noteOf(sentence: string, at: number): LogChunk {
  return { stream: 'stderr', text: `cube: ${sentence}\n`, at };
}

function leaving(taskId: string, attempt: number, ref: ContainerRef): Leaving {
  let wasCopied!: () => void;
  let isGone!: () => void;
  const copied = new Promise<void>((resolve) => (wasCopied = resolve));
  const gone = new Promise<void>((resolve) => (isGone = resolve));
  return { taskId, attempt, ref, copied, wasCopied, gone, isGone };
}

/** @throws the signal's reason when it fires first */
function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    void work.then(resolve).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
