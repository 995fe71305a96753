/** A task's or job's output, streamed from the nodes that have it. */
import { problem } from '../../src/core/errors.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import type { LogLine, LogRequest } from '../../src/ports/control.ts';
import type { LogChunk } from '../../src/ports/runtime.ts';
import type { Leader } from './leader.ts';
import { taskNamed } from './queries.ts';

/** The tasks whose output is meant: one, or for a job's name the newest of each of its slots. @throws CubeError `not-found` */
function tasksFor(leader: Leader, ref: string): TaskRecord[] {
  if (!leader.state.jobs.has(ref)) return [taskNamed(leader, ref)];
  const newest = new Map<string, TaskRecord>();
  for (const task of leader.state.tasksOf(ref)) {
    const other = newest.get(task.slot);
    if (task.node !== undefined && (other === undefined || task.createdAt > other.createdAt)) newest.set(task.slot, task);
  }
  return [...newest.values()];
}

async function* linesOf(leader: Leader, task: TaskRecord, request: LogRequest, signal: AbortSignal): AsyncGenerator<LogLine> {
  if (task.node === undefined) throw problem('not-found', `task ${task.slot} has not been placed yet, so it has no output`);
  const { follow, tail, sinceMs } = request;
  const what = {
    kind: 'logs' as const,
    task: task.id,
    follow,
    ...(tail === undefined ? {} : { tail }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
  };
  for await (const chunk of leader.sessions.stream(task.node, what, signal)) {
    yield { ...(chunk as LogChunk), slot: task.slot, task: task.id };
  }
}

/**
 * Lines as they come when they are followed; else all of them by time.
 * @throws CubeError `not-found`, `cut-off` when the only node with the output is not connected
 */
export async function* logsOf(leader: Leader, ref: string, request: LogRequest): AsyncGenerator<LogLine> {
  const tasks = tasksFor(leader, ref);
  const inner = new AbortController();
  const signal = AbortSignal.any([request.signal, inner.signal]);
  const sources = tasks.map((task) => linesOf(leader, task, request, signal)[Symbol.asyncIterator]());
  try {
    yield* request.follow ? asTheyCome(sources) : byTime(sources, request.tail);
  } finally {
    inner.abort();
    await Promise.allSettled(sources.map((source) => source.return?.(undefined)));
  }
}

type Source = AsyncIterator<LogLine, unknown, undefined>;

/** One pending read a source; whichever has a line first gives it. */
async function* asTheyCome(sources: readonly Source[]): AsyncGenerator<LogLine> {
  const reads = new Map(sources.map((source) => [source, read(source)] as const));
  while (reads.size > 0) {
    const { source, step } = await Promise.race(reads.values());
    if (step.done) reads.delete(source);
    else {
      reads.set(source, read(source));
      yield step.value;
    }
  }
}

/** Merges what is sorted already, always the oldest line first; `tail` counts over all. */
async function* byTime(sources: readonly Source[], tail: number | undefined): AsyncGenerator<LogLine> {
  const heads = new Map<Source, LogLine>();
  for (const { source, step } of await Promise.all(sources.map(read))) if (!step.done) heads.set(source, step.value);
  const last: LogLine[] = [];
  while (heads.size > 0) {
    let oldest: Source | undefined;
    for (const [source, line] of heads) if (oldest === undefined || line.at < heads.get(oldest)!.at) oldest = source;
    const line = heads.get(oldest!)!;
    const { step } = await read(oldest!);
    if (step.done) heads.delete(oldest!);
    else heads.set(oldest!, step.value);
    if (tail === undefined || sources.length === 1) yield line;
    else if (last.push(line) > tail) last.shift();
  }
  yield* last;
}

async function read(source: Source): Promise<{ readonly source: Source; readonly step: IteratorResult<LogLine, unknown> }> {
  return { source, step: await source.next() };
}
