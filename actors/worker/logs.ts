/** What a task writes, over its attempts: each runs in a container of its own, and of those that are gone the end is kept. */
import { asCubeError, problem } from '../../src/core/errors.ts';
import { containerName } from '../../src/core/ids.ts';
import { finalStates } from '../../src/core/task.ts';
import type { Ambient } from '../../src/ports/ambient.ts';
import type { ContainerRef, LogChunk, Runtime } from '../../src/ports/runtime.ts';
import type { LogsStream } from '../../src/ports/transport.ts';
import type { Entry, WorkerBook } from './book.ts';
import { LogPlace } from './log-place.ts';
import { goneNote, noteOf, type Retiring } from './retiring.ts';

/** What reading a task's output needs. */
export interface TaskLogsDeps {
  readonly ambient: Pick<Ambient, 'clock' | 'log'>;
  readonly book: WorkerBook;
  readonly runtime: Pick<Runtime, 'logs'>;
  /** What is kept of attempts whose containers are gone. */
  readonly past: Pick<Retiring, 'attemptsOf' | 'read'>;
}

/** The output of one attempt: kept, unless its container is there. */
interface Source {
  readonly attempt: number;
  readonly ref?: ContainerRef;
}

/** One reading of a task. */
interface Reading {
  readonly deps: TaskLogsDeps;
  readonly what: LogsStream;
  readonly signal: AbortSignal;
}

/**
 * A task's output: that of the attempts before as far as it is kept, then that of the present one. Followed, it goes on with each next
 * attempt until the task has ended for good or is kept no more. Where the output of an attempt is lost, a line says so.
 * @throws CubeError `not-found` when there never was a container here, or, followed, when it has become clear that there will be none;
 *   what the runtime throws; AbortError
 */
export async function* taskLogs(deps: TaskLogsDeps, what: LogsStream, signal: AbortSignal): AsyncGenerator<LogChunk> {
  const { book } = deps;
  const entry = book.entries.get(what.task);
  const reading: Reading = { deps, what, signal };
  const sources = entry === undefined ? [] : sourcesOf(reading, entry);
  if (what.follow && entry !== undefined && !isOver(entry)) return yield* followed(reading, sources);
  if (sources.length === 0) refuseNeverRun(what.task, entry);
  yield* present(reading, sources);
}

/** Says why there is nothing to read of a task without any output; passes one whose container is there and may yet run. */
function refuseNeverRun(task: string, entry: Entry | undefined): void {
  if (entry === undefined) throw problem('not-found', `task ${task} has no container on this node`);
  const { order, observed, report } = entry;
  const why = report?.reason ?? observed?.reason;
  if (observed?.containerId !== undefined && (!isOver(entry) || why === undefined)) return;
  throw problem('not-found', `${order.slot} ${isOver(entry) ? 'never ran' : 'has not run yet'}${why === undefined ? '' : `: ${why}`}`);
}

/** What there is to read of a task now, the first attempt first. An engine ends the output of what has not started yet at once. */
function sourcesOf({ deps }: Reading, { order, observed }: Entry): Source[] {
  const sources: Source[] = deps.past.attemptsOf(order.id).map((attempt) => ({ attempt }));
  if (observed === null) return sources;
  const add = (attempt: number, id: string | undefined, name = containerName(order, attempt)): void => {
    if (id !== undefined && !sources.some((one) => one.attempt === attempt)) sources.push({ attempt, ref: { id, name } });
  };
  const { attempt, containerId, containerName: name, endedContainerId, endedAttempt = attempt - 1, startedAt } = observed;
  add(endedAttempt, endedContainerId);
  if (startedAt !== undefined) add(attempt, containerId, name);
  return sources.toSorted((a, b) => a.attempt - b.attempt);
}

