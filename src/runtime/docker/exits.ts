/**
 * Tells when containers end. One event stream serves all who wait; when it breaks it is opened again, and on every opening
 * the state of all waited-for containers is compared, so that nothing is missed in between.
 */
import { setMaxListeners } from 'node:events';
import type { Readable } from 'node:stream';
import type { Limits } from '../../core/limits.ts';
import type { Clock, Log } from '../../ports/ambient.ts';
import type { Exit, Owner } from '../../ports/runtime.ts';
import { abortError, abortable, deferred, isAbort, sleep } from '../abort.ts';
import type { Deferred } from '../abort.ts';
import { goneExit } from '../ends.ts';
import { Gate } from '../gate.ts';
import { inspected, listed, ownerFilter } from './containers.ts';
import type { Engine } from './engine.ts';
import { jsonLines } from './json-lines.ts';
import { exitOf, stateOf } from './state.ts';
import type { Inspected } from './state.ts';

/** The part of an event that is read here. */
interface EngineEvent {
  readonly Action?: string;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Readonly<Record<string, string>> };
}

/** One container that somebody waits for. */
interface Watched {
  readonly ended: Deferred<Exit>;
  waiters: number;
  oom: boolean;
  /** A signal that did not come from here. */
  foreignSignal?: string;
  /** Until then an end by SIGKILL may still turn out to be for want of memory. */
  doubtedUntil?: number;
  /** What the die event said, for the case that the container is gone when it is looked at. */
  dieCode?: number;
}

/** The ends of one owner's containers. */
export class Exits {
  readonly #engine: Engine;
  readonly #owner: Owner;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limits: Limits;
  readonly #watched = new Map<string, Watched>();
  /** Containers that are being stopped or removed from here. */
  readonly #ours = new Map<string, 'stopping' | 'removing'>();
  readonly #closed = new AbortController();
  readonly #looks: Gate;
  #streaming = false;
  #resyncTimer: unknown;
  #resyncAt = Number.POSITIVE_INFINITY;

