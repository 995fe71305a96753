/** The messages of a WebSocket, to be read one by one. */
import type { RawData, WebSocket } from 'ws';
import { MessageQueue } from '../core/message-queue.ts';

/**
 * Reads a WebSocket, and no more of it than a little over `bytesMax` ahead of its reader.
 * @param webSocket one that was paused is resumed
 */
export function messagesOf(webSocket: WebSocket, bytesMax: number): MessageQueue {
  const queue = new MessageQueue(bytesMax, webSocket);
  webSocket.on('message', (data: RawData, isBinary: boolean) => queue.push({ bytes: data as Buffer, isBinary }));
  webSocket.once('close', () => queue.end());
  if (webSocket.readyState === webSocket.CLOSED) queue.end();
  webSocket.resume();
  return queue;
}
