/** Commands that are run in the containers of tasks, for clients of the manager. */
import { asCubeError, CubeError, problem } from '../../src/core/errors.ts';
import { execInputIn, execOpenIn, type ExecItem } from '../../src/core/exec-protocol.ts';
import type { ContainerRef, ExecSession, Runtime } from '../../src/ports/runtime.ts';
import type { ExecStream } from '../../src/ports/transport.ts';
import type { WorkerBook } from './book.ts';

/** What running commands needs. */
export interface TaskExecDeps {
  readonly book: WorkerBook;
  readonly runtime: Pick<Runtime, 'exec'>;
}

/**
 * Runs a command in a task's container: `started`, then what it writes, then its exit code. When the signal fires or the items are read
 * no further, its session is closed.
 * @param input `ExecInput`s, taken as fast as the command takes them
 * @throws CubeError `not-running`, `usage` for input that is none, and what the runtime throws; AbortError
 */
export async function* taskExec(
  { book, runtime }: TaskExecDeps,
  what: ExecStream,
  input: AsyncIterable<unknown>,
  signal: AbortSignal,
): AsyncGenerator<ExecItem> {
  const { command, tty, stdin, size } = execOpenIn(what);
  const container = containerOf(book, what.task);
  const leaving = new AbortController();
  const either = AbortSignal.any([signal, leaving.signal]);
  const session = await runtime.exec(container, { command, tty, stdin, size, signal: either }).catch((thrown: unknown) => {
    throw notRunning(what.task, thrown);
  });
  // Who leaves early waits for no exit code; whoever does not, gets its failure below.
  session.exitCode.catch(() => undefined);
  let inputFailure: CubeError | undefined;
  const feeding = feed(session, input, either).catch((thrown: unknown) => {
    if (either.aborted) return;
    inputFailure = asCubeError(thrown);
    leaving.abort(inputFailure);
  });
  try {
    yield { kind: 'started' };
    for await (const { stream, bytes } of session.output) yield { kind: 'output', stream, bytes };
    yield { kind: 'exit', exitCode: await session.exitCode };
  } catch (thrown) {
    throw inputFailure ?? thrown;
  } finally {
    leaving.abort();
    void feeding;
  }
}

/** The container of a task that runs. @throws CubeError `not-running` */
function containerOf(book: WorkerBook, task: string): ContainerRef {
  const entry = book.entries.get(task);
  const { containerId, containerName = '' } = entry?.observed ?? {};
  const state = entry?.report?.state;
  if (entry === undefined || containerId === undefined || (state !== 'running' && state !== 'stopping')) {
    throw problem('not-running', `task ${entry?.order.slot ?? task} does not run: it is ${state ?? 'not on this node'}`);
  }
  return { id: containerId, name: containerName };
}

/** The container has ended, or was ended, before the worker knows of it. */
function notRunning(task: string, thrown: unknown): unknown {
  const isEnded = thrown instanceof CubeError && (thrown.code === 'conflict' || thrown.code === 'not-found');
  return isEnded ? problem('not-running', `task ${task} does not run any more: ${thrown.message}`, { cause: thrown }) : thrown;
}

/** Hands input on until there is no more, or the session is over. */
async function feed(session: ExecSession, input: AsyncIterable<unknown>, signal: AbortSignal): Promise<void> {
  for await (const item of input) {
    if (signal.aborted) return;
    const given = execInputIn(item);
    if (given === undefined) throw problem('usage', 'what came for the command is no input');
    if (given.kind === 'bytes') await session.write(given.bytes);
    else if (given.kind === 'end') session.endInput();
    else await session.resize({ columns: given.columns, rows: given.rows });
  }
}