  constructor(engine: Engine, owner: Owner, ambient: { clock: Clock; log: Log; limits: Limits }) {
    this.#engine = engine;
    this.#owner = owner;
    this.#clock = ambient.clock;
    this.#log = ambient.log;
    this.#limits = ambient.limits;
    this.#looks = new Gate(ambient.limits.startParallelMax);
    // Every look that waits for its turn listens: as many as there are containers.
    setMaxListeners(0, this.#closed.signal);
  }

  /** Settles when the container has ended, at once if it had. An engine that is away is waited for. @throws AbortError */
  async wait(id: string, signal: AbortSignal): Promise<Exit> {
    if (signal.aborted || this.#closed.signal.aborted) throw abortError(signal.aborted ? signal : this.#closed.signal);
    let watched = this.#watched.get(id);
    if (!watched) {
      watched = { ended: deferred(), waiters: 0, oom: false };
      this.#watched.set(id, watched);
      this.#stream();
      this.check(id);
    }
    watched.waiters++;
    try {
      return await abortable(watched.ended.promise, signal);
    } finally {
      watched.waiters--;
      if (watched.waiters === 0 && this.#watched.get(id) === watched) this.#watched.delete(id);
    }
  }

  /** Says that what happens to a container now is this node's doing. */
  mark(id: string, doing: 'stopping' | 'removing'): void {
    this.#ours.set(id, doing);
  }

  unmark(id: string): void {
    this.#ours.delete(id);
  }

  /** A container was removed from here. */
  removed(id: string): void {
    this.#settle(id, goneExit(this.#clock.now(), 'removed', this.#watched.get(id)?.dieCode));
  }

  /** Looks at a container that is waited for, now. */
  check(id: string): void {
    this.#looks
      .run(() => this.#look(id), this.#closed.signal)
      .catch((error: unknown) => {
        if (isAbort(error)) return;
        this.#log.debug('a container could not be looked at; it is looked at again', { container: id, error: String(error) });
        this.#resyncIn(this.#limits.engineRetryMs);
      });
  }

  close(): void {
    this.#closed.abort();
    this.#clock.clearTimeout(this.#resyncTimer);
    for (const watched of this.#watched.values()) watched.ended.reject(abortError(this.#closed.signal));
    this.#watched.clear();
  }

  async #look(id: string): Promise<void> {
    const watched = this.#watched.get(id);
    if (!watched) return;
    const found = await inspected(this.#engine, id);
    if (!found) {
      this.#gone(id);
      return;
    }
    const foreign = watched.foreignSignal;
    const reason = foreign === undefined ? undefined : `somebody else sent it signal ${foreign}`;
    // A signal tells only why it ended if it is what ended it.
    const exit = exitOf(found, { oom: watched.oom, reason: found.State.ExitCode === 128 + Number(foreign) ? reason : undefined });
    if (exit && this.#mayBeOom(id, watched, found, exit)) return;
    if (exit) {
      this.#settle(id, exit);
    } else if (watched.dieCode !== undefined) {
      // It died, and does not say so: the state is late, or it runs again by somebody's hand.
      watched.dieCode = undefined;
      this.#resyncIn(this.#limits.engineRetryMs);
    }
  }

  /** An unexplained SIGKILL of a container with a memory limit is looked at once more after a while. */
  #mayBeOom(id: string, watched: Watched, { HostConfig }: Inspected, exit: Exit): boolean {
    const isExplained = exit.exitCode !== 137 || exit.reason !== undefined || this.#ours.has(id);
    if (isExplained || (HostConfig.Memory ?? 0) === 0) return false;
    if (watched.doubtedUntil === undefined) {
      watched.doubtedUntil = this.#clock.monotonic() + this.#limits.oomLateMs;
      this.#clock.setTimeout(() => this.check(id), this.#limits.oomLateMs);
    }
    return this.#clock.monotonic() < watched.doubtedUntil;
  }

  #gone(id: string): void {
    // What is being removed from here is settled by that.
    if (this.#ours.get(id) === 'removing') return;
    this.#settle(id, goneExit(this.#clock.now(), 'removed by somebody else', this.#watched.get(id)?.dieCode));
  }

  #settle(id: string, exit: Exit): void {
    const watched = this.#watched.get(id);
    this.#watched.delete(id);
    watched?.ended.resolve(exit);
  }

  /** Starts the stream's loop, once. */
  #stream(): void {
    if (this.#streaming) return;
    this.#streaming = true;
    this.#loop().catch((error: unknown) => {
      if (!isAbort(error)) this.#log.error('the event loop ended', { error: String(error) });
    });
  }

  async #loop(): Promise<void> {
    const signal = this.#closed.signal;
    for (;;) {
      const openedAt = this.#clock.monotonic();
      const why = await this.#follow().catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
      if (signal.aborted) return;
      const lastedMs = this.#clock.monotonic() - openedAt;
      this.#log.warn('the event stream of the engine broke; it is opened again', { why });
      if (lastedMs < this.#limits.engineRetryMs) await sleep(this.#clock, this.#limits.engineRetryMs, signal);
    }
  }

  /** Opens the stream and reads it to its end. @returns why it ended */
  async #follow(): Promise<string> {
    const filters = JSON.stringify({
      type: ['container'],
      event: ['die', 'destroy', 'oom', 'kill'],
      label: ownerFilter(this.#owner),
    });
    const call = { path: '/events', method: 'GET', query: { filters } } as const;
    const stream: Readable = await this.#engine.stream('send its events', call, this.#closed.signal);
    this.#resync();
    // dockerd subscribes just after it has answered: once more, for what ended between the two.
    this.#resyncIn(this.#limits.engineRetryMs);
    for await (const event of jsonLines(stream)) this.#on(event as EngineEvent);
    return 'the engine closed it';
  }

  #on(event: EngineEvent): void {
    const id = event.Actor?.ID;
    const watched = id === undefined ? undefined : this.#watched.get(id);
    if (id === undefined || watched === undefined) return;
    const { exitCode, signal } = event.Actor?.Attributes ?? {};
    switch (event.Action) {
      case 'oom':
        watched.oom = true;
        this.check(id);
        break;
      case 'kill':
        if (!this.#ours.has(id)) watched.foreignSignal = signal;
        break;
      case 'die':
        if (exitCode !== undefined) watched.dieCode = Number(exitCode);
        this.check(id);
        break;
      case 'destroy':
        this.#gone(id);
        break;
      default:
    }
  }

  /** Compares all that are waited for with what the engine has; later again, as long as somebody waits. */
  #resync(): void {
    this.#clock.clearTimeout(this.#resyncTimer);
    this.#resyncAt = Number.POSITIVE_INFINITY;
    if (this.#watched.size === 0 || this.#closed.signal.aborted) return;
    listed(this.#engine, this.#owner).then(
      (containers) => {
        const states = new Map(containers.map((container) => [container.Id, stateOf(container.State)]));
        for (const id of this.#watched.keys()) {
          const state = states.get(id);
          if (state !== 'running' && state !== 'created') this.check(id);
        }
        this.#resyncIn(this.#limits.engineResyncMs);
      },
      (error: unknown) => {
        this.#log.debug('the containers could not be compared; they are compared again', { error: String(error) });
        this.#resyncIn(this.#limits.engineRetryMs);
      },
    );
  }

  /** Compares in `ms`, or sooner if that was agreed. */
  #resyncIn(ms: number): void {
    const at = this.#clock.monotonic() + ms;
    if (this.#closed.signal.aborted || this.#watched.size === 0 || at >= this.#resyncAt) return;
    this.#clock.clearTimeout(this.#resyncTimer);
    this.#resyncAt = at;
    this.#resyncTimer = this.#clock.setTimeout(() => this.#resync(), ms);
  }
}
