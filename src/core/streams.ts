/**
 * Streams multiplexed over a link: the frames, and the receiving end (a manager's). The sending end is in `stream-server.ts`.
 * The receiver grants bytes and the sender stops without them, so that a slow reader holds up nobody but its own source.
 */
import { CubeError, isErrorCode, problem, type ErrorCode } from './errors.ts';
import type { Limits } from './limits.ts';

/** What a manager may stream from a worker. */
export type StreamRequest = {
  readonly kind: 'logs';
  readonly task: string;
  readonly follow: boolean;
  readonly tail?: number;
  readonly sinceMs?: number;
};

/** Asks for a stream; a first `grant` follows it. */
export type OpenFrame = { readonly type: 'open'; readonly stream: number; readonly what: StreamRequest };

/** Frames of an open stream. `end` comes from either end; one for a stream that is over already is ignored. */
export type StreamFrame =
  | { readonly type: 'data'; readonly stream: number; readonly items: readonly unknown[] }
  | { readonly type: 'grant'; readonly stream: number; readonly bytes: number }
  | { readonly type: 'end'; readonly stream: number; readonly code?: ErrorCode; readonly message?: string };

/** Counted for every item and field, so that empty ones are not free. */
const overheadBytes = 8;
/** Deeper than this nothing is counted: items are shallow, and one made to hurt must not cost a deep walk. */
const depthMax = 8;

/**
 * About how many bytes an item takes. Both ends count with it (grants are in these bytes), so it is part of the protocol: another
 * count needs another protocol version.
 */
export function itemBytes(item: unknown, depth = 0): number {
  if (typeof item === 'string') return overheadBytes + item.length;
  if (typeof item !== 'object' || item === null || depth >= depthMax) return overheadBytes;
  if (ArrayBuffer.isView(item)) return overheadBytes + item.byteLength;
  let bytes = overheadBytes;
  for (const value of Object.values(item)) bytes += itemBytes(value, depth + 1);
  return bytes;
}

/** The receiving ends of one link's streams. */
export interface StreamReader {
  /**
   * A stream, opened when it is iterated (once). It ends with the sender's end or error, with `cut-off` when the link closes, and
   * without an error when `signal` fires or the loop is left.
   * @throws CubeError from the iteration; `busy` when `linkStreamsMax` streams are open
   */
  open(what: StreamRequest, signal?: AbortSignal): AsyncIterable<unknown>;
  /** Takes a frame of the link; frames of streams that are over are ignored. */
  handle(frame: StreamFrame): void;
  /** Ends all streams with `cut-off`, after what they already hold; the link is gone, so nothing is sent. */
  closeAll(why: string): void;
  /** Streams open now. */
  readonly size: number;
}

interface Waiter {
  resolve(step: IteratorResult<unknown, undefined>): void;
  reject(error: CubeError): void;
}

interface Incoming extends AsyncIterator<unknown, undefined> {
  take(items: readonly unknown[]): void;
  finish(failure?: CubeError): void;
}

const over: IteratorResult<unknown, undefined> = { done: true, value: undefined };

/**
 * One stream's buffer. Written out as an iterator, not as a generator: `return()` must take effect while a `next()` waits, else a
 * reader of quiet logs could not leave.
 */
function incoming(windowBytes: number, grant: (bytes: number) => void, leave: (end: boolean) => void): Incoming {
  const items: unknown[] = [];
  const waiters: Waiter[] = [];
  let open = true;
  let failure: CubeError | undefined;
  let grantedBytes = windowBytes;
  let owedBytes = 0;

  const settle = () => {
    while (waiters.length > 0 && items.length > 0) {
      const item = items.shift();
      waiters.shift()!.resolve({ done: false, value: item });
      owedBytes += itemBytes(item);
    }
    // Grants go out by the quarter window: a sender that waits has at least a whole window on its way here.
    if (open && owedBytes * 4 >= windowBytes) {
      grantedBytes += owedBytes;
      grant(owedBytes);
      owedBytes = 0;
    }
    while (!open && items.length === 0 && waiters.length > 0) {
      const waiter = waiters.shift()!;
      if (failure === undefined) waiter.resolve(over);
      else waiter.reject(failure);
      failure = undefined;
    }
  };
  const stop = (why: CubeError | undefined, tell: boolean) => {
    if (!open) return;
    open = false;
    failure = why;
    leave(tell);
    settle();
  };
  return {
    take(more) {
      for (const item of more) {
        if (!open) return;
        if (grantedBytes <= 0) return stop(problem('failed', 'the other end of the stream sent more than it was granted'), true);
        grantedBytes -= itemBytes(item);
        items.push(item);
      }
      settle();
    },
    finish: (why) => stop(why, false),
    next: () =>
      new Promise((resolve, reject) => {
        waiters.push({ resolve, reject });
        settle();
      }),
    return() {
      items.length = 0;
      failure = undefined;
      stop(undefined, true);
      settle();
      return Promise.resolve(over);
    },
  };
}

/**
 * The receiving ends of a link's streams.
 * @param options.send puts a frame on the link
 */
export function createStreamReader(options: {
  readonly send: (frame: OpenFrame | StreamFrame) => void;
  readonly limits: Pick<Limits, 'streamWindowBytes' | 'linkStreamsMax'>;
}): StreamReader {
  const { send, limits } = options;
  const windowBytes = Math.max(1, limits.streamWindowBytes);
  const streams = new Map<number, Incoming>();
  let last = 0;
  let closedWhy: string | undefined;

  const begin = (what: StreamRequest, signal: AbortSignal | undefined): AsyncIterator<unknown, undefined> => {
    if (closedWhy !== undefined) throw problem('cut-off', closedWhy);
    if (streams.size >= limits.linkStreamsMax) throw problem('busy', `${streams.size} streams are open on this link already`);
    const id = ++last;
    const quit = () => void stream.return?.();
    const stream = incoming(
      windowBytes,
      (bytes) => send({ type: 'grant', stream: id, bytes }),
      (tell) => {
        streams.delete(id);
        signal?.removeEventListener('abort', quit);
        if (tell) send({ type: 'end', stream: id });
      },
    );
    if (signal?.aborted) {
      stream.finish();
      return stream;
    }
    signal?.addEventListener('abort', quit, { once: true });
    streams.set(id, stream);
    send({ type: 'open', stream: id, what });
    send({ type: 'grant', stream: id, bytes: windowBytes });
    return stream;
  };

  return {
    open(what, signal) {
      let read = false;
      return {
        [Symbol.asyncIterator]() {
          if (read) throw problem('failed', 'a stream can be read only once');
          read = true;
          return begin(what, signal);
        },
      };
    },
    handle(frame) {
      const stream = streams.get(frame.stream);
      if (frame.type === 'data') stream?.take(frame.items);
      if (frame.type === 'end') stream?.finish(failureOf(frame));
    },
    closeAll(why) {
      closedWhy = why;
      for (const stream of streams.values()) stream.finish(problem('cut-off', why));
    },
    get size() {
      return streams.size;
    },
  };
}

/** The error an `end` carries; a code of another version counts as `failed`. */
function failureOf(end: { readonly code?: string; readonly message?: string }): CubeError | undefined {
  if (end.code === undefined) return undefined;
  return new CubeError(isErrorCode(end.code) ? end.code : 'failed', end.message ?? 'the stream failed at its source');
}
