/** Tells when containers end: by the engine's events, and by comparing all that are waited for with what the engine has. */
import { setMaxListeners } from 'node:events';
import { constants } from 'node:os';
import type { Limits } from '../../core/limits.ts';
import type { Clock, Log } from '../../ports/ambient.ts';
import type { Exit } from '../../ports/runtime.ts';
import { abortError, abortable, deferred, isAbort } from '../abort.ts';
import type { Deferred } from '../abort.ts';
import { goneExit } from '../ends.ts';
import { Gate } from '../gate.ts';
import { inspected } from './containers.ts';
import type { Listed } from './containers.ts';
import type { Engine } from './engine.ts';
import type { ContainerEvent, EngineEvents, EventListener } from './events.ts';
import { engineTime, exitOf, stateOf } from './state.ts';
import type { Inspected } from './state.ts';

/** One container that somebody waits for. */
interface Watched {
  readonly ended: Deferred<Exit>;
  waiters: number;
  oom: boolean;
  /** Signals that did not come from here. */
  readonly foreignSignals: Set<string>;
  /** Until then an end by SIGKILL may still turn out to be for want of memory. */
  doubtedUntil?: number;
  /** When it was started, as the engine tells: another time means that somebody else started it again. */
  startedAt?: string;
  /** What the die event said, for the case that the container is gone when it is looked at, or runs again. */
  dieCode?: number;
  /** It is looked at once more, because its state did not tell of its end yet. */
  looksAgain?: boolean;
}

/** The ends of one owner's containers. */
export class Exits implements EventListener {
  readonly #engine: Engine;
  readonly #events: EngineEvents;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limits: Limits;
  readonly #watched = new Map<string, Watched>();
  /** Containers that are being stopped or removed from here. */
  readonly #ours = new Map<string, 'stopping' | 'removing'>();
  readonly #closed = new AbortController();
  readonly #looks: Gate;

  constructor(engine: Engine, events: EngineEvents, ambient: { clock: Clock; log: Log; limits: Limits }) {
    this.#engine = engine;
    this.#events = events;
    events.listen(this);
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
    const isKnown = this.#watched.get(id)?.startedAt !== undefined;
    const watched = this.#watch(id);
    // One whose start was followed from before it happened needs no look: the events tell the rest.
    if (!isKnown) this.check(id);
    watched.waiters++;
    try {
      return await abortable(watched.ended.promise, signal);
    } finally {
      watched.waiters--;
      if (watched.waiters === 0 && this.#watched.get(id) === watched) this.#watched.delete(id);
    }
  }

  /** A container is about to be started: from now on nothing that happens to it is missed. */
  expect(id: string): void {
    // Nobody may come to wait for it.
    this.#watch(id).ended.promise.catch(() => undefined);
  }

  /** It was started. @param startedAt as the engine tells */
  started(id: string, startedAt: string): void {
    const watched = this.#watched.get(id);
    if (watched) watched.startedAt = startedAt;
  }

  #watch(id: string): Watched {
    let watched = this.#watched.get(id);
    if (!watched) {
      watched = { ended: deferred(), waiters: 0, oom: false, foreignSignals: new Set() };
      this.#watched.set(id, watched);
      this.#events.open();
    }
    return watched;
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
        this.#events.compareIn(this.#limits.engineRetryMs);
      });
  }

  close(): void {
    this.#closed.abort();
    for (const watched of this.#watched.values()) watched.ended.reject(abortError(this.#closed.signal));
    this.#watched.clear();
  }

  async #look(id: string): Promise<void> {
    const watched = this.#watched.get(id);
    if (!watched) return;
    const found = await inspected(this.#engine, id, 'fresh');
    if (!found) {
      this.#gone(id);
      return;
    }
    const { ExitCode } = found.State;
    // A signal tells only why it ended if it is what ended it; one that obeys a stop may end with exit code 0.
    const signal = ExitCode === 0 ? stopSignalOf(found) : String(ExitCode - 128);
    const reason = watched.foreignSignals.has(signal) ? `somebody else sent it signal ${signal}` : undefined;
    const exit = exitOf(found, { oom: watched.oom, reason });
    if (exit && this.#mayBeOom(id, watched, found, exit)) return;
    if (exit) {
      this.#settle(id, exit);
    } else if (this.#runsAgain(watched, found)) {
      // The end was the attempt's, whoever started its container again: what runs now belongs to nobody.
      const finishedAt = engineTime(found.State.FinishedAt) ?? this.#clock.now();
      const why = 'somebody else restarted its container';
      this.#settle(id, { exitCode: watched.dieCode ?? 137, reason: why, foreign: true, finishedAt });
    } else if (watched.dieCode !== undefined && watched.looksAgain !== true) {
      // It died, and does not say so: the state is late, or somebody is just starting it again.
      watched.looksAgain = true;
      this.#clock.setTimeout(() => this.check(id), this.#limits.engineRetryMs);
    }
  }

  /** Whether it ended while it was waited for, and was started again before anybody looked. */
  #runsAgain(watched: Watched, { State }: Inspected): boolean {
    if (stateOf(State.Status) !== 'running') return false;
    watched.startedAt ??= State.StartedAt;
    return watched.startedAt !== State.StartedAt;
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

  wants(): boolean {
    return this.#watched.size > 0;
  }

  onEvent({ id, action, attributes }: ContainerEvent): void {
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    const { exitCode, signal } = attributes;
    switch (action) {
      case 'oom':
        watched.oom = true;
        this.check(id);
        break;
      case 'kill':
        if (!this.#ours.has(id) && signal !== undefined) watched.foreignSignals.add(signal);
        break;
      case 'die':
        if (exitCode !== undefined) watched.dieCode = Number(exitCode);
        watched.looksAgain = false;
        this.check(id);
        break;
      case 'destroy':
        this.#gone(id);
        break;
      default:
    }
  }

  compare(containers: ReadonlyMap<string, Listed>): void {
    for (const id of this.#watched.keys()) {
      const state = stateOf(containers.get(id)?.State ?? 'exited');
      if (state !== 'running' && state !== 'created') this.check(id);
    }
  }
}

/** The number of the signal that a stop sends it, as events tell it. */
function stopSignalOf({ Config }: Inspected): string {
  const name = Config.StopSignal || 'SIGTERM';
  const number = (constants.signals as Readonly<Record<string, number>>)[name.startsWith('SIG') ? name : `SIG${name}`];
  return String(number ?? name);
}
