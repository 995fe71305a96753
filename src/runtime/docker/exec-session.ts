/** One command that the engine runs: its output, its input, its end. */
import type { Socket } from 'node:net';
import type Docker from 'dockerode';
import { problem } from '../../core/errors.ts';
import type { Limits } from '../../core/limits.ts';
import type { Clock } from '../../ports/ambient.ts';
import type { ExecOptions, ExecOutput, ExecSession, TerminalSize } from '../../ports/runtime.ts';
import { abortError, deferred, sleep } from '../abort.ts';
import { piecesOf } from '../pieces.ts';
import { Refused, isRefused } from './engine.ts';
import type { Engine } from './engine.ts';
import { framesOf } from './logs.ts';

/** What sessions need beside the engine. */
export interface ExecParts {
  readonly clock: Clock;
  readonly limits: Pick<Limits, 'execEndMs' | 'execPollMs'>;
}

/** What the engine writes in the command's place when it cannot start it, and the exit codes it gives then, as shells do. */
const refusedWords = Buffer.from('OCI runtime exec failed: ');
const [notExecutable, notThere] = [126, 127];
const notThereWords = /executable file not found|no such file or directory/;

/** End of input as a terminal knows it: Ctrl-D. */
const endOfInput = Buffer.from([4]);

/** One command, on a connection of its own. */
export class DockerSession implements ExecSession {
  readonly output: AsyncIterable<ExecOutput>;
  readonly exitCode: Promise<number>;
  readonly closed = deferred<void>();
  readonly #engine: Engine;
  readonly #exec: Docker.Exec;
  readonly #socket: Socket;
  readonly #options: ExecOptions;
  readonly #parts: ExecParts;
  #broke: Error | undefined;
  #isLeft = false;
  #inputEnded: boolean;
  #saysNotThere = false;

  constructor(engine: Engine, exec: Docker.Exec, socket: Socket, options: ExecOptions, parts: ExecParts) {
    this.#engine = engine;
    this.#exec = exec;
    this.#socket = socket;
    this.#options = options;
    this.#parts = parts;
    this.#inputEnded = !options.stdin;
    keepReadingAfterFailedWrites(socket);
    socket.on('error', (error) => (this.#broke = error));
    // The end shows even to who does not read, as long as there is nothing to read.
    socket.on('readable', () => (socket.readableLength === 0 ? socket.read() : undefined));
    // The engine holds on to input that nobody will read any more; with the output all is over, as `docker exec` has it.
    socket.once('end', () => socket.destroy());
    socket.once('close', () => {
      options.signal.removeEventListener('abort', this.leave);
      this.closed.resolve();
    });
    options.signal.addEventListener('abort', this.leave, { once: true });
    if (options.signal.aborted) this.leave();
    this.exitCode = this.#ended();
    this.exitCode.catch(() => undefined);
    this.output = this.#read();
  }

  readonly leave = (): void => {
    this.#isLeft = true;
    this.#socket.destroy();
  };

  write(bytes: Uint8Array): Promise<void> {
    if (this.#inputEnded || this.#socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => this.#socket.write(bytes, () => resolve()));
  }

  endInput(): void {
    if (this.#inputEnded || this.#socket.destroyed) return;
    this.#inputEnded = true;
    // The engine cuts a terminal's output when its connection is half closed.
    if (this.#options.tty) this.#socket.write(endOfInput);
    else this.#socket.end();
  }

  async resize({ columns, rows }: TerminalSize): Promise<void> {
    if (!this.#options.tty || this.#socket.destroyed) return;
    try {
      await this.#engine.call('resize the terminal', (abortSignal) => this.#exec.resize({ h: rows, w: columns, abortSignal }));
    } catch (error) {
      // The command has ended, or is about to.
      if (!(error instanceof Refused)) throw error;
    }
  }

  async *#read(): AsyncGenerator<ExecOutput> {
    const { tty, signal } = this.#options;
    try {
      const pieces = piecesOf([{ stream: 'stdout', from: this.#socket }]);
      yield* this.#told(tty ? pieces : demuxed(pieces));
    } finally {
      // Who reads no further has left.
      if (!this.#socket.destroyed && !this.#socket.readableEnded) this.leave();
    }
    if (this.#isLeft) throw abortError(signal);
  }

  /** The output, but that the engine's own word, that it could not start the command, comes as stderr. */
  async *#told(pieces: AsyncIterable<ExecOutput>): AsyncGenerator<ExecOutput> {
    let isFirst = true;
    let held: ExecOutput | undefined;
    for await (const piece of pieces) {
      if (held) yield held;
      held = undefined;
      const text = Buffer.from(piece.bytes.buffer, piece.bytes.byteOffset, piece.bytes.byteLength);
      if (isFirst && text.subarray(0, refusedWords.length).equals(refusedWords)) {
        held = piece;
        this.#saysNotThere = notThereWords.test(text.toString());
      } else yield piece;
      isFirst = false;
    }
    if (!held) return;
    const code = await this.exitCode.catch(() => undefined);
    const isRefusal = code === notExecutable || code === notThere;
    yield isRefusal && !this.#options.tty ? { stream: 'stderr', bytes: held.bytes } : held;
  }

  /** Asks how it ended once its connection has: a command may close its output and go on. */
  async #ended(): Promise<number> {
    await this.closed.promise;
    const { clock, limits } = this.#parts;
    const { signal } = this.#options;
    const giveUpAt = clock.monotonic() + limits.execEndMs;
    for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, limits.execPollMs)) {
      if (this.#isLeft) throw abortError(signal);
      const code = await this.#codeNow();
      if (code !== undefined) return code;
      if (this.#broke && clock.monotonic() > giveUpAt) {
        throw problem('engine-error', `the connection to the command broke off: ${this.#broke.message}`, { cause: this.#broke });
      }
      await sleep(clock, pauseMs, signal);
    }
  }

  async #codeNow(): Promise<number | undefined> {
    try {
      const { Running, ExitCode } = await this.#engine.call('ask how the command ended', (abortSignal) =>
        this.#exec.inspect({ abortSignal }),
      );
      if (Running || ExitCode === null) return undefined;
      // Engines of several versions say 126 for both.
      return ExitCode === notExecutable && this.#saysNotThere ? notThere : ExitCode;
    } catch (error) {
      if (!isRefused(error, 404)) throw error;
      throw problem('engine-error', 'how the command ended is not known: its container is gone', { cause: error });
    }
  }
}

/** Both streams, told apart by the engine's frames. */
async function* demuxed(pieces: AsyncIterable<ExecOutput>): AsyncGenerator<ExecOutput> {
  for await (const { stream, payload } of framesOf(bytesOf(pieces))) yield { stream, bytes: payload };
}

async function* bytesOf(pieces: AsyncIterable<ExecOutput>): AsyncGenerator<Buffer> {
  for await (const { bytes } of pieces) yield bytes as Buffer;
}

/**
 * A socket whose write fails is destroyed, with all output that was not read yet. But a command that ends before it has read all its
 * input makes just that happen. So a failed write counts as done, and the end of the connection is what its reading side says.
 */
function keepReadingAfterFailedWrites(socket: Socket): void {
  const write = socket._write.bind(socket);
  const writeMany = socket._writev?.bind(socket);
  socket._write = (chunk: unknown, encoding, done) => write(chunk, encoding, () => done());
  if (writeMany) socket._writev = (chunks, done) => writeMany(chunks, () => done());
}