/** All that is there now, or the last lines of it. @param places gets where each attempt's output ended */
async function* present(reading: Reading, sources: readonly Source[], places?: Map<number, LogPlace>): AsyncGenerator<LogChunk> {
  const { tail } = reading.what;
  const placeOf = ({ attempt }: Source): LogPlace => {
    const place = new LogPlace();
    places?.set(attempt, place);
    return place;
  };
  if (tail === undefined) {
    for (const source of sources) yield* output(reading, source, placeOf(source), { follow: false });
    return;
  }
  const parts: LogChunk[][] = [];
  let missing = tail;
  for (const source of sources.toReversed()) {
    if (missing <= 0) break;
    const part: LogChunk[] = [];
    for await (const chunk of output(reading, source, placeOf(source), { follow: false, tail: missing })) part.push(chunk);
    missing -= part.length;
    parts.unshift(part);
  }
  for (const part of parts) yield* part;
}

async function* followed(reading: Reading, sources: readonly Source[]): AsyncGenerator<LogChunk> {
  const { deps, what, signal } = reading;
  const bell = new Bell(deps.book, what.task, signal);
  const places = new Map<number, LogPlace>();
  /** The attempt that was read last. */
  let last = 0;
  try {
    if (what.tail !== undefined && what.tail > 0) {
      // How much of it is the present attempt's is not known before it is read; it is followed from where that ended.
      yield* present(reading, sources, places);
      last = (sources.at(-1)?.attempt ?? 1) - 1;
    } else if (what.tail === 0) last = (sources.at(-1)?.attempt ?? 1) - 1;
    while (!signal.aborted) {
      const entry = deps.book.entries.get(what.task);
      if (entry === undefined) return;
      const next = sourcesOf(reading, entry).find(({ attempt }) => attempt > last);
      if (next === undefined) {
        // Who has waited for its first container hears why there will be none.
        if (isOver(entry) && last === 0 && sources.length === 0) refuseNeverRun(what.task, entry);
        if (isOver(entry)) return;
        await bell.rung();
        continue;
      }
      const isFirst = next.attempt === sources.at(-1)?.attempt;
      // `tail` is about what was there when it was asked; of a later attempt everything is new.
      const how = what.tail === 0 && isFirst ? { follow: true, tail: 0 } : { follow: true };
      yield* output(reading, next, places.get(next.attempt) ?? new LogPlace(), how);
      last = next.attempt;
    }
  } finally {
    bell.unhang();
  }
}

/** An attempt's output from a place on, from its container or, when that goes meanwhile, from what was kept of it. */
async function* output(
  { deps, what, signal }: Reading,
  { attempt, ref }: Source,
  place: LogPlace,
  how: { readonly follow: boolean; readonly tail?: number },
): AsyncGenerator<LogChunk> {
  if (ref !== undefined) {
    const sinceMs = place.at === undefined ? what.sinceMs : Math.max(what.sinceMs ?? 0, place.at - 1);
    const options = { ...how, ...(sinceMs === undefined ? {} : { sinceMs }), signal };
    try {
      return yield* passing(deps.runtime.logs(ref, options), place);
    } catch (thrown) {
      // Its container was removed, while it was read or before.
      if (signal.aborted || asCubeError(thrown).code !== 'not-found') throw thrown;
    }
  }
  const kept = await deps.past.read(what.task, attempt, signal);
  if (kept === undefined) {
    if (deps.book.entries.has(what.task)) yield noteOf(goneNote(attempt), deps.ambient.clock.now());
    return;
  }
  const { sinceMs = Number.NEGATIVE_INFINITY } = what;
  const wanted = kept.filter(({ at }) => at > sinceMs);
  yield* passing(how.tail === undefined || place.at !== undefined ? wanted : wanted.slice(Math.max(0, wanted.length - how.tail)), place);
}

/** What of some output was not read yet. */
async function* passing(chunks: AsyncIterable<LogChunk> | Iterable<LogChunk>, place: LogPlace): AsyncGenerator<LogChunk> {
  const rest = place.resume();
  for await (const chunk of chunks) {
    const fresh = rest(chunk);
    if (fresh === undefined) continue;
    place.pass(fresh);
    yield fresh;
  }
}

function isOver({ report }: Entry): boolean {
  return report !== null && finalStates.has(report.state);
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
