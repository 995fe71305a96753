/** What the link suite needs of a kind of link to try it. */
import { limitsWith, type Limits } from '../../src/core/limits.ts';
import type { Dialer, Link } from '../../src/ports/transport.ts';

/** One kind of link, ready to be tried. */
export interface LinkHarness {
  readonly dialer: Dialer;
  /** Opens a link; `near` is the dialling end. Nobody listens to either yet. */
  connect(): Promise<{ readonly near: Link; readonly far: Link }>;
  /** Addresses by what a dial to them meets. */
  readonly urls: {
    readonly good: string;
    readonly dead: string;
    readonly silent: string;
    readonly unauthorized: string;
    readonly forbidden: string;
  };
  close(): Promise<void>;
}

/** Makes a harness with these bounds. */
export type Make = (limits: Limits) => Promise<LinkHarness>;

/** Small bounds, so that tests reach them. */
export const limits = limitsWith({
  frameBytesMax: 1_048_576,
  linkBufferBytesMax: 4 * 1_048_576,
  linkInboxMax: 100,
  linkBatchFramesMax: 64,
  dialMs: 200,
  linkCloseMs: 200,
});

/** One turn of the event loop. */
export const turn = () => new Promise((resolve) => setImmediate(resolve));
/** A signal that does not fire. */
export const never: AbortSignal = new AbortController().signal;

/** Opens a link. */
export type Connect = LinkHarness['connect'];
