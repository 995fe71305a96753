/** What the page knows: actors as the feed describes them, and the last events of each. Its memory is bounded. */
import { batch, signal } from '@preact/signals';
import { chartOf, type Chart } from '../../core/chart.ts';
import { recordChanged, type ActorMessage, type InspectedSnapshot, type InspectMessage } from '../../core/inspect-protocol.ts';
import { ActorView, type LogEntry } from './actor.ts';
import { takenEdge, valueText } from './transition.ts';

/** How much is kept. */
export interface ModelBounds {
  readonly entriesPerActorMax: number;
  readonly entriesMax: number;
  /** Actors that have ended. */
  readonly endedMax: number;
}

const usualBounds: ModelBounds = { entriesPerActorMax: 500, entriesMax: 5_000, endedMax: 1_000 };

/** The actors by id, kept up to date by the feed's messages. */
export class Model {
  readonly actors = new Map<string, ActorView>();
  /** Rises when an actor comes, goes or changes its name or state. */
  readonly listChanged = signal(0);
  readonly #bounds: ModelBounds;
  readonly #charts = new Map<string, Chart>();
  /** Whose entry is how old: oldest first. */
  #oldest: ActorView[] = [];
  #entries = 0;

  constructor(bounds: ModelBounds = usualBounds) {
    this.#bounds = bounds;
  }

  /** Takes a message. One that is about nobody known is passed over. */
  apply(message: InspectMessage): void {
    batch(() => {
      if (message.type === '@xstate.actor') this.#describe(message);
      else this.#tell(message);
    });
  }

  /** The feed is about to begin anew: whoever is not described again has gone meanwhile. */
  beginAnew(): void {
    for (const actor of this.actors.values()) actor.stale = true;
  }

  /** The feed has said who is there. */
  dropStale(): void {
    const stale = [...this.actors.values()].filter((actor) => actor.stale);
    for (const actor of stale) this.#drop(actor);
    if (stale.length > 0) this.listChanged.value++;
  }

  #describe(message: ActorMessage): void {
    const { sessionId: id, name, parentId = null, definition = '', snapshot, createdAt } = message;
    const chart = this.#chart(definition);
    let known = this.actors.get(id);
    if (known !== undefined && known.chart !== chart) {
      // The node was upgraded.
      this.#drop(known);
      known = undefined;
    }
    const actor = known ?? new ActorView(id, chart);
    actor.stale = false;
    actor.name = name;
    actor.parentId = parentId;
    this.#put(actor, snapshot, Number(createdAt));
    this.actors.set(id, actor);
    actor.changed.value++;
    this.listChanged.value++;
    if (known === undefined) this.#dropEnded();
  }

  #tell(message: Exclude<InspectMessage, ActorMessage>): void {
    const actor = this.actors.get(message.sessionId);
    if (actor === undefined) return;
    const at = Number(message.createdAt);
    if (message.type === '@xstate.event') {
      const source = message.sourceId === undefined ? undefined : this.actors.get(message.sourceId);
      this.#note(actor, { at, event: message.event, source: source?.name ?? null, from: valueText(actor.value), to: null, edge: null });
    } else {
      this.#settle(actor, message.event, message.snapshot, at);
    }
    actor.changed.value++;
  }

  /** An event is done with: its entry learns where it led. */
  #settle(actor: ActorView, event: LogEntry['event'], snapshot: InspectedSnapshot, at: number): void {
    const before = actor.value;
    const [from, to] = [valueText(before), valueText(snapshot.value)];
    const edge = takenEdge(actor.chart, event.type, before, snapshot.value);
    const waiting = actor.log.find((entry) => entry.to === null && entry.event.type === event.type);
    if (waiting !== undefined) Object.assign(waiting, { from, to, edge });
    else if (event.type !== recordChanged) this.#note(actor, { at, event, source: null, from, to, edge });
    if (edge !== null) actor.taken = { edge, count: (actor.taken?.count ?? 0) + 1 };
    this.#put(actor, snapshot, at);
  }

  #put(actor: ActorView, snapshot: InspectedSnapshot, at: number): void {
    const { status, value, context } = snapshot;
    const isMoved = status !== actor.status || valueText(value) !== valueText(actor.value);
    if (isMoved || actor.since === 0) actor.since = at;
    actor.status = status;
    actor.value = value;
    actor.context = context;
    if (isMoved) this.listChanged.value++;
  }

  #note(actor: ActorView, entry: Omit<LogEntry, 'id'>): void {
    actor.log.push({ id: actor.nextEntry(), ...entry });
    this.#oldest.push(actor);
    this.#entries++;
    if (actor.log.length > this.#bounds.entriesPerActorMax) {
      actor.log.shift();
      // Its place among the oldest is passed over when its turn comes.
      actor.forgotten++;
      this.#entries--;
    }
    while (this.#entries > this.#bounds.entriesMax) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const actor = this.#oldest.shift();
    if (actor === undefined) return;
    if (actor.forgotten > 0) actor.forgotten--;
    else if (actor.log.shift() !== undefined) this.#entries--;
  }

  #dropEnded(): void {
    const ended = [...this.actors.values()].filter((actor) => actor.ended);
    for (const actor of ended.slice(0, Math.max(0, ended.length - this.#bounds.endedMax))) this.#drop(actor);
  }

  #drop(actor: ActorView): void {
    this.actors.delete(actor.id);
    this.#entries -= actor.log.length;
    actor.log.length = 0;
    this.#oldest = this.#oldest.filter((other) => other !== actor);
    actor.forgotten = 0;
  }

  /** Actors of one machine share its chart. */
  #chart(definition: string): Chart {
    let chart = this.#charts.get(definition);
    if (chart === undefined) {
      chart = chartOf(parsed(definition));
      this.#charts.set(definition, chart);
    }
    return chart;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    // An actor without a definition is shown without a chart.
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
