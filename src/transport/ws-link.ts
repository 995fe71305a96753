/** A link over an open WebSocket, whichever end opened it. One message carries the frames of one tick. */
import type { RawData, WebSocket } from 'ws';
import type { FrameOrigin } from '../core/frames.ts';
import type { Limits } from '../core/limits.ts';
import { counted } from '../core/text.ts';
import type { Log } from '../ports/ambient.ts';
import type { Frame, Link } from '../ports/transport.ts';
import { decodeMessage, encodeWithin } from './codec.ts';
import { createInbox, violation, type Violation } from './inbox.ts';

/** The bounds of a link. */
export type LinkLimits = Pick<Limits, 'frameBytesMax' | 'linkBufferBytesMax' | 'linkInboxMax' | 'linkBatchFramesMax'>;

/** What a link is made with. */
export interface LinkOptions {
  readonly limits: LinkLimits;
  readonly log: Log;
  /** Where the other end is, for people. */
  readonly peer: string;
  /** Which end the peer is; its frames only are taken. Undefined: both ends' frames. */
  readonly from?: FrameOrigin;
}

/** A close frame holds at most 123 bytes of reason (RFC 6455, 5.5.1). */
const reasonBytesMax = 123;
const normalClosure = 1000;

/** A reason cut to what a close frame holds, never within a character. */
export function clipReason(why: string): string {
  const bytes = Buffer.from(why);
  if (bytes.length <= reasonBytesMax) return why;
  let end = reasonBytesMax;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

/** Why a socket closed, for people. */
function whyClosed(code: number, reason: Buffer, error: Error | undefined): string {
  if (reason.length > 0) return reason.toString();
  if (error) return `the connection failed: ${error.message}`;
  if (code === normalClosure || code === 1005) return 'closed by the other end';
  return code === 1006 ? 'the connection was lost' : `closed by the other end (code ${code})`;
}

/** The sending half: the frames of one turn of the event loop go out as one message. */
function createOutbox(options: {
  readonly webSocket: WebSocket;
  readonly limits: LinkLimits;
  /** More waits than may wait. */
  readonly onSlow: () => void;
  /** A frame that cannot be sent, ever. */
  readonly onUnsendable: (error: unknown) => void;
}) {
  const { webSocket, limits, onSlow, onUnsendable } = options;
  let pending: Frame[] = [];

  const flush = () => {
    const frames = pending;
    pending = [];
    // A socket that is closing counts what it is given as waiting, and never sends it.
    if (frames.length === 0 || webSocket.readyState !== webSocket.OPEN) return;
    let messages: readonly Buffer[];
    try {
      messages = encodeWithin(frames, limits.frameBytesMax);
    } catch (error) {
      return onUnsendable(error);
    }
    for (const message of messages) {
      webSocket.send(message);
      if (webSocket.bufferedAmount > limits.linkBufferBytesMax) return onSlow();
    }
  };
  return {
    push(frame: Frame) {
      pending.push(frame);
      if (pending.length >= limits.linkBatchFramesMax) flush();
      else if (pending.length === 1) setImmediate(flush);
    },
    flush,
    clear() {
      pending = [];
    },
  };
}

/**
 * Wraps an open WebSocket as a link. The socket is the link's from here on; one that was paused is resumed.
 * @param webSocket open, with `maxPayload` set to `frameBytesMax`
 */
export function acceptLink<In extends Frame = Frame, Out extends Frame = Frame>(
  webSocket: WebSocket,
  { limits, log, peer, from }: LinkOptions,
): Link<In, Out> {
  let closed = false;

  /** Sends no more, takes no more, and tells the own end after this turn, so that nobody is called back from within a call. */
  const letGo = (why: string) => {
    closed = true;
    outbox.clear();
    inbox.mute();
    queueMicrotask(() => inbox.end(why));
  };
  const cut = (kind: Violation, why: string) => {
    if (closed) return;
    log.warn('closing a link', { peer, why });
    letGo(why);
    webSocket.close(violation[kind], clipReason(why));
  };
  const inbox = createInbox<In>({ limits, log, peer, ...(from && { from }), cut });
  const outbox = createOutbox({
    webSocket,
    limits,
    onSlow() {
      const why = `too slow: ${counted(webSocket.bufferedAmount, 'byte')} wait to be read`;
      log.warn('cutting a link', { peer, why });
      letGo(why);
      // A close frame would only queue up behind what the peer does not read.
      webSocket.terminate();
    },
    onUnsendable(error) {
      log.error('a frame cannot be sent', { peer, error });
      cut(error instanceof RangeError ? 'tooBig' : 'internal', wordsOf(error));
    },
  });

  receive(webSocket, log, peer, {
    onMessage: inbox.take,
    cut,
    onClosed(why) {
      if (closed) return;
      closed = true;
      outbox.clear();
      inbox.end(why);
    },
  });
  if (webSocket.readyState === webSocket.CLOSED) letGo('the connection was lost');
  webSocket.resume();

  return {
    peer,
    send(frame) {
      if (!closed) outbox.push(frame);
    },
    listen: inbox.listen,
    close(why) {
      if (!closed) outbox.flush();
      if (closed) return;
      letGo(why);
      webSocket.close(normalClosure, clipReason(why));
    },
  };
}

/** Turns a socket's events into decoded messages and one end. */
function receive(
  webSocket: WebSocket,
  log: Log,
  peer: string,
  to: {
    readonly onMessage: (message: unknown) => void;
    readonly cut: (kind: Violation, why: string) => void;
    readonly onClosed: (why: string) => void;
  },
): void {
  let lastError: Error | undefined;
  webSocket.on('message', (data: RawData, isBinary: boolean) => {
    if (!isBinary) return to.cut('unsupported', 'a text message on a link');
    let message: unknown;
    try {
      // With ws' default `binaryType` a message is one Buffer.
      message = decodeMessage(data as Buffer);
    } catch (error) {
      return to.cut('undecodable', `a message that cannot be read: ${wordsOf(error)}`);
    }
    to.onMessage(message);
  });
  webSocket.on('error', (error) => {
    lastError = error;
    log.debug('the socket of a link failed', { peer, error });
  });
  webSocket.on('close', (code, reason) => to.onClosed(whyClosed(code, reason, lastError)));
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
