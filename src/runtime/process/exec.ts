/** Commands beside a running process: in its folder, with its environment. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { problem } from '../../core/errors.ts';
import type { ContainerRef, ExecOptions, ExecOutput, ExecSession } from '../../ports/runtime.ts';
import { abortError, deferred, throwIfAborted } from '../abort.ts';
import { codeOf } from '../code-of.ts';
import { piecesOf } from '../pieces.ts';
import { readStatus, readWork } from './folder.ts';
import type { WorkFile } from './folder.ts';

/** What the command runs in. */
export interface ExecPlace {
  /** The attempt's folder (folder.ts). */
  readonly folder: string;
  /** Settles when the process ends that the command runs beside, or the runtime is closed; the command ends with it. */
  readonly ended: () => Promise<unknown>;
}

/**
 * Runs a command. One that does not exist is an answer, as it is in a container: exit code 127 (126: it may not be executed), and why on stderr.
 * @throws CubeError `not-found`, `conflict` when it does not run, `bad-command` for an empty one, `bad-settings` when a terminal is asked
 *   for; AbortError
 */
export async function processExec(ref: ContainerRef, { folder, ended }: ExecPlace, options: ExecOptions): Promise<ExecSession> {
  const { command, tty, stdin, signal } = options;
  const file = await readWork(folder);
  if (!file) throw problem('not-found', `${ref.name} is gone`);
  if ((await readStatus(folder))?.state !== 'running') throw problem('conflict', `${ref.name} does not run`);
  throwIfAborted(signal);
  const [program, ...words] = command;
  if (program === undefined || program === '') throw problem('bad-command', 'the command is empty');
  if (tty) {
    throw problem('bad-settings', 'the process runtime has no terminals', { hint: 'leave -t out, or use a node with Docker' });
  }
  let child: ChildProcess;
  try {
    child = spawn(program, words, {
      cwd: file.workdir ?? join(folder, 'work'),
      env: { ...file.env },
      // A group of its own, that can be ended whole.
      detached: true,
      stdio: [stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    throw problem('bad-command', `${program}: ${String(error)}`, { cause: error });
  }
  const { promise, resolve } = deferred<Error | undefined>();
  child.once('spawn', () => resolve(undefined));
  child.once('error', resolve);
  const failure = await promise;
  return failure ? failedSession(program, file.env, failure) : new ProcessSession(child, options, ended);
}

/** What a shell answers for a program that it cannot start. */
function failedSession(program: string, env: WorkFile['env'], failure: Error): ExecSession {
  const isThere = codeOf(failure) !== 'ENOENT';
  const why = isThere ? String(codeOf(failure)) : `executable file not found in ${env['PATH'] ?? 'PATH'}`;
  const bytes = Buffer.from(`exec: "${program}": ${why}\n`);
  return {
    output: (async function* (): AsyncGenerator<ExecOutput> {
      yield { stream: 'stderr', bytes };
    })(),
    exitCode: Promise.resolve(isThere ? 126 : 127),
    write: async () => undefined,
    endInput: () => undefined,
    resize: async () => undefined,
  };
}

class ProcessSession implements ExecSession {
  readonly output: AsyncIterable<ExecOutput>;
  readonly exitCode: Promise<number>;
  readonly #child: ChildProcess;
  readonly #signal: AbortSignal;
  readonly #input: Writable | null;
  #isLeft = false;
  #hasEnded = false;

  constructor(child: ChildProcess, { signal }: ExecOptions, ended: ExecPlace['ended']) {
    this.#child = child;
    this.#signal = signal;
    this.#input = child.stdin;
    // What cannot be written any more has nobody to read it.
    this.#input?.on('error', () => undefined);
    // Node throws away what nobody waits for when the process has ended.
    for (const from of [child.stdout, child.stderr]) from?.on('readable', () => undefined);
    const exit = deferred<number>();
    this.exitCode = exit.promise;
    child.once('exit', (code, name) => {
      signal.removeEventListener('abort', this.#leave);
      // What it left behind in its group ends with it: it would hold the output open.
      this.#kill();
      this.#hasEnded = true;
      if (this.#isLeft) exit.reject(abortError(signal));
      else exit.resolve(name === null ? (code ?? 0) : 128 + constants.signals[name]);
    });
    signal.addEventListener('abort', this.#leave, { once: true });
    if (signal.aborted) this.#leave();
    ended().then(this.#kill, this.#kill);
    this.output = this.#read();
  }

  write(bytes: Uint8Array): Promise<void> {
    const input = this.#input;
    if (!input?.writable) return Promise.resolve();
    return new Promise((resolve) => input.write(bytes, () => resolve()));
  }

  endInput(): void {
    this.#input?.end();
  }

  async resize(): Promise<void> {}

  readonly #leave = (): void => {
    this.#isLeft = true;
    this.#kill();
  };

  /** Ends the whole group, as long as the number is its own. */
  readonly #kill = (): void => {
    if (this.#hasEnded) return;
    try {
      process.kill(-this.#child.pid!, 'SIGKILL');
    } catch (error) {
      // There is none left, or none of this user's.
      if (codeOf(error) !== 'ESRCH' && codeOf(error) !== 'EPERM') throw error;
    }
  };

  async *#read(): AsyncGenerator<ExecOutput> {
    const sources = (['stdout', 'stderr'] as const).map((stream) => ({ stream, from: this.#child[stream] as Readable }));
    try {
      yield* piecesOf(sources);
    } finally {
      // Who reads no further has left.
      if (sources.some(({ from }) => !from.readableEnded)) this.#leave();
      for (const { from } of sources) from.destroy();
    }
    if (this.#isLeft) throw abortError(this.#signal);
  }
}
