/** The sending end of a link's streams (a worker's): sends what its sources give, within the bytes that were granted. */
import { asCubeError } from './errors.ts';
import type { Limits } from './limits.ts';
import { itemBytes, type StreamFrame } from './streams.ts';

/** Makes a stream's items; the signal fires when nobody wants them any more. It may take its time. */
export type StreamSource = (signal: AbortSignal) => AsyncIterable<unknown>;

/** The sending ends of one link's streams. */
export interface StreamServer {
  /**
   * Serves a stream. To be called in the turn in which its `open` came, since the first grant follows at once; a source that has
   * to look something up first does so when it is iterated. Errors of the source travel to the reader.
   */
  serve(stream: number, source: StreamSource): void;
  /** Takes a frame of the link; frames of streams that are over are ignored. */
  handle(frame: StreamFrame): void;
  /** Aborts all sources; the link is gone, so nothing is sent. */
  closeAll(): void;
  /** Streams served now. */
  readonly size: number;
}

interface Outgoing {
  readonly controller: AbortController;
  grantedBytes: number;
  /** Ends the wait that is under way, for a grant or an item. */
  wake: () => void;
}

function nothing(): void {
  // there is no wait to end
}

/** Resolves when the stream may send; false when it was aborted. */
async function granted(stream: Outgoing): Promise<boolean> {
  const { signal } = stream.controller;
  while (stream.grantedBytes <= 0 && !signal.aborted) {
    await new Promise<void>((resolve) => (stream.wake = resolve));
    stream.wake = nothing;
  }
  return !signal.aborted;
}

/** The source's next step, or undefined as soon as the stream is aborted: a source that does not heed its signal is not waited for. */
function nextStep(stream: Outgoing, iterator: AsyncIterator<unknown>, late: (thrown: unknown) => void) {
  return new Promise<IteratorResult<unknown> | undefined>((resolve, reject) => {
    stream.wake = () => {
      if (stream.controller.signal.aborted) resolve(undefined);
    };
    iterator.next().then(resolve, (thrown: unknown) => (stream.controller.signal.aborted ? late(thrown) : reject(thrown)));
  });
}

/**
 * The sending ends of a link's streams.
 * @param options.send puts a frame on the link
 * @param options.onLateError gets what a source throws after its stream was aborted, where no reader is left to tell; an
 *   `AbortError` is the expected answer to the signal and not told
 */
export function createStreamServer(options: {
  readonly send: (frame: StreamFrame) => void;
  readonly limits: Pick<Limits, 'linkStreamsMax'>;
  readonly onLateError: (thrown: unknown) => void;
}): StreamServer {
  const { send, limits } = options;
  const streams = new Map<number, Outgoing>();
  let closed = false;

  const late = (thrown: unknown) => {
    if (!(thrown instanceof Error && thrown.name === 'AbortError')) options.onLateError(thrown);
  };
  const abort = (id: number, stream: Outgoing) => {
    streams.delete(id);
    stream.controller.abort();
    stream.wake();
  };
  const pump = async (id: number, stream: Outgoing, source: StreamSource) => {
    const iterator = source(stream.controller.signal)[Symbol.asyncIterator]();
    while (await granted(stream)) {
      const step = await nextStep(stream, iterator, late);
      if (step === undefined) break;
      if (step.done) return;
      stream.grantedBytes -= itemBytes(step.value);
      send({ type: 'data', stream: id, items: [step.value] });
    }
    iterator.return?.().catch(late);
  };
  const end = (id: number, stream: Outgoing, thrown?: unknown) => {
    if (streams.get(id) !== stream) {
      if (thrown !== undefined) late(thrown);
      return;
    }
    streams.delete(id);
    if (thrown === undefined) return send({ type: 'end', stream: id });
    const { code, message } = asCubeError(thrown);
    send({ type: 'end', stream: id, code, message });
  };

  return {
    serve(id, source) {
      if (closed) return;
      const refusal = streams.has(id) ? 'conflict' : streams.size >= limits.linkStreamsMax ? 'busy' : undefined;
      if (refusal)
        return send({ type: 'end', stream: id, code: refusal, message: `stream ${id} cannot be opened: ${streams.size} are open` });
      const stream: Outgoing = { controller: new AbortController(), grantedBytes: 0, wake: nothing };
      streams.set(id, stream);
      pump(id, stream, source).then(
        () => end(id, stream),
        (thrown: unknown) => end(id, stream, thrown),
      );
    },
    handle(frame) {
      const stream = streams.get(frame.stream);
      if (stream === undefined) return;
      if (frame.type === 'end') abort(frame.stream, stream);
      if (frame.type === 'grant') {
        stream.grantedBytes += frame.bytes;
        stream.wake();
      }
    },
    closeAll() {
      closed = true;
      for (const [id, stream] of streams) abort(id, stream);
    },
    get size() {
      return streams.size;
    },
  };
}
