/** The receiving half of a link's end, whatever carries it: checks frames, keeps early ones, delivers, and closes once. */
import { checkFrame, type FrameOrigin } from '../core/frames.ts';
import type { Limits } from '../core/limits.ts';
import type { Log } from '../ports/ambient.ts';
import type { Frame, Link } from '../ports/transport.ts';

/** How a peer broke the rules; each has its WebSocket close code (RFC 6455, 7.4.1). */
export const violation = { protocol: 1002, unsupported: 1003, undecodable: 1007, overrun: 1008, tooBig: 1009, internal: 1011 } as const;

/** A way to break the rules. */
export type Violation = keyof typeof violation;

/** The receiving half of one end. */
export interface Inbox<In extends Frame> {
  /** Takes a decoded message: it must be a list of frames. */
  take(message: unknown): void;
  listen: Link<In>['listen'];
  /** No frame is delivered from now on. */
  mute(): void;
  /** The link is over: `onClose`, once, after the frames that came before (unless muted). */
  end(why: string): void;
}

/**
 * The receiving half of one end.
 * @param options.from which end the peer is; its frames only are taken. Undefined: both ends' frames
 * @param options.cut is called when the peer broke the rules, or a handler threw
 */
export function createInbox<In extends Frame>(options: {
  readonly limits: Pick<Limits, 'linkInboxMax'>;
  readonly log: Log;
  readonly peer: string;
  readonly from?: FrameOrigin;
  readonly cut: (kind: Violation, why: string) => void;
}): Inbox<In> {
  const { limits, log, peer, from, cut } = options;
  let handlers: Parameters<Link<In>['listen']>[0] | undefined;
  let early: In[] = [];
  let muted = false;
  let endedWhy: string | undefined;

  /** A handler's mistake must not take the node down with it; the link is closed, and dialled anew from a clean state. */
  const guarded = (call: () => void) => {
    try {
      call();
    } catch (error) {
      log.error('a handler of a link failed', { peer, error });
      if (endedWhy === undefined) cut('internal', 'the other end failed to handle a frame');
    }
  };
  const deliver = (frame: In) => {
    if (handlers !== undefined) {
      const { onFrame } = handlers;
      return guarded(() => onFrame(frame));
    }
    early.push(frame);
    if (early.length > limits.linkInboxMax) cut('overrun', `more than ${limits.linkInboxMax} frames came before they could be handled`);
  };
  return {
    take(message) {
      if (muted || endedWhy !== undefined) return;
      if (!Array.isArray(message)) return cut('protocol', 'a message that is no list of frames');
      for (const frame of message as readonly unknown[]) {
        const verdict = checkFrame(frame, from);
        if (verdict.is === 'good') deliver(frame as In);
        else if (verdict.is === 'unknown') log.debug('skipped a frame of an unknown type', { peer, type: verdict.type });
        else return cut('protocol', verdict.why);
        if (muted) return;
      }
    },
    listen(given) {
      if (handlers !== undefined) throw new Error(`the link to ${peer} has its handlers already`);
      handlers = given;
      const why = endedWhy;
      const kept = early;
      early = [];
      for (const frame of kept) {
        if (muted) break;
        deliver(frame);
      }
      if (why !== undefined) guarded(() => given.onClose(why));
    },
    mute() {
      muted = true;
      early = [];
    },
    end(why) {
      if (endedWhy !== undefined) return;
      endedWhy = why;
      const now = handlers;
      if (now !== undefined) guarded(() => now.onClose(why));
    },
  };
}
