/** Reads the output of one process as lines with times. */
import type { Clock } from '../../ports/ambient.ts';
import type { LogChunk, LogOptions } from '../../ports/runtime.ts';
import { sleep, throwIfAborted } from '../abort.ts';
import { LineCutter } from '../lines.ts';
import type { LogFiles, StreamName } from './log-files.ts';

/** What reading needs. */
export interface LogSource {
  readonly files: LogFiles;
  /** Whether the process has ended: then nothing more is written. */
  readonly hasEnded: () => Promise<boolean>;
  readonly clock: Clock;
  readonly pollMs: number;
  readonly lineCharsMax: number;
}

/** Reads one stream, piece by piece. */
class StreamReader {
  readonly #name: StreamName;
  readonly #source: LogSource;
  readonly #cutter: LineCutter;
  #offset = 0;

  constructor(name: StreamName, source: LogSource) {
    this.#name = name;
    this.#source = source;
    this.#cutter = new LineCutter(source.lineCharsMax);
    this.#offset = source.files.start(name);
  }

  /** @returns the lines of the next piece, or undefined at the end of what is there */
  next(): LogChunk[] | undefined {
    const { from, bytes } = this.#source.files.read(this.#name, this.#offset);
    if (bytes.length === 0) return undefined;
    const lines: LogChunk[] = [];
    let offset = from;
    // Line by line, because the lines of one piece may be of different times.
    for (let start = 0; start < bytes.length;) {
      const newline = bytes.indexOf(0x0a, start);
      const end = newline < 0 ? bytes.length : newline + 1;
      offset = from + end;
      const text = this.#cutter.push(bytes.subarray(start, end));
      if (text !== '') lines.push(this.#chunk(text, offset));
      start = end;
    }
    this.#offset = offset;
    return lines;
  }

  /** @returns a last line without its newline, if there is one */
  last(): LogChunk[] {
    const text = this.#cutter.end();
    return text === '' ? [] : [this.#chunk(text, this.#offset)];
  }

  #chunk(text: string, end: number): LogChunk {
    const { files, clock } = this.#source;
    return { stream: this.#name, text, at: files.timeOf(this.#name, end, clock.now()) };
  }
}

/** What is there now of both streams, in the order of time. */
function* present(files: LogFiles, readers: readonly StreamReader[], isLast: boolean): Generator<LogChunk> {
  files.keep();
  const waiting = readers.map((reader) => ({ reader, lines: [] as LogChunk[], isDone: false }));
  for (;;) {
    for (const one of waiting) {
      while (one.lines.length === 0 && !one.isDone) {
        const lines = one.reader.next();
        one.isDone = lines === undefined;
        one.lines = lines ?? (isLast ? one.reader.last() : []);
        one.lines.reverse();
      }
    }
    const first = waiting.reduce((a, b) => ((b.lines.at(-1)?.at ?? Infinity) < (a.lines.at(-1)?.at ?? Infinity) ? b : a));
    const line = first.lines.pop();
    if (line === undefined) return;
    yield line;
  }
}

/** Reads the output, and follows it to its end when asked to. @throws AbortError */
export async function* processLogs(source: LogSource, options: LogOptions): AsyncGenerator<LogChunk> {
  const { follow, tail, sinceMs = Number.NEGATIVE_INFINITY, signal } = options;
  throwIfAborted(signal);
  const readers = [new StreamReader('stdout', source), new StreamReader('stderr', source)];
  let hasEnded = await source.hasEnded();
  const isWanted = (line: LogChunk): boolean => line.at > sinceMs;
  let kept: LogChunk[] = [];
  for (const line of present(source.files, readers, hasEnded || !follow)) {
    if (!isWanted(line)) continue;
    if (tail === undefined) {
      yield line;
      throwIfAborted(signal);
      continue;
    }
    kept.push(line);
    if (kept.length > 2 * tail) kept = lastOf(kept, tail);
  }
  yield* lastOf(kept, tail ?? 0);
  while (follow && !hasEnded) {
    await sleep(source.clock, source.pollMs, signal);
    hasEnded = await source.hasEnded();
    for (const line of present(source.files, readers, hasEnded)) {
      if (isWanted(line)) yield line;
      throwIfAborted(signal);
    }
  }
}

function lastOf<T>(list: readonly T[], count: number): T[] {
  return count <= 0 ? [] : list.slice(-count);
}
