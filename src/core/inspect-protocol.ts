/**
 * The messages of `/v1/inspect`: the protocol of @statelyai/inspect 0.7.2, so that any receiver of it works. Each is one JSON text
 * frame; there is no handshake, and clients say nothing.
 */

/** Which version of the protocol the messages are. */
export const inspectVersion = '0.7.2';

/** Where an actor stands. `done` and `stopped` are final. */
export type ActorStatus = 'active' | 'done' | 'error' | 'stopped';

/** An actor's state at one moment. */
export interface InspectedSnapshot {
  readonly status: ActorStatus;
  /** A state's name, or `{name: value of its child}`. */
  readonly value: unknown;
  readonly context: unknown;
  readonly tags: readonly string[];
  /** Session ids of its child actors by their ids. */
  readonly children: Readonly<Record<string, string>>;
  readonly historyValue: Readonly<Record<string, unknown>>;
}

/** An event: its type, and whatever else it carries. */
export interface InspectedEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface Message {
  /** Unique among the messages of one node. */
  readonly id: string;
  /** Of the actor: the node's id, `/`, and what is unique on that node. */
  readonly sessionId: string;
  /** Session id of the actor at the top of its tree. */
  readonly rootId: string;
  /** ms since the epoch, as text. */
  readonly createdAt: string;
  readonly _version: string;
}

/** An actor is there; sent again with the same session id, it is described anew. */
export interface ActorMessage extends Message {
  readonly type: '@xstate.actor';
  readonly name: string;
  readonly parentId?: string;
  /** Its machine's config as JSON text. */
  readonly definition?: string;
  readonly snapshot: InspectedSnapshot;
}

/** An actor got an event. */
export interface EventMessage extends Message {
  readonly type: '@xstate.event';
  readonly event: InspectedEvent;
  /** Session id of the actor that sent it. */
  readonly sourceId?: string;
}

/** An actor took an event, and stands where the snapshot says. */
export interface SnapshotMessage extends Message {
  readonly type: '@xstate.snapshot';
  readonly event: InspectedEvent;
  readonly snapshot: InspectedSnapshot;
}

/** Any message of the feed. */
export type InspectMessage = ActorMessage | EventMessage | SnapshotMessage;

/** An event that an actor standing for a record gets when something but its state has changed. */
export const recordChanged = 'record.changed';
