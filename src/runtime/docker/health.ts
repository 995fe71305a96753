/** What the engine's own check, an image's HEALTHCHECK, says of containers: by its events, and by looking. */
import type { Limits } from '../../core/limits.ts';
import type { Health } from '../../core/task.ts';
import type { Log } from '../../ports/ambient.ts';
import type { HealthSeen } from '../../ports/runtime.ts';
import { isAbort } from '../abort.ts';
import { Latest } from '../latest.ts';
import { lastLine } from '../last-line.ts';
import { inspected } from './containers.ts';
import type { Listed } from './containers.ts';
import type { Engine } from './engine.ts';
import type { ContainerEvent, EngineEvents, EventListener } from './events.ts';
import type { Exits } from './exits.ts';
import { stateOf } from './state.ts';
import type { Inspected } from './state.ts';

/** One who wants to know of a container's health. */
interface Watcher {
  readonly id: string;
  readonly news: Latest<HealthSeen>;
  last?: HealthSeen;
  /** The last look failed: what is known may be old. */
  isStale: boolean;
  isLooking: boolean;
  /** Something happened during a look, which may not have seen it. */
  again: boolean;
}

/** The health of one owner's containers. */
export class HealthWatch implements EventListener {
  readonly #engine: Engine;
  readonly #events: EngineEvents;
  readonly #exits: Exits;
  readonly #log: Log;
  readonly #limits: Limits;
  readonly #watchers = new Set<Watcher>();

  constructor(engine: Engine, events: EngineEvents, exits: Exits, ambient: { log: Log; limits: Limits }) {
    this.#engine = engine;
    this.#events = events;
    this.#exits = exits;
    this.#log = ambient.log;
    this.#limits = ambient.limits;
    events.listen(this);
  }

  /** What it says now, and whenever that changes; ends with the signal or the container. An engine that is away is waited for. */
  async *watch(id: string, signal: AbortSignal): AsyncGenerator<HealthSeen> {
    const watcher: Watcher = { id, news: new Latest(), isStale: true, isLooking: false, again: false };
    const left = new AbortController();
    const leave = (): void => left.abort();
    if (signal.aborted) return;
    signal.addEventListener('abort', leave, { once: true });
    // The wait, too, settles when the signal fires or the runtime is closed.
    const over = (): void => watcher.news.end();
    this.#exits.wait(id, left.signal).then(over, over);
    this.#watchers.add(watcher);
    this.#events.open();
    this.#check(watcher);
    try {
      for await (const seen of watcher.news.read()) {
        if (signal.aborted) return;
        yield seen;
      }
    } finally {
      this.#watchers.delete(watcher);
      signal.removeEventListener('abort', leave);
      left.abort();
    }
  }

  wants(): boolean {
    return this.#watchers.size > 0;
  }

  onEvent({ id, action }: ContainerEvent): void {
    if (!action.startsWith('health_status')) return;
    for (const watcher of this.#watchers) if (watcher.id === id) this.#check(watcher);
  }

  compare(containers: ReadonlyMap<string, Listed>): void {
    for (const watcher of this.#watchers) {
      const status = containers.get(watcher.id)?.Status;
      if (status !== undefined && (watcher.isStale || healthIn(status) !== watcher.last?.health)) this.#check(watcher);
    }
  }

  /** Looks, and tells what is new; once more when it was asked to meanwhile, so that an older answer never comes last. */
  #check(watcher: Watcher): void {
    watcher.again = watcher.isLooking;
    if (watcher.isLooking) return;
    watcher.isLooking = true;
    this.#look(watcher)
      .catch((error: unknown) => {
        if (isAbort(error)) return;
        this.#log.debug('the health of a container could not be read; it is read again', { container: watcher.id, error: String(error) });
        watcher.isStale = true;
        this.#events.compareIn(this.#limits.engineRetryMs);
      })
      .finally(() => {
        watcher.isLooking = false;
        if (watcher.again) this.#check(watcher);
      });
  }

  async #look(watcher: Watcher): Promise<void> {
    const found = await inspected(this.#engine, watcher.id);
    watcher.isStale = false;
    // What has ended says nothing any more; the wait for its end tells that.
    if (!found || stateOf(found.State.Status) === 'exited') return;
    const seen = healthOf(found, this.#limits);
    if (seen.health === watcher.last?.health && seen.detail === watcher.last.detail) return;
    watcher.last = seen;
    watcher.news.put(seen);
  }
}

/** The health in the engine's words for people: `Up 2 minutes (healthy)`, `(unhealthy)`, `(health: starting)`. */
function healthIn(status: string): Health {
  const word = /\((healthy|unhealthy)\)/.exec(status)?.[1];
  return word === undefined ? 'unknown' : (word as Health);
}

/** The health a look found, with the last line that the check wrote. */
function healthOf({ State }: Inspected, limits: Limits): HealthSeen {
  const status = State.Health?.Status;
  const health = status === 'healthy' || status === 'unhealthy' ? status : 'unknown';
  const detail = lastLine(State.Health?.Log?.at(-1)?.Output ?? '', limits.probeDetailCharsMax);
  return { health, ...(detail === '' ? {} : { detail }) };
}
