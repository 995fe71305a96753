/** What the client needs of WebSockets: one function, so that any implementation can stand behind it. */
import type { MessageQueue } from '../core/message-queue.ts';

/** An open WebSocket. */
export interface ClientSocket {
  /** What came; it ends with the socket. */
  readonly messages: MessageQueue;
  /** Sends; settles when little enough is on its way that more may be sent, at once when the socket is closed. */
  send(message: string | Uint8Array): Promise<void>;
  close(): void;
  /** Why it was closed, for people, once it is. */
  readonly closedWhy: string | undefined;
}

/**
 * Opens a WebSocket at a path of the node, and adds the token.
 * @throws CubeError of the node when it refuses, `unreachable`; the signal's reason when it fires before it is open
 */
export type Connector = (path: string, signal: AbortSignal) => Promise<ClientSocket>;
