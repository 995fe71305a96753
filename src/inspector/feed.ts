/**
 * What `/v1/inspect` says, in the protocol of @statelyai/inspect: every live actor of this node, and on a manager every node, job and
 * task record as an actor of its machine. All is written once for all who look. While nobody does, nothing is attached to anything.
 */
import { asCubeError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Clock, Log } from '../ports/ambient.ts';
import type { Control } from '../ports/control.ts';
import type { ActorRecord, ActorsSource, LiveActor } from '../ports/inspection.ts';
import { definitionOf } from './definition.ts';
import { MessageWriter } from './messages.ts';
import { RecordFeed, type RecordListener } from './record-feed.ts';
import { describe, snapshotOf, type ShownRecord } from './records.ts';

/** What a feed is made of. */
export interface FeedDeps {
  readonly actors: ActorsSource;
  /** On a manager: where its records are. */
  readonly control?: Control;
  readonly nodeId: string;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
}

/** The content of `/v1/inspect`, for `serveFeed`. */
export interface InspectFeed {
  /** Calls back with each message as JSON text, what there is already at once, records as soon as they are read; returns what ends it. */
  subscribe(onMessage: (json: string) => void): () => void;
}

type Subscriber = (json: string) => void;

/** The feed of one node. */
export function createFeed(deps: FeedDeps): InspectFeed {
  const subscribers = new Set<Subscriber>();
  let hub: Hub | undefined;
  const closeIfIdle = (): void => {
    if (subscribers.size > 0) return;
    hub?.close();
    hub = undefined;
  };
  return {
    subscribe(onMessage) {
      const subscriber: Subscriber = (json) => onMessage(json);
      try {
        hub ??= new Hub(deps, subscribers);
        hub.welcome(subscriber);
        subscribers.add(subscriber);
      } finally {
        closeIfIdle();
      }
      return () => {
        subscribers.delete(subscriber);
        closeIfIdle();
      };
    },
  };
}

/** Lives while somebody looks. */
class Hub {
  readonly #deps: FeedDeps;
  readonly #subscribers: ReadonlySet<Subscriber>;
  readonly #writer: MessageWriter;
  readonly #records: RecordFeed | undefined;
  readonly #stopActors: () => void;

  constructor(deps: FeedDeps, subscribers: ReadonlySet<Subscriber>) {
    const { actors, clock, control, limits, log, nodeId } = deps;
    this.#deps = deps;
    this.#subscribers = subscribers;
    this.#writer = new MessageWriter(nodeId, limits);
    this.#stopActors = actors.inspect((record) => this.#tellLive(record));
    this.#records = control === undefined ? undefined : new RecordFeed({ control, clock, limits, log }, this.#recordListener());
  }

  close(): void {
    this.#stopActors();
    this.#records?.stop();
  }

  /** Tells a newcomer what there is. Nothing can happen meanwhile: it is one turn. */
  welcome(subscriber: Subscriber): void {
    const now = this.#deps.clock.now();
    for (const actor of this.#deps.actors.list()) subscriber(this.#actor(now, actor));
    const book = this.#records?.book;
    for (const record of book?.all() ?? []) {
      subscriber(this.#writer.actor(now, describe(record, book!.has(`job:${record.job}`)), snapshotOf(record)));
    }
  }

  #actor(at: number, actor: LiveActor): string {
    return this.#writer.actor(at, { ...actor, definition: definitionOf(actor.config).text }, actor.snapshot);
  }

  /** It is called inside of actors, who must not suffer from what cannot be shown. */
  #tellLive(record: ActorRecord): void {
    try {
      this.#say(this.#live(record));
    } catch (thrown) {
      this.#deps.log.warn(`the inspector cannot show what an actor did: ${asCubeError(thrown).message}`);
    }
  }

  #live(record: ActorRecord): string {
    switch (record.kind) {
      case 'actor':
        return this.#actor(record.at, record.actor);
      case 'event':
        return this.#writer.event(record.at, record, record.event, record.sourceId);
      case 'snapshot':
        return this.#writer.snapshot(record.at, record, record.event, record.snapshot);
    }
  }

  #recordListener(): RecordListener {
    const writer = this.#writer;
    const subject = (record: ShownRecord) => describe(record, this.#records?.book.has(`job:${record.job}`) ?? false);
    return {
      described: (at, record, jobKnown) => this.#say(writer.actor(at, describe(record, jobKnown), snapshotOf(record))),
      moved: (at, record, event) => {
        this.#say(writer.event(at, subject(record), event, null));
        this.#say(writer.snapshot(at, subject(record), event, snapshotOf(record)));
      },
      changed: (at, record, event, gone) => this.#say(writer.snapshot(at, subject(record), event, snapshotOf(record, gone))),
    };
  }

  #say(json: string): void {
    for (const subscriber of this.#subscribers) subscriber(json);
  }
}
