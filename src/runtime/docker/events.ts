/**
 * The engine's events about one owner's containers. One stream serves all who listen; when it breaks it is opened again, and
 * on every opening, and now and then, the engine's list is compared with what is expected, so that nothing is missed.
 */
import type { Readable } from 'node:stream';
import type { Limits } from '../../core/limits.ts';
import type { Clock, Log } from '../../ports/ambient.ts';
import type { Owner } from '../../ports/runtime.ts';
import { isAbort, sleep } from '../abort.ts';
import { listed, ownerFilter } from './containers.ts';
import type { Listed } from './containers.ts';
import type { Engine } from './engine.ts';
import { jsonLines } from './json-lines.ts';

/** The part of an event that is read here. */
interface EngineEvent {
  readonly Action?: string;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Readonly<Record<string, string>> };
}

/** Something that happened to a container. */
export interface ContainerEvent {
  readonly id: string;
  /** `die`, `destroy`, `oom`, `kill`, or `health_status: healthy`. */
  readonly action: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** One who wants to know. None of these may throw. */
export interface EventListener {
  /** Whether there is anything to compare: while nobody has, the engine is not asked. */
  wants(): boolean;
  onEvent(event: ContainerEvent): void;
  /** All containers of the owner, by id, as they are now. */
  compare(containers: ReadonlyMap<string, Listed>): void;
}

/** The events of one owner's containers. */
export class EngineEvents {
  readonly #engine: Engine;
  readonly #owner: Owner;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limits: Limits;
  readonly #listeners: EventListener[] = [];
  readonly #closed = new AbortController();
  #streaming = false;
  /** Whether the engine has taken the stream that is being read. */
  #isOpen = false;
  #compareTimer: unknown;
  #compareAt = Number.POSITIVE_INFINITY;

  constructor(engine: Engine, owner: Owner, ambient: { clock: Clock; log: Log; limits: Limits }) {
    this.#engine = engine;
    this.#owner = owner;
    this.#clock = ambient.clock;
    this.#log = ambient.log;
    this.#limits = ambient.limits;
  }

  /** Tells a listener everything from now on, once the stream is open. */
  listen(listener: EventListener): void {
    this.#listeners.push(listener);
  }

  /** Opens the stream, if it is not open or being opened. */
  open(): void {
    if (this.#streaming || this.#closed.signal.aborted) return;
    this.#streaming = true;
    this.#loop().catch((error: unknown) => {
      if (!isAbort(error)) this.#log.error('the event loop ended', { error: String(error) });
    });
  }

  /** Compares in `ms`, or sooner if that was agreed. */
  compareIn(ms: number): void {
    const at = this.#clock.monotonic() + ms;
    if (this.#closed.signal.aborted || !this.#isWanted() || at >= this.#compareAt) return;
    this.#clock.clearTimeout(this.#compareTimer);
    this.#compareAt = at;
    this.#compareTimer = this.#clock.setTimeout(() => this.#compare(), ms);
  }

  close(): void {
    this.#closed.abort();
    this.#clock.clearTimeout(this.#compareTimer);
  }

  #isWanted(): boolean {
    return this.#listeners.some((listener) => listener.wants());
  }

  async #loop(): Promise<void> {
    const signal = this.#closed.signal;
    for (;;) {
      const openedAt = this.#clock.monotonic();
      const why = await this.#follow().catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
      if (signal.aborted) return;
      const lastedMs = this.#clock.monotonic() - openedAt;
      // Once an outage, not at each try: that the engine is away is said by the worker.
      const message = 'the event stream of the engine broke; it is opened again';
      if (this.#isOpen) this.#log.warn(message, { why });
      else this.#log.debug(message, { why });
      this.#isOpen = false;
      if (lastedMs < this.#limits.engineRetryMs) await sleep(this.#clock, this.#limits.engineRetryMs, signal);
    }
  }

  /** Opens the stream and reads it to its end. @returns why it ended */
  async #follow(): Promise<string> {
    const filters = JSON.stringify({
      type: ['container'],
      event: ['die', 'destroy', 'oom', 'kill', 'health_status'],
      label: ownerFilter(this.#owner),
    });
    const call = { path: '/events', method: 'GET', query: { filters } } as const;
    const stream: Readable = await this.#engine.stream('send its events', call, this.#closed.signal);
    this.#isOpen = true;
    this.#compare();
    // dockerd subscribes just after it has answered: once more, for what happened between the two.
    this.compareIn(this.#limits.engineRetryMs);
    for await (const event of jsonLines(stream)) this.#on(event as EngineEvent);
    return 'the engine closed it';
  }

  #on({ Action: action, Actor }: EngineEvent): void {
    const id = Actor?.ID;
    if (id === undefined || action === undefined) return;
    for (const listener of this.#listeners) listener.onEvent({ id, action, attributes: Actor?.Attributes ?? {} });
  }

  /** Compares all that is expected with what the engine has; later again, as long as somebody expects something. */
  #compare(): void {
    this.#clock.clearTimeout(this.#compareTimer);
    this.#compareAt = Number.POSITIVE_INFINITY;
    if (!this.#isWanted() || this.#closed.signal.aborted) return;
    listed(this.#engine, this.#owner).then(
      (containers) => {
        const byId = new Map(containers.map((container) => [container.Id, container]));
        for (const listener of this.#listeners) listener.compare(byId);
        this.compareIn(this.#limits.engineResyncMs);
      },
      (error: unknown) => {
        this.#log.debug('the containers could not be compared; they are compared again', { error: String(error) });
        this.compareIn(this.#limits.engineRetryMs);
      },
    );
  }
}
