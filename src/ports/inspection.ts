/** The inspection port: what the live actors of this process do, told only while somebody listens. */
import type { ActorStatus, InspectedEvent } from '../core/inspect-protocol.ts';

/** Where an actor stands. Its context is the live object: to be read at once, and never changed. */
export interface ActorSnapshot {
  readonly status: ActorStatus;
  readonly value: unknown;
  readonly context: unknown;
  readonly tags: readonly string[];
  /** Session ids of its child machines by their ids. */
  readonly children: Readonly<Record<string, string>>;
}

/** A live actor that is a machine. */
export interface LiveActor {
  /** Unique in this process. */
  readonly sessionId: string;
  readonly parentId: string | null;
  readonly rootId: string;
  /** For people: `worker`, `link ws://10.0.0.1:5555`, `supervisor shop/web.2`. */
  readonly name: string;
  /** The machine's config as it was written, the same object for all actors of one machine. */
  readonly config: object;
  readonly snapshot: ActorSnapshot;
}

/** Something an actor did. Times are ms since the epoch. */
export type ActorRecord =
  | { readonly kind: 'actor'; readonly at: number; readonly actor: LiveActor }
  | {
      readonly kind: 'event';
      readonly at: number;
      readonly sessionId: string;
      readonly rootId: string;
      /** Who sent it, if an actor did. */
      readonly sourceId: string | null;
      readonly event: InspectedEvent;
    }
  | {
      readonly kind: 'snapshot';
      readonly at: number;
      readonly sessionId: string;
      readonly rootId: string;
      readonly event: InspectedEvent;
      readonly snapshot: ActorSnapshot;
    };

/** The live actors of this process. */
export interface ActorsSource {
  /** All of them now, parents before their children. */
  list(): readonly LiveActor[];
  /** Tells all that they do from now on, at once and in order; returns what ends it. The listener must not throw: it is called inside of actors. */
  inspect(listener: (record: ActorRecord) => void): () => void;
}
