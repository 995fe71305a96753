/** A pair of link ends that live in one process, joined by two pipes. What a WebSocket would do, they do. */
import type { Limits } from '../core/limits.ts';
import { counted } from '../core/text.ts';
import type { Clock, Log } from '../ports/ambient.ts';
import type { Frame, Link } from '../ports/transport.ts';
import { decodeMessage, encodeWithin } from './codec.ts';
import { createInbox, type Inbox, type Violation } from './inbox.ts';
import { createPipe, type Parcel, type Pipe } from './memory-pipe.ts';
import type { Roads } from './memory-roads.ts';

/** The bounds of links in memory. */
export type MemoryLimits = Pick<Limits, 'frameBytesMax' | 'linkBufferBytesMax' | 'linkInboxMax' | 'dialMs'>;

/** What the ends of a pair share with their network. */
export interface Surroundings {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: MemoryLimits;
  readonly roads: Roads;
}

/** One end, as its network sees it. */
export interface End {
  readonly host: string;
  readonly link: Link;
  /** The connection is gone, without a goodbye. */
  lose(why: string): void;
  /** A road that was held is open again. */
  release(): void;
  readonly closed: boolean;
}

/** One end before it knows its other: `out` is its own pipe, whose far side is the other's `arrive`. */
interface Half extends End {
  arrive(parcel: Parcel): void;
}

const lost = 'the connection was lost';

function createHalf(around: Surroundings, host: string, peer: string, out: Pipe): Half {
  const { clock, log, limits } = around;
  let closed = false;

  const letGo = (why: string) => {
    closed = true;
    inbox.mute();
    clock.setTimeout(() => inbox.end(why), 0);
  };
  const cut = (_kind: Violation, why: string) => {
    if (closed) return;
    log.warn('closing a link', { peer, why });
    letGo(why);
    out.close(why);
  };
  const inbox: Inbox<Frame> = createInbox<Frame>({ limits, log, peer, cut });

  const sendBytes = (bytes: Uint8Array) => {
    out.send(bytes);
    if (out.queuedBytes <= limits.linkBufferBytesMax) return;
    const why = `too slow: ${counted(out.queuedBytes, 'byte')} wait to be read`;
    log.warn('cutting a link', { peer, why });
    letGo(why);
    out.clear();
    out.close(lost);
  };
  const link: Link = {
    peer,
    send(frame) {
      if (closed) return;
      try {
        for (const bytes of encodeWithin([frame], limits.frameBytesMax)) sendBytes(bytes);
      } catch (error) {
        log.error('a frame cannot be sent', { peer, error });
        cut('tooBig', error instanceof Error ? error.message : String(error));
      }
    },
    listen: inbox.listen,
    close(why) {
      if (closed) return;
      letGo(why);
      out.close(why);
    },
  };
  return {
    host,
    link,
    lose(why) {
      if (closed) return;
      closed = true;
      out.clear();
      inbox.end(why);
    },
    release: out.release,
    get closed() {
      return closed;
    },
    arrive(parcel) {
      // Whoever still sends to an end that is gone learns it so, as TCP's reset tells: its own goodbye may have been swallowed.
      if (closed) return parcel.is === 'frames' ? out.close(lost) : undefined;
      if (parcel.is === 'close') {
        closed = true;
        return inbox.end(parcel.why);
      }
      for (const bytes of parcel.frames) inbox.take(decodeMessage(bytes));
    },
  };
}

/** Both ends of a new link between two hosts. */
export function createPair(around: Surroundings, hosts: readonly [string, string]): readonly [End, End] {
  const pipe = (from: string, to: string, far: () => Half) =>
    createPipe({
      clock: around.clock,
      delayMs: (parcel) => around.roads.delayMs(parcel),
      road: () => around.roads.state(from, to),
      deliver: (parcel) => far().arrive(parcel),
    });
  const [a, b] = hosts;
  const near: Half = createHalf(
    around,
    a,
    b,
    pipe(a, b, () => far),
  );
  const far: Half = createHalf(
    around,
    b,
    a,
    pipe(b, a, () => near),
  );
  return [near, far];
}
