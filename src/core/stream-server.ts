/** The ends of a link's streams on the side that serves them (a worker's): sends what its sources give, and hands them what comes. */
import { asCubeError, problem, type CubeError } from './errors.ts';
import type { Limits } from './limits.ts';
import { createIntake, type Intake } from './stream-intake.ts';
import { createOutlet, type Outlet } from './stream-outlet.ts';
import type { StreamFrame } from './streams.ts';

/**
 * Makes a stream's items; the signal fires when nobody wants them any more. It may take its time.
 * @param input what who opened the stream sends. Nothing comes before it is iterated (once), and no more than is read; its end, where
 *   it has one, is the end of the whole stream. To leave it drops what may still come
 */
export type StreamSource = (signal: AbortSignal, input: AsyncIterable<unknown>) => AsyncIterable<unknown>;

/** The serving ends of one link's streams. */
export interface StreamServer {
  /**
   * Serves a stream. To be called in the turn in which its `open` came, since the first grant follows at once; a source that has
   * to look something up first does so when it is iterated. Errors of the source travel to the reader.
   */
  serve(stream: number, source: StreamSource): void;
  /** Takes a frame of the link; frames of streams that are over are ignored. */
  handle(frame: StreamFrame): void;
  /** Ends all streams, and tells their readers why. */
  endAll(why: CubeError): void;
  /** Aborts all sources; the link is gone, so nothing is sent. */
  closeAll(): void;
  /** Streams served now. */
  readonly size: number;
}

interface Served {
  outlet: Outlet | undefined;
  /** Undefined until its source reads. */
  intake: Intake | undefined;
}

/** What the serving ends need. */
export interface StreamServerOptions {
  /** Puts a frame on the link. */
  readonly send: (frame: StreamFrame) => void;
  readonly limits: Pick<Limits, 'linkStreamsMax' | 'streamWindowBytes'>;
  /**
   * Gets what a source throws after its stream was aborted, where no reader is left to tell; an `AbortError` is the expected answer to
   * the signal and not told.
   */
  readonly onLateError: (thrown: unknown) => void;
}

/** The serving ends of a link's streams. */
export function createStreamServer(options: StreamServerOptions): StreamServer {
  return new Server(options);
}

class Server implements StreamServer {
  readonly #options: StreamServerOptions;
  readonly #windowBytes: number;
  readonly #streams = new Map<number, Served>();
  #closed = false;

  constructor(options: StreamServerOptions) {
    this.#options = options;
    this.#windowBytes = Math.max(1, options.limits.streamWindowBytes);
  }

  get size(): number {
    return this.#streams.size;
  }

  serve(id: number, source: StreamSource): void {
    const { send, limits } = this.#options;
    if (this.#closed) return;
    const refusal = this.#streams.has(id) ? 'conflict' : this.size >= limits.linkStreamsMax ? 'busy' : undefined;
    if (refusal) return send({ type: 'end', stream: id, code: refusal, message: `stream ${id} cannot be opened: ${this.size} are open` });
    const stream: Served = { outlet: undefined, intake: undefined };
    this.#streams.set(id, stream);
    stream.outlet = createOutlet(
      (signal) => source(signal, this.#inputOf(id, stream)),
      (item) => send({ type: 'data', stream: id, items: [item] }),
      (thrown) => this.#late(thrown),
    );
    stream.outlet.done.then(
      () => this.#end(id, stream),
      (thrown: unknown) => this.#end(id, stream, thrown),
    );
  }

  handle(frame: StreamFrame): void {
    const stream = this.#streams.get(frame.stream);
    if (stream === undefined) return;
    if (frame.type === 'end') this.#abort(frame.stream, stream);
    if (frame.type === 'grant') stream.outlet?.grant(frame.bytes);
    if (frame.type !== 'data') return;
    if (stream.intake === undefined) this.#giveUp(frame.stream, stream, problem('failed', 'this stream takes no input'));
    else stream.intake.take(frame.items);
  }

  endAll(why: CubeError): void {
    for (const [id, stream] of this.#streams) this.#giveUp(id, stream, why);
  }

  closeAll(): void {
    this.#closed = true;
    for (const [id, stream] of this.#streams) this.#abort(id, stream);
  }

  /** The other direction, opened by its first grant when somebody reads it. */
  #inputOf(id: number, stream: Served): AsyncIterable<unknown> {
    return {
      [Symbol.asyncIterator]: () => {
        if (stream.intake !== undefined) throw problem('failed', 'an input can be read only once');
        const grant = (bytes: number) => this.#options.send({ type: 'grant', stream: id, bytes });
        // To leave the input does not end the stream: what is still on its way is dropped, and no more is granted.
        const intake = createIntake(this.#windowBytes, grant, () => undefined);
        stream.intake = intake;
        if (this.#streams.get(id) === stream) grant(this.#windowBytes);
        else intake.finish();
        return intake;
      },
    };
  }

  #abort(id: number, stream: Served): void {
    this.#streams.delete(id);
    stream.outlet?.stop();
    stream.intake?.finish();
  }

  #giveUp(id: number, stream: Served, why: CubeError): void {
    this.#end(id, stream, why);
    stream.outlet?.stop();
  }

  #end(id: number, stream: Served, thrown?: unknown): void {
    if (this.#streams.get(id) !== stream) {
      if (thrown !== undefined) this.#late(thrown);
      return;
    }
    this.#streams.delete(id);
    stream.intake?.finish();
    if (thrown === undefined) return this.#options.send({ type: 'end', stream: id });
    const { code, message } = asCubeError(thrown);
    this.#options.send({ type: 'end', stream: id, code, message });
  }

  #late(thrown: unknown): void {
    if (!(thrown instanceof Error && thrown.name === 'AbortError')) this.#options.onLateError(thrown);
  }
}
