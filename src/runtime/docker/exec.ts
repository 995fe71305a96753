/** Commands in running containers. */
import { Socket } from 'node:net';
import type Docker from 'dockerode';
import { problem } from '../../core/errors.ts';
import type { ContainerRef, ExecOptions, ExecSession } from '../../ports/runtime.ts';
import { abortable, throwIfAborted } from '../abort.ts';
import { Refused } from './engine.ts';
import type { Engine } from './engine.ts';
import { DockerSession } from './exec-session.ts';
import type { ExecParts } from './exec-session.ts';

/**
 * Keys that detach a client from a terminal. Detaching makes no sense here, but the engine insists on keys, and holds the first one
 * back: its default, Ctrl-P, is "the line before" in every shell.
 */
const detachKeys = 'ctrl-^,ctrl-_,ctrl-^,ctrl-_';

/** The commands of one runtime. */
export class Execs {
  readonly #engine: Engine;
  readonly #parts: ExecParts;
  readonly #open = new Set<DockerSession>();

  constructor(engine: Engine, parts: ExecParts) {
    this.#engine = engine;
    this.#parts = parts;
  }

  /**
   * Runs a command. One that does not exist is an answer: exit code 127 (126: it may not be executed) and the engine's words on stderr,
   * as `docker exec` has it. The engine cannot end a command: one whose session is left goes on until it ends by itself, or its container does.
   * @throws CubeError `not-found`, `conflict` when the container does not run, `bad-command`; AbortError
   */
  async run(ref: ContainerRef, options: ExecOptions): Promise<ExecSession> {
    const { signal } = options;
    throwIfAborted(signal);
    const exec = await abortable(this.#create(ref, options), signal);
    const session = new DockerSession(this.#engine, exec, await this.#connect(ref, exec, options), options, this.#parts);
    this.#open.add(session);
    session.closed.promise.then(() => this.#open.delete(session)).catch(() => undefined);
    if (options.tty && options.size) await session.resize(options.size);
    return session;
  }

  /** Leaves all sessions. */
  close(): void {
    for (const session of this.#open) session.leave();
  }

  async #create(ref: ContainerRef, { command, tty, stdin, size }: ExecOptions): Promise<Docker.Exec> {
    const body: Docker.ExecCreateOptions = {
      Cmd: [...command],
      AttachStdin: stdin,
      AttachStdout: true,
      AttachStderr: true,
      Tty: tty,
      DetachKeys: detachKeys,
      // Engines older than API 1.42 take no notice, and are told after the start.
      ...(tty && size ? { ConsoleSize: [size.rows, size.columns] } : {}),
    };
    try {
      return await this.#engine.call('prepare the command', (abortSignal) =>
        this.#engine.docker.getContainer(ref.id).exec({ ...body, abortSignal }),
      );
    } catch (error) {
      throw execProblem(ref, error);
    }
  }

  async #connect(ref: ContainerRef, exec: Docker.Exec, { tty, signal }: ExecOptions): Promise<Socket> {
    const starting = this.#engine.call('start the command', (abortSignal) =>
      exec.start({ hijack: true, stdin: true, Tty: tty, abortSignal }),
    );
    // Who left before it began leaves no open connection behind.
    starting.then((stream) => (signal.aborted ? stream.destroy() : undefined)).catch(() => undefined);
    try {
      const stream = await abortable(starting, signal);
      if (stream instanceof Socket) return stream;
      stream.destroy();
    } catch (error) {
      throw execProblem(ref, error);
    }
    throw problem('engine-error', 'the engine answered a command without a connection to it');
  }
}

/** What a refusal means to who wanted the command. */
function execProblem(ref: ContainerRef, error: unknown): unknown {
  if (!(error instanceof Refused)) return error;
  const cause = { cause: error };
  if (error.status === 404) return problem('not-found', `container ${ref.name} is gone`, cause);
  if (error.status === 409) return problem('conflict', `container ${ref.name} does not run: ${error.words}`, cause);
  return error.status === 400 ? problem('bad-command', error.words, cause) : error;
}
