/** A feed over a WebSocket: each message one JSON text frame, to a client that only listens. */
import type { WebSocket } from 'ws';
import type { Limits } from '../core/limits.ts';
import { counted } from '../core/text.ts';
import type { Log } from '../ports/ambient.ts';

/** Where a feed's messages come from. */
export interface FeedSource {
  /** Calls back with each message as JSON text, those that are there already at once; returns what ends it. */
  subscribe(onMessage: (json: string) => void): () => void;
}

/**
 * Serves one client until it leaves or falls behind. What the client says is ignored (and bounded by the socket's `maxPayload`).
 * @param webSocket open; one that was paused is resumed
 */
export function serveFeed(
  webSocket: WebSocket,
  options: { readonly limits: Pick<Limits, 'feedBufferBytesMax'>; readonly log: Log; readonly source: FeedSource },
): void {
  const { limits, log, source } = options;
  let unsubscribe: (() => void) | undefined;
  let over = false;

  const stop = () => {
    over = true;
    unsubscribe?.();
    unsubscribe = undefined;
  };
  webSocket.on('error', (error) => log.debug('a feed client failed', { error }));
  webSocket.once('close', stop);
  webSocket.resume();
  if (webSocket.readyState !== webSocket.OPEN) return;

  // Where it is cut while it is given what was there already, its close event ends the subscription.
  unsubscribe = source.subscribe((json) => {
    if (over) return;
    webSocket.send(json);
    if (webSocket.bufferedAmount <= limits.feedBufferBytesMax) return;
    log.warn('cutting a feed client that is too slow', { waiting: counted(webSocket.bufferedAmount, 'byte') });
    stop();
    webSocket.terminate();
  });
}
