/**
 * Streams multiplexed over a link: the frames, and the ends of who opens them (a manager). The ends of who serves them are in
 * `stream-server.ts`. Whoever receives grants bytes and who sends stops without them, each way on its own, so that a slow reader
 * holds up nobody but its own source.
 */
import { asCubeError, CubeError, isErrorCode, problem, type ErrorCode } from './errors.ts';
import type { ExecOpen } from './exec-protocol.ts';
import type { TaskSpec } from './job.ts';
import type { Limits } from './limits.ts';
import { createIntake, itemBytes, type Intake } from './stream-intake.ts';
import { createOutlet, type Outlet } from './stream-outlet.ts';

export { itemBytes };

/** Asks for what a task wrote. */
export interface LogsStream {
  readonly kind: 'logs';
  readonly task: string;
  readonly follow: boolean;
  readonly tail?: number;
  readonly sinceMs?: number;
}

/** Asks to run a command in a task (its id): `ExecInput` goes there, `ExecItem` comes back. From protocol version 2 on. */
export type ExecStream = ExecOpen & { readonly kind: 'exec' };

/** Asks what an image's name stands for now: one item (`ImageDigest`), or none. From protocol version 3 on. */
export interface DigestStream {
  readonly kind: 'digest';
  readonly image: string;
  /** With `never` no registry is asked. */
  readonly pull: TaskSpec['pull'];
}

/** What a manager may stream from a worker, and to it. */
export type StreamRequest = LogsStream | ExecStream | DigestStream;

/** Asks for a stream; a first `grant` follows it. */
export type OpenFrame = { readonly type: 'open'; readonly stream: number; readonly what: StreamRequest };

/**
 * Frames of an open stream. `grant` is about the other end's `data`; who opened a stream may send some once it was granted. `end`
 * comes from either end and ends both directions; one for a stream that is over already is ignored.
 */
export type StreamFrame =
  | { readonly type: 'data'; readonly stream: number; readonly items: readonly unknown[] }
  | { readonly type: 'grant'; readonly stream: number; readonly bytes: number }
  | { readonly type: 'end'; readonly stream: number; readonly code?: ErrorCode; readonly message?: string };

/** The ends of one link's streams on the side that opens them. */
export interface StreamReader {
  /**
   * A stream, opened when it is iterated (once). It ends with the sender's end or error, with `cut-off` when the link closes, and
   * without an error when `signal` fires or the loop is left.
   * @param input what goes the other way, read as the other end takes it, and left when the stream is over. Its end does not end the
   *   stream; what it throws does
   * @throws CubeError from the iteration; `busy` when `linkStreamsMax` streams are open
   */
  open(what: StreamRequest, signal?: AbortSignal, input?: AsyncIterable<unknown>): AsyncIterable<unknown>;
  /** Takes a frame of the link; frames of streams that are over are ignored. */
  handle(frame: StreamFrame): void;
  /** Ends all streams with `cut-off`, after what they already hold; the link is gone, so nothing is sent. */
  closeAll(why: string): void;
  /** Streams open now. */
  readonly size: number;
}

interface Open {
  readonly intake: Intake;
  outlet: Outlet | undefined;
}

/** What the opening ends need. */
export interface StreamReaderOptions {
  /** Puts a frame on the link. */
  readonly send: (frame: OpenFrame | StreamFrame) => void;
  readonly limits: Pick<Limits, 'streamWindowBytes' | 'linkStreamsMax'>;
  /** Gets what an input throws after its stream was over, where nobody is left to tell. */
  readonly onLateError?: (thrown: unknown) => void;
}

/** The ends of a link's streams on the side that opens them. */
export function createStreamReader(options: StreamReaderOptions): StreamReader {
  return new Reader(options);
}

class Reader implements StreamReader {
  readonly #options: StreamReaderOptions;
  readonly #windowBytes: number;
  readonly #streams = new Map<number, Open>();
  #last = 0;
  #closedWhy: string | undefined;

  constructor(options: StreamReaderOptions) {
    this.#options = options;
    this.#windowBytes = Math.max(1, options.limits.streamWindowBytes);
  }

  get size(): number {
    return this.#streams.size;
  }

  open(what: StreamRequest, signal?: AbortSignal, input?: AsyncIterable<unknown>): AsyncIterable<unknown> {
    let read = false;
    return {
      [Symbol.asyncIterator]: () => {
        if (read) throw problem('failed', 'a stream can be read only once');
        read = true;
        return this.#begin(what, signal, input);
      },
    };
  }

  handle(frame: StreamFrame): void {
    const stream = this.#streams.get(frame.stream);
    if (frame.type === 'data') stream?.intake.take(frame.items);
    if (frame.type === 'grant') stream?.outlet?.grant(frame.bytes);
    if (frame.type === 'end') stream?.intake.finish(failureOf(frame));
  }

  closeAll(why: string): void {
    this.#closedWhy = why;
    for (const { intake } of this.#streams.values()) intake.finish(problem('cut-off', why));
  }

  #begin(what: StreamRequest, signal: AbortSignal | undefined, input: AsyncIterable<unknown> | undefined): Intake {
    const { send, limits } = this.#options;
    if (this.#closedWhy !== undefined) throw problem('cut-off', this.#closedWhy);
    if (this.size >= limits.linkStreamsMax) throw problem('busy', `${this.size} streams are open on this link already`);
    const id = ++this.#last;
    const quit = () => void intake.return?.();
    const intake = createIntake(
      this.#windowBytes,
      (bytes) => send({ type: 'grant', stream: id, bytes }),
      (tell) => {
        this.#streams.delete(id);
        signal?.removeEventListener('abort', quit);
        stream.outlet?.stop();
        if (tell) send({ type: 'end', stream: id });
      },
    );
    const stream: Open = { intake, outlet: undefined };
    if (signal?.aborted) {
      intake.finish();
      return intake;
    }
    signal?.addEventListener('abort', quit, { once: true });
    this.#streams.set(id, stream);
    send({ type: 'open', stream: id, what });
    send({ type: 'grant', stream: id, bytes: this.#windowBytes });
    if (input !== undefined) this.#feed(id, stream, input);
    return intake;
  }

  #feed(id: number, stream: Open, input: AsyncIterable<unknown>): void {
    const { send, onLateError = () => undefined } = this.#options;
    stream.outlet = createOutlet(
      () => input,
      (item) => send({ type: 'data', stream: id, items: [item] }),
      onLateError,
    );
    stream.outlet.done.catch((thrown: unknown) => {
      if (this.#streams.get(id) === stream) stream.intake.fail(asCubeError(thrown));
      else onLateError(thrown);
    });
  }
}

/** The error an `end` carries; a code of another version counts as `failed`. */
function failureOf(end: { readonly code?: string; readonly message?: string }): CubeError | undefined {
  if (end.code === undefined) return undefined;
  return new CubeError(isErrorCode(end.code) ? end.code : 'failed', end.message ?? 'the stream failed at its source');
}
