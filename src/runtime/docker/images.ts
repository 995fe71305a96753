/** Pulling images: one pull an image, however many tasks want it. */
import type { Readable } from 'node:stream';
import { formatDuration } from '../../core/duration.ts';
import { CubeError, problem } from '../../core/errors.ts';
import type { Limits } from '../../core/limits.ts';
import type { Clock, Log } from '../../ports/ambient.ts';
import { abortError, abortable, sleep } from '../abort.ts';
import { Refused } from './engine.ts';
import type { Engine } from './engine.ts';
import { imageProblem } from './image-problems.ts';
import { jsonLines } from './json-lines.ts';
import { PullProgress } from './progress.ts';

/** Who waits for a pull. */
export interface PullWaiter {
  readonly signal: AbortSignal;
  readonly onProgress: (detail: string) => void;
}

interface Pull {
  readonly done: Promise<boolean>;
  readonly abort: AbortController;
  readonly listeners: Set<(detail: string) => void>;
  last: string;
}

/** Splits `name[:tag][@digest]` as `POST /images/create` wants it. Without a tag the engine would pull every tag there is. */
export function pullQuery(image: string): { readonly fromImage: string; readonly tag: string } {
  const at = image.indexOf('@');
  const cut = at >= 0 ? at : image.indexOf(':', image.lastIndexOf('/') + 1);
  return cut < 0 ? { fromImage: image, tag: 'latest' } : { fromImage: image.slice(0, cut), tag: image.slice(cut + 1) };
}

/** Gives the credentials for an image's registry, or undefined for none: sent as X-Registry-Auth. */
export type CredentialsOf = (image: string) => Promise<Readonly<Record<string, string>> | undefined>;

/** What pulls need beside the engine. */
export interface ImagesParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Limits;
  readonly credentialsOf: CredentialsOf;
  /** Hears of each pull that succeeded. */
  readonly onPulled: () => void;
}

/** The pulls of one engine. */
export class Images {
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limits: Limits;
  readonly #credentialsOf: CredentialsOf;
  readonly #onPulled: () => void;
  readonly #pulls = new Map<string, Pull>();
  /** When an image was last pulled, by the clock's monotonic time; the newest of them. */
  readonly #pulledAt = new Map<string, number>();

  constructor(engine: Engine, ambient: ImagesParts) {
    this.#engine = engine;
    this.#clock = ambient.clock;
    this.#log = ambient.log;
    this.#limits = ambient.limits;
    this.#credentialsOf = ambient.credentialsOf;
    this.#onPulled = ambient.onPulled;
  }

