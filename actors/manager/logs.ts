/** A task's or job's output, streamed from the nodes that have it. */
import { asCubeError, problem, type CubeError } from '../../src/core/errors.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import type { LogLine, LogRequest } from '../../src/ports/control.ts';
import type { LogChunk } from '../../src/ports/runtime.ts';
import type { Leader } from './leader.ts';
import { asTheyCome, byTime, each, lastOf } from './merge.ts';
import { taskNamed } from './queries.ts';

/** Of each slot of a job the newest task that was placed, or the newest if none was. */
function newestOf(leader: Leader, job: string): TaskRecord[] {
  const newest = new Map<string, TaskRecord>();
  for (const task of leader.state.tasksOf(job)) {
    const other = newest.get(task.slot);
    const placed = Number(task.node !== undefined) - Number(other?.node !== undefined);
    if (other === undefined || placed > 0 || (placed === 0 && task.createdAt > other.createdAt)) newest.set(task.slot, task);
  }
  return [...newest.values()].toSorted((a, b) => (a.task === b.task ? a.index - b.index : a.task < b.task ? -1 : 1));
}

/** An error of a task's worker, or of the link to it, for who knows the task by its slot. */
function inWords(task: TaskRecord, cause: CubeError): CubeError {
  if (cause.code === 'cut-off') {
    return problem('cut-off', cause.message, {
      hint: `see \`cube nodes\`, and \`cube status ${task.slot}\` for where it goes on; its output can be read again from there`,
      cause,
    });
  }
  if (cause.code !== 'not-found') return cause;
  // Workers know a task that they do not hold by its id only.
  const message = cause.message.replace(`task ${task.id}`, task.slot);
  return problem('not-found', message, { hint: `\`cube status ${task.slot}\` tells more`, cause });
}

async function* linesOf(leader: Leader, task: TaskRecord, request: LogRequest): AsyncGenerator<LogLine> {
  if (task.node === undefined) throw problem('not-found', `task ${task.slot} has not been placed yet, so it has no output`);
  const { follow, tail, sinceMs, signal } = request;
  const what = {
    kind: 'logs' as const,
    task: task.id,
    follow,
    ...(tail === undefined ? {} : { tail }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
  };
  try {
    // A signal of its own: many listeners on one would look like a leak.
    for await (const chunk of leader.sessions.stream(task.node, what, AbortSignal.any([signal]))) {
      yield { ...(chunk as LogChunk), slot: task.slot, task: task.id };
    }
  } catch (thrown) {
    throw inWords(task, asCubeError(thrown));
  }
}

/**
 * Lines as they come when they are followed; else all of them, by time, or slot after slot where there are more than `logStreamsMax`.
 * A slot of a job whose output cannot be had does not fail the others: its reason comes as a line of its own.
 * @throws CubeError `not-found`, `cut-off` when no output can be had; `usage` for more slots than can be followed at once
 */
export async function* logsOf(leader: Leader, ref: string, request: LogRequest): AsyncGenerator<LogLine> {
  if (!leader.state.jobs.has(ref)) return yield* linesOf(leader, taskNamed(leader, ref), request);
  const tasks = newestOf(leader, ref);
  const followedMax = Math.floor(leader.deps.limits.linkStreamsMax / 2);
  if (request.follow && tasks.length > followedMax) {
    throw problem('usage', `job ${ref} has ${tasks.length} tasks, and no more than ${followedMax} can be followed at once`, {
      hint: `name one task, such as ${tasks[0]!.slot}`,
    });
  }
  const inner = new AbortController();
  const reading = new JobReading(leader, tasks, { ...request, signal: AbortSignal.any([request.signal, inner.signal]) });
  try {
    yield* request.follow ? reading.followed() : reading.kept();
  } finally {
    inner.abort();
  }
}

/** One reading of a job's output. */
class JobReading {
  readonly #leader: Leader;
  readonly #tasks: readonly TaskRecord[];
  readonly #request: LogRequest;
  readonly #failures: CubeError[] = [];
  /** Lines on failures that are told in the end. */
  readonly #notes: LogLine[] = [];

  constructor(leader: Leader, tasks: readonly TaskRecord[], request: LogRequest) {
    this.#leader = leader;
    this.#tasks = tasks;
    this.#request = request;
  }

  async *followed(): AsyncGenerator<LogLine> {
    const { sessions } = this.#leader;
    const isInReach = ({ node }: TaskRecord): boolean => node !== undefined && sessions.isOpen(node);
    if (!this.#tasks.some(isInReach) && this.#tasks[0]) return yield* linesOf(this.#leader, this.#tasks[0], this.#request);
    yield* asTheyCome(this.#tasks.map((task) => this.#lines(task)));
    this.#throwIfAllFailed();
  }

  async *kept(): AsyncGenerator<LogLine> {
    const { tail } = this.#request;
    const tasks = this.#tasks;
    const atOnce = Math.max(1, this.#leader.deps.limits.logStreamsMax);
    if (tasks.length > atOnce && tail === undefined) for (const task of tasks) yield* this.#lines(task);
    else {
      let last: AsyncIterable<LogLine> = each([]);
      for (let at = 0; at < tasks.length; at += atOnce) {
        const group = tasks.slice(at, at + atOnce).map((task) => this.#lines(task));
        // The newest of all are among the newest of the slots so far and of those to come.
        const merged = byTime([last, ...group]);
        last = tail === undefined ? merged : each(await lastOf(merged, tail));
      }
      yield* last;
    }
    this.#throwIfAllFailed();
    yield* this.#notes;
  }

  #throwIfAllFailed(): void {
    const [first] = this.#failures;
    if (first && this.#failures.length === this.#tasks.length) throw first;
  }

  /** A slot's lines. What keeps them away is told as a line, unless nothing else is left: then it is the error of the whole. */
  async *#lines(task: TaskRecord): AsyncGenerator<LogLine> {
    let had = false;
    try {
      for await (const line of linesOf(this.#leader, task, this.#request)) {
        had = true;
        yield line;
      }
    } catch (thrown) {
      const error = asCubeError(thrown);
      this.#failures.push(error);
      const text = `${had ? 'no more output' : 'no output'}: ${error.message}\n`;
      const at = this.#leader.deps.ambient.clock.now();
      const note: LogLine = { stream: 'stderr', text, at, slot: task.slot, task: task.id };
      if (!this.#request.follow) this.#notes.push(note);
      else if (this.#failures.length < this.#tasks.length) yield note;
    }
  }
}
