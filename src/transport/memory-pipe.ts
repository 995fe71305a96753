/** One direction of an in-memory link: an ordered, reliable pipe with a delay, as TCP is one. */
import type { Clock } from '../ports/ambient.ts';
import type { Road } from './memory-roads.ts';

/** What travels: the frames of one moment, or the goodbye. */
export type Parcel =
  | { readonly is: 'frames'; readonly sentAt: number; readonly frames: Uint8Array[] }
  | { readonly is: 'close'; readonly why: string };

/** One direction of a link. */
export interface Pipe {
  /** A frame, delivered with the others of its moment. */
  send(frame: Uint8Array): void;
  /** The last thing on the pipe. */
  close(why: string): void;
  /** Lets go what was held while the road was. */
  release(): void;
  /** Forgets what is under way. */
  clear(): void;
  /** Bytes sent and not delivered. */
  readonly queuedBytes: number;
}

/**
 * A pipe from one end to the other.
 * @param options.delayMs the time one parcel takes; a later parcel never overtakes an earlier one
 * @param options.road asked at sending and at arrival: on a silent road parcels vanish, on a held one they wait
 */
export function createPipe(options: {
  readonly clock: Clock;
  readonly delayMs: (parcel: 'frames' | 'close') => number;
  readonly road: () => Road;
  readonly deliver: (parcel: Parcel) => void;
}): Pipe {
  const { clock, delayMs, road, deliver } = options;
  let queue: Parcel[] = [];
  let queuedBytes = 0;
  /** Parcels at the queue's head whose time has come. Each has a timer of its own and the timers count only, so that order holds. */
  let due = 0;
  let lastAt = 0;

  const drain = () => {
    while (due > 0 && queue.length > 0 && road() !== 'held') {
      due--;
      const parcel = queue.shift()!;
      if (parcel.is === 'frames') for (const frame of parcel.frames) queuedBytes -= frame.length;
      if (road() !== 'silent') deliver(parcel);
    }
  };
  const put = (parcel: Parcel) => {
    const now = clock.monotonic();
    lastAt = Math.max(lastAt, now + delayMs(parcel.is));
    const mine = queue;
    mine.push(parcel);
    clock.setTimeout(() => {
      if (mine !== queue) return;
      due++;
      drain();
    }, lastAt - now);
  };
  return {
    send(frame) {
      if (road() === 'silent') return;
      const sentAt = clock.monotonic();
      queuedBytes += frame.length;
      // A parcel that is due already waits on a held road only; joining it would be too late.
      const last = queue.length > due ? queue.at(-1) : undefined;
      if (last?.is === 'frames' && last.sentAt === sentAt) last.frames.push(frame);
      else put({ is: 'frames', sentAt, frames: [frame] });
    },
    close(why) {
      if (road() !== 'silent') put({ is: 'close', why });
    },
    release() {
      clock.setTimeout(drain, delayMs('frames'));
    },
    clear() {
      queue = [];
      queuedBytes = 0;
      due = 0;
    },
    get queuedBytes() {
      return queuedBytes;
    },
  };
}
