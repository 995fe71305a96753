/** A worker's engine: asked now and then whether it answers, so that a node whose engine is away says so and is given nothing new. */
import { asCubeError } from '../../src/core/errors.ts';
import { formatDuration } from '../../src/core/duration.ts';
import type { Limits } from '../../src/core/limits.ts';
import { isoTime } from '../../src/core/views.ts';
import type { Ambient } from '../../src/ports/ambient.ts';
import type { Runtime } from '../../src/ports/runtime.ts';

/** What is needed to look. */
export interface EngineWatchDeps {
  readonly ambient: Pick<Ambient, 'clock' | 'log'>;
  readonly limits: Pick<Limits, 'engineLookMs' | 'engineAnswerMs'>;
  readonly runtime: Pick<Runtime, 'ping'>;
}

/** One engine, from the first look to the last. Its loss and its return are said once each. */
export class EngineWatch {
  readonly #deps: EngineWatchDeps;
  /** When it was missed, monotonic, and what is said of it. */
  #away: { readonly at: number; readonly why: string } | undefined;
  #timer: unknown;
  #watches = false;

  constructor(deps: EngineWatchDeps) {
    this.#deps = deps;
  }

  /** What beats and greetings say of it: why it is taken for away, and since when; nothing while it answers. */
  get said(): { readonly engineAway?: string } {
    return this.#away === undefined ? {} : { engineAway: this.#away.why };
  }

  /** Looks from now on. */
  start(): void {
    if (this.#watches) return;
    this.#watches = true;
    this.#next();
  }

  /** Looks no more. */
  end(): void {
    this.#watches = false;
    this.#deps.ambient.clock.clearTimeout(this.#timer);
  }

  #next(): void {
    const { ambient, limits } = this.#deps;
    if (this.#watches) this.#timer = ambient.clock.setTimeout(() => void this.#look(), limits.engineLookMs);
  }

  /** One question at a time: an engine that hangs is not asked more and more. */
  async #look(): Promise<void> {
    const { ambient, limits, runtime } = this.#deps;
    const { clock } = ambient;
    const silent = `no answer for ${formatDuration(limits.engineAnswerMs)}`;
    const late = clock.setTimeout(() => this.#lose(silent), limits.engineAnswerMs);
    try {
      // Asked twice: a connection that was kept open may just have come to its end.
      await runtime.ping().catch(() => runtime.ping());
      this.#find();
    } catch (thrown) {
      this.#lose(asCubeError(thrown, 'no-engine').message);
    } finally {
      clock.clearTimeout(late);
    }
    this.#next();
  }

  #lose(why: string): void {
    if (this.#away !== undefined || !this.#watches) return;
    const { clock, log } = this.#deps.ambient;
    this.#away = { at: clock.monotonic(), why: `its engine is away since ${isoTime(clock.now())}: ${why}` };
    log.warn(`the engine is away: ${why}; what runs is left alone, and nothing new is placed here until it answers`);
  }

  #find(): void {
    if (this.#away === undefined || !this.#watches) return;
    const { clock, log } = this.#deps.ambient;
    const awayMs = Math.round(clock.monotonic() - this.#away.at);
    this.#away = undefined;
    log.warn(`the engine answers again, after ${formatDuration(awayMs)}`);
  }
}