  /**
   * Pulls an image, or joins the pull of it that is under way. The pull ends when the last one who wants it leaves.
   * @returns whether anything was downloaded: false when the engine had what the registry has
   * @throws CubeError of the image's codes, AbortError
   */
  async pull(image: string, waiter: PullWaiter): Promise<boolean> {
    if (waiter.signal.aborted) throw abortError(waiter.signal);
    const pull = this.#pulls.get(image) ?? this.#begin(image);
    const listener = (detail: string): void => waiter.onProgress(detail);
    pull.listeners.add(listener);
    listener(pull.last);
    try {
      return await abortable(pull.done, waiter.signal);
    } finally {
      pull.listeners.delete(listener);
      if (pull.listeners.size === 0) {
        if (this.#pulls.get(image) === pull) this.#pulls.delete(image);
        pull.abort.abort();
      }
    }
  }

  /** Whether a pull of the image has succeeded since a monotonic time. */
  pulledSince(image: string, at: number): boolean {
    return (this.#pulledAt.get(image) ?? Number.NEGATIVE_INFINITY) >= at;
  }

  close(): void {
    for (const pull of this.#pulls.values()) pull.abort.abort();
  }

  #begin(image: string): Pull {
    const abort = new AbortController();
    const listeners = new Set<(detail: string) => void>();
    const tell = (detail: string): void => {
      pull.last = detail;
      for (const listener of listeners) listener(detail);
    };
    const done = this.#tries(image, tell, abort.signal)
      .then((isNew) => {
        this.#note(image);
        return isNew;
      })
      .finally(() => {
        if (this.#pulls.get(image) === pull) this.#pulls.delete(image);
      });
    const pull: Pull = { done, abort, listeners, last: `pulling ${image}` };
    this.#pulls.set(image, pull);
    return pull;
  }

  #note(image: string): void {
    this.#pulledAt.delete(image);
    this.#pulledAt.set(image, this.#clock.monotonic());
    const oldest = this.#pulledAt.keys().next();
    if (this.#pulledAt.size > this.#limits.engineMemoryMax && !oldest.done) this.#pulledAt.delete(oldest.value);
    this.#onPulled();
  }

  /** Tries until it works, the registry refuses, or the tries or their time are used up. Real progress gives new tries and time. */
  async #tries(image: string, tell: (detail: string) => void, signal: AbortSignal): Promise<boolean> {
    let failures = 0;
    let best = 0;
    let since = this.#clock.monotonic();
    const onPercent = (percent: number): void => {
      if (percent > best) {
        best = percent;
        failures = 0;
        since = this.#clock.monotonic();
      }
      tell(`pulling ${image} (${percent} %)`);
    };
    for (;;) {
      const leftMs = this.#limits.pullMs - (this.#clock.monotonic() - since);
      try {
        return await this.#once(image, Math.max(1, leftMs), onPercent, signal);
      } catch (error) {
        if (!(error instanceof CubeError) || error.code !== 'image-unavailable') throw error;
        failures++;
        // A try that stalled has had its time, which was not the others'.
        if (error instanceof Stalled) since = this.#clock.monotonic();
        const pauseMs = this.#limits.pullRetryMs;
        const spentMs = this.#clock.monotonic() - since;
        if (failures >= this.#limits.pullTries || spentMs + pauseMs >= this.#limits.pullMs) throw error;
        this.#log.info('a pull failed and is tried again', { image, failures, error: error.message });
        tell(`pulling ${image} (try ${failures + 1} of ${this.#limits.pullTries}: ${error.message})`);
        await sleep(this.#clock, pauseMs, signal);
      }
    }
  }

  /** Silence: the engine's own, or that of the registry behind it. @throws CubeError `no-engine`, `image-unavailable` */
  async #blameSilence(image: string, began: boolean): Promise<never> {
    await this.#engine.call('answer', () => this.#engine.fresh.ping());
    throw began ? new Stalled(image, this.#limits.pullStallMs) : problem('image-unavailable', `${image}: the registry does not answer`);
  }

  /** @param leftMs time for the first sign of life; after it the pull may take as long as it goes on */
  async #once(image: string, leftMs: number, onPercent: (percent: number) => void, signal: AbortSignal): Promise<boolean> {
    const stall = new StallTimer(this.#clock, leftMs, signal);
    try {
      const authconfig = await this.#credentialsOf(image);
      const call = { path: '/images/create', method: 'POST', query: pullQuery(image), authconfig } as const;
      const stream = await this.#engine.stream(`pull ${image}`, call, stall.signal, leftMs);
      return await follow(image, stream, onPercent, () => stall.restart(this.#limits.pullStallMs));
    } catch (error) {
      if (signal.aborted) throw abortError(signal);
      if (stall.signal.aborted) await this.#blameSilence(image, stall.began);
      if (error instanceof Refused) throw imageProblem(image, error.words, error.status);
      // Without the engine there is nothing to try again: whoever wants the image waits for it.
      if (error instanceof CubeError && error.code !== 'engine-error') throw error;
      throw problem('image-unavailable', error instanceof Error ? error.message : String(error), { cause: error });
    } finally {
      stall.end();
    }
  }
}

/** A pull that had begun, and then nothing came for too long. */
class Stalled extends CubeError {
  constructor(image: string, ms: number) {
    super('image-unavailable', `${image}: the pull stalled: the registry sent nothing for ${formatDuration(ms)}`);
  }
}

/** Reads a pull to its end. @returns whether anything was downloaded @throws CubeError of the image's codes for an error the engine reports on the way */
async function follow(image: string, stream: Readable, onPercent: (percent: number) => void, onLife: () => void): Promise<boolean> {
  const progress = new PullProgress();
  let isNew = false;
  let shown = -1;
  for await (const event of jsonLines(stream)) {
    onLife();
    if (typeof event !== 'object' || event === null) continue;
    if ('error' in event) throw imageProblem(image, String(event.error));
    if ('status' in event && String(event.status).startsWith('Status: Downloaded')) isNew = true;
    const percent = progress.take(event);
    if (percent === shown) continue;
    shown = percent;
    onPercent(percent);
  }
  return isNew;
}

/** Aborts when nothing happens for too long. */
class StallTimer {
  readonly signal: AbortSignal;
  /** Whether something has happened. */
  began = false;
  readonly #abort = new AbortController();
  readonly #clock: Clock;
  readonly #outer: AbortSignal;
  readonly #leave = (): void => this.#abort.abort();
  #timer: unknown;

  constructor(clock: Clock, ms: number, outer: AbortSignal) {
    this.signal = this.#abort.signal;
    this.#clock = clock;
    this.#outer = outer;
    outer.addEventListener('abort', this.#leave, { once: true });
    this.#timer = clock.setTimeout(this.#leave, ms);
  }

  restart(ms: number): void {
    this.began = true;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(this.#leave, ms);
  }

  end(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#outer.removeEventListener('abort', this.#leave);
  }
}
