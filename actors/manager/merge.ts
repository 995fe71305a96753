/** Lines of several sources as one stream. Who stops reading early aborts the sources; nothing here waits for them. */
import type { LogLine } from '../../src/ports/control.ts';

type Source = AsyncIterator<LogLine, unknown, undefined>;

/** One pending read a source; whichever has a line first gives it. */
export async function* asTheyCome(streams: readonly AsyncIterable<LogLine>[]): AsyncGenerator<LogLine> {
  const reads = new Map(streams.map((stream) => stream[Symbol.asyncIterator]()).map((source) => [source, read(source)] as const));
  while (reads.size > 0) {
    const { source, step } = await Promise.race(reads.values());
    if (step.done) reads.delete(source);
    else {
      reads.set(source, read(source));
      yield step.value;
    }
  }
}

/** Merges what is sorted already, always the oldest line first; of lines of one time the first stream's. */
export async function* byTime(streams: readonly AsyncIterable<LogLine>[]): AsyncGenerator<LogLine> {
  const sources = streams.map((stream) => stream[Symbol.asyncIterator]());
  const heads = new Map<Source, LogLine>();
  for (const { source, step } of await Promise.all(sources.map(read))) if (!step.done) heads.set(source, step.value);
  while (heads.size > 0) {
    let oldest: Source | undefined;
    for (const [source, line] of heads) if (oldest === undefined || line.at < heads.get(oldest)!.at) oldest = source;
    const line = heads.get(oldest!)!;
    const { step } = await read(oldest!);
    if (step.done) heads.delete(oldest!);
    else heads.set(oldest!, step.value);
    yield line;
  }
}

/** Reads all, and keeps the last lines. */
export async function lastOf(lines: AsyncIterable<LogLine>, tail: number): Promise<LogLine[]> {
  const last: LogLine[] = [];
  for await (const line of lines) if (last.push(line) > tail) last.shift();
  return last;
}

/** Lines that are there already, as a stream. */
export async function* each(lines: readonly LogLine[]): AsyncGenerator<LogLine> {
  yield* lines;
}

async function read(source: Source): Promise<{ readonly source: Source; readonly step: IteratorResult<LogLine, unknown> }> {
  return { source, step: await source.next() };
}
