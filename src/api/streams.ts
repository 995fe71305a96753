/**
 * Streams of events and log lines. A value is fetched only when the client has taken the one before, so that a slow client
 * holds up nobody and nothing piles up here; how many there may be is bounded.
 */
import { asCubeError, errorBody, problem } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Clock, Log } from '../ports/ambient.ts';
import type { Line, LinesAnswer } from './route.ts';

/** The open streams. */
export interface Streams {
  /**
   * Opens a stream.
   * @param gone fires when the client has gone
   * @throws CubeError `busy` past `streamsMax`; of a stream that does not follow, what its first value threw
   */
  open(answer: LinesAnswer, gone: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  /** Streams open now. */
  count(): number;
  /** Ends all: the node stops. */
  close(): void;
}

/** How values, errors and signs of life are written. */
const formats = {
  ndjson: {
    value: (line: Line) => `${JSON.stringify(line.value)}\n`,
    error: (value: unknown) => `${JSON.stringify(value)}\n`,
    beat: '\n',
  },
  sse: {
    value: (line: Line) => `${line.id === undefined ? '' : `id: ${line.id}\n`}data: ${JSON.stringify(line.value)}\n\n`,
    error: (value: unknown) => `event: error\ndata: ${JSON.stringify(value)}\n\n`,
    beat: ':\n\n',
  },
} as const;

interface StreamDeps {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
}

/** Something that one waiter at a time waits for, or until `ms` have passed (undefined: as long as it takes). */
function createBell(clock: Clock) {
  let ring: (() => void) | undefined;
  return {
    ring: (): void => ring?.(),
    wait: (ms: number | undefined): Promise<void> =>
      new Promise((resolve) => {
        const timer = ms === undefined ? undefined : clock.setTimeout(() => ring?.(), ms);
        ring = () => {
          ring = undefined;
          if (timer !== undefined) clock.clearTimeout(timer);
          resolve();
        };
      }),
  };
}

type Arrived = { readonly result: IteratorResult<Line> } | { readonly thrown: unknown };

/** Turns values into bytes at the pace of the reader. */
function createSource(answer: LinesAnswer, signal: AbortSignal, { limits, clock, log }: StreamDeps) {
  const format = formats[answer.format];
  const encoder = new TextEncoder();
  const bell = createBell(clock);
  const iterator = answer.open(signal)[Symbol.asyncIterator]();
  let arrived: Arrived | undefined;
  let fetching = false;
  let broken = false;
  signal.addEventListener('abort', bell.ring, { once: true });

  /** Starts to fetch a value, unless one is on its way or here: a promise that many waits hang on would grow for as long as nothing happens. */
  const fetchNext = (): void => {
    if (fetching || arrived !== undefined) return;
    fetching = true;
    const take = (one: Arrived) => {
      fetching = false;
      arrived = one;
      bell.ring();
    };
    iterator.next().then(
      (result) => take({ result }),
      (thrown: unknown) => take({ thrown }),
    );
  };

  return {
    /** Waits for the first value. @throws what the source threw */
    first: async (): Promise<void> => {
      fetchNext();
      while (arrived === undefined && !signal.aborted) await bell.wait(undefined);
      if (arrived !== undefined && 'thrown' in arrived) throw arrived.thrown;
    },
    /** The next bytes, or undefined at the end. */
    next: async (): Promise<Uint8Array | undefined> => {
      if (broken) return undefined;
      fetchNext();
      if (arrived === undefined && !signal.aborted) await bell.wait(answer.follow ? limits.heartbeatMs : undefined);
      if (signal.aborted) return undefined;
      if (arrived === undefined) return encoder.encode(format.beat);
      const one = arrived;
      arrived = undefined;
      if ('result' in one) return one.result.done ? undefined : encoder.encode(format.value(one.result.value));
      broken = true;
      const error = asCubeError(one.thrown);
      log.warn('a stream broke', { code: error.code, reason: error.message });
      // The status is long sent: the reason travels as the last value.
      return encoder.encode(format.error(errorBody(error)));
    },
    /** Not waited for: a source that sits in a wait of its own answers when that ends. */
    end: (): void => {
      iterator.return?.().catch((thrown: unknown) => log.debug('a stream did not end well', { reason: asCubeError(thrown).message }));
    },
  };
}

/** The streams of one node. */
export function createStreams(deps: StreamDeps): Streams {
  const open = new Set<AbortController>();

  const start = async (answer: LinesAnswer, gone: AbortSignal): Promise<ReadableStream<Uint8Array>> => {
    if (open.size >= deps.limits.streamsMax) throw problem('busy', `${open.size} streams are open, and no more are allowed`);
    const ending = new AbortController();
    const end = () => ending.abort();
    const source = createSource(answer, ending.signal, deps);
    open.add(ending);
    gone.addEventListener('abort', end, { once: true });
    ending.signal.addEventListener(
      'abort',
      () => {
        open.delete(ending);
        gone.removeEventListener('abort', end);
        source.end();
      },
      { once: true },
    );
    if (gone.aborted) end();
    try {
      if (!answer.follow) await source.first();
    } catch (thrown) {
      end();
      throw thrown;
    }
    let cancelled = false;
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const bytes = await source.next();
          if (cancelled) return;
          if (bytes !== undefined) return controller.enqueue(bytes);
          end();
          controller.close();
        },
        cancel: () => {
          cancelled = true;
          end();
        },
      },
      { highWaterMark: 0 },
    );
  };

  return {
    open: start,
    count: () => open.size,
    close: () => {
      for (const ending of open) ending.abort();
    },
  };
}
