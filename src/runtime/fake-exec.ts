/** Commands in fake containers: a handful that tests and the simulation can tell apart, and none else. */
import { problem } from '../core/errors.ts';
import type { ExecOptions, ExecOutput, ExecSession, Exit } from '../ports/runtime.ts';
import { abortError, deferred, throwIfAborted } from './abort.ts';

/** What a command does: writes, gives its input back, waits until it is ended. */
interface Play {
  readonly first: readonly ExecOutput[];
  readonly echoes: boolean;
  readonly waits: boolean;
  readonly exitCode: number;
}

/** Bytes a command is ahead of who reads its output, as the buffers of real ones let it be. */
const aheadBytes = 65_536;

/**
 * Plays a command: `cat`, `echo WORDS`, `true`, `false`, `sleep`, `stty size`, and `play` with any of `out:TEXT`, `err:TEXT`, `cat`, `wait` and
 * `exit:CODE`. Others end with 127, as programs do that an image does not have.
 * @param ended its promise settles when the container does; the command ends with it
 * @throws CubeError `bad-command` for an empty one; AbortError
 */
export function fakeExec(options: ExecOptions, ended: () => Promise<Exit>): ExecSession {
  throwIfAborted(options.signal);
  const play = playOf(options.command, options);
  const session = new FakeSession(play, options);
  // Rejected when the runtime is closed: its sessions end with it.
  ended()
    .then(({ exitCode }) => session.end(exitCode))
    .catch(() => session.end(137));
  return session;
}

function textPiece(stream: ExecOutput['stream'], text: string): ExecOutput {
  return { stream, bytes: Buffer.from(text) };
}

function playOf(command: readonly string[], { size }: ExecOptions): Play {
  const [program = '', ...words] = command;
  const rest = { first: [], echoes: false, waits: false, exitCode: 0 };
  switch (program) {
    case '':
      throw problem('bad-command', 'the command is empty');
    case 'true':
      return rest;
    case 'false':
      return { ...rest, exitCode: 1 };
    case 'cat':
      return { ...rest, echoes: true };
    case 'echo':
      return { ...rest, first: [textPiece('stdout', `${words.join(' ')}\n`)] };
    case 'sleep':
      return { ...rest, waits: true };
    case 'stty':
      return { ...rest, first: [textPiece('stdout', `${size?.rows ?? 0} ${size?.columns ?? 0}\n`)] };
    case 'play': {
      const of = (name: string): string[] => words.filter((word) => word.startsWith(`${name}:`)).map((word) => word.slice(name.length + 1));
      const first = [...of('out').map((text) => textPiece('stdout', text)), ...of('err').map((text) => textPiece('stderr', text))];
      return { first, echoes: words.includes('cat'), waits: words.includes('wait'), exitCode: Number(of('exit')[0] ?? 0) };
    }
    default:
      return { ...rest, first: [textPiece('stderr', `exec: "${program}": executable file not found\n`)], exitCode: 127 };
  }
}

class FakeSession implements ExecSession {
  readonly output: AsyncIterable<ExecOutput>;
  readonly exitCode: Promise<number>;
  readonly #options: ExecOptions;
  readonly #play: Play;
  readonly #exit = deferred<number>();
  readonly #queue: ExecOutput[];
  #changed = deferred<void>();
  #inputEnded: boolean;
  #isOver = false;

  constructor(play: Play, options: ExecOptions) {
    this.#play = play;
    this.#options = options;
    this.#queue = [...play.first];
    this.#inputEnded = !options.stdin;
    this.exitCode = this.#exit.promise;
    this.output = this.#read();
    options.signal.addEventListener('abort', this.#leave, { once: true });
    this.#settle();
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#inputEnded || this.#isOver || !this.#play.echoes) return;
    this.#queue.push({ stream: 'stdout', bytes: Uint8Array.from(bytes) });
    this.#change();
    while (this.#queuedBytes() > aheadBytes && !this.#isOver) await this.#changed.promise;
  }

  endInput(): void {
    this.#inputEnded = true;
    this.#settle();
  }

  async resize(): Promise<void> {}

  /** Ends the command, whatever it does. */
  end(exitCode: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.signal.removeEventListener('abort', this.#leave);
    this.#exit.resolve(exitCode);
    this.#change();
  }

  readonly #leave = (): void => {
    this.#exit.reject(abortError(this.#options.signal));
    this.#isOver = true;
    this.#change();
  };

  #settle(): void {
    if (!this.#play.waits && (!this.#play.echoes || this.#inputEnded)) this.end(this.#play.exitCode);
  }

  #queuedBytes(): number {
    return this.#queue.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  #change(): void {
    const before = this.#changed;
    this.#changed = deferred();
    before.resolve();
  }

  async *#read(): AsyncGenerator<ExecOutput> {
    for (;;) {
      throwIfAborted(this.#options.signal);
      const piece = this.#queue.shift();
      if (piece) {
        yield piece;
        this.#change();
      } else if (this.#isOver) return;
      else await this.#changed.promise;
    }
  }
}
