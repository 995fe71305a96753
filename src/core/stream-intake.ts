/** The receiving half of one stream's direction: keeps what came until it is read, and grants bytes for what was. */
import { problem, type CubeError } from './errors.ts';

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

interface Waiter {
  resolve(step: IteratorResult<unknown, undefined>): void;
  reject(error: CubeError): void;
}

/** What comes in; read once. */
export interface Intake extends AsyncIterator<unknown, undefined> {
  /** Takes items of a frame; after the end they are dropped. */
  take(items: readonly unknown[]): void;
  /** Nothing more comes: the reader gets what is here, then the end or this failure. */
  finish(failure?: CubeError): void;
  /** The same, when it is this end that gives up: the other end is told. */
  fail(failure: CubeError): void;
}

const over: IteratorResult<unknown, undefined> = { done: true, value: undefined };

/**
 * One direction's buffer. Written out as an iterator, not as a generator: `return()` must take effect while a `next()` waits, else a
 * reader of quiet logs could not leave.
 * @param windowBytes what is granted already
 * @param grant tells the other end that it may send more
 * @param leave is called once, when it is over; `tell`: the other end does not know
 */
export function createIntake(windowBytes: number, grant: (bytes: number) => void, leave: (tell: boolean) => void): Intake {
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
    fail: (why) => stop(why, true),
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
