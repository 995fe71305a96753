/** Messages of the feed as JSON texts: live actors and records alike. */
import {
  inspectVersion,
  type ActorMessage,
  type EventMessage,
  type InspectedEvent,
  type InspectedSnapshot,
  type InspectMessage,
  type SnapshotMessage,
} from '../core/inspect-protocol.ts';
import { plain, type PlainLimits } from './plain.ts';

/** Whom a message is about, without the node's prefix. */
export interface Subject {
  readonly sessionId: string;
  readonly rootId: string;
}

/** Somebody to be described. */
export interface Described extends Subject {
  readonly parentId: string | null;
  readonly name: string;
  readonly definition: string;
}

/** A snapshot before it is made fit for showing. */
export type RawSnapshot = Omit<InspectedSnapshot, 'historyValue'>;

/** Writes the messages of one node. Session ids get the node's id in front: XState counts them anew in every process. */
export class MessageWriter {
  readonly #nodeId: string;
  readonly #limits: PlainLimits;
  #last = 0;

  constructor(nodeId: string, limits: PlainLimits) {
    this.#nodeId = nodeId;
    this.#limits = limits;
  }

  /** @param at ms since the epoch */
  actor(at: number, described: Described, snapshot: RawSnapshot): string {
    const { parentId, name, definition } = described;
    const parent = parentId === null ? {} : { parentId: this.#prefixed(parentId) };
    const message: ActorMessage = {
      type: '@xstate.actor',
      ...this.#head(at, described),
      name,
      ...parent,
      definition,
      snapshot: this.#snapshot(snapshot),
    };
    return write(message);
  }

  /** @param sourceId who sent the event, if an actor did */
  event(at: number, subject: Subject, event: InspectedEvent, sourceId: string | null): string {
    const source = sourceId === null ? {} : { sourceId: this.#prefixed(sourceId) };
    const message: EventMessage = { type: '@xstate.event', ...this.#head(at, subject), event: this.#event(event), ...source };
    return write(message);
  }

  snapshot(at: number, subject: Subject, event: InspectedEvent, snapshot: RawSnapshot): string {
    const message: SnapshotMessage = {
      type: '@xstate.snapshot',
      ...this.#head(at, subject),
      event: this.#event(event),
      snapshot: this.#snapshot(snapshot),
    };
    return write(message);
  }

  #head(at: number, { sessionId, rootId }: Subject) {
    return {
      id: `${this.#nodeId}/${++this.#last}`,
      sessionId: this.#prefixed(sessionId),
      rootId: this.#prefixed(rootId),
      createdAt: String(at),
      _version: inspectVersion,
    };
  }

  #prefixed(id: string): string {
    return `${this.#nodeId}/${id}`;
  }

  #event(event: InspectedEvent): InspectedEvent {
    return { ...(plain(event, this.#limits) as Record<string, unknown>), type: event.type };
  }

  #snapshot({ status, value, context, tags, children }: RawSnapshot): InspectedSnapshot {
    const prefixed = Object.entries(children).map(([id, sessionId]) => [id, this.#prefixed(sessionId)]);
    return {
      status,
      value,
      context: plain(context, this.#limits) ?? {},
      tags,
      children: Object.fromEntries(prefixed) as Record<string, string>,
      historyValue: {},
    };
  }
}

function write(message: InspectMessage): string {
  return JSON.stringify(message);
}
