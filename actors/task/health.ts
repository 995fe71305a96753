/** Follows the health of a running container, by the task's own check or by its image's, and says what changed. */
import type { Observation } from '../../src/core/attempts.ts';
import { asCubeError } from '../../src/core/errors.ts';
import { afterLook, beginCourse, isChecked, nextLookMs, type HealthCourse } from '../../src/core/health.ts';
import type { HealthSpec } from '../../src/core/job.ts';
import type { HealthSeen, ProbeResult } from '../../src/ports/runtime.ts';
import { pause } from '../patience.ts';
import { refOf, type EffectRun, type TaskDeps } from './run.ts';

/**
 * Looks until the container is unwell, and its policy wants it started again for that. Otherwise goes on until the signal fires.
 * @returns why it is to be ended
 * @throws AbortError when the signal fires
 */
export async function untilUnwell(deps: TaskDeps, task: EffectRun, signal: AbortSignal): Promise<string> {
  const checks = new Checks(deps, task);
  for (;;) {
    // Fires with the end, and when the terms have changed.
    const changed = new AbortController();
    const off = task.onUpdate(() => changed.abort());
    try {
      return await checks.follow(AbortSignal.any([signal, changed.signal]));
    } catch (thrown) {
      if (signal.aborted || !changed.signal.aborted) throw thrown;
    } finally {
      off();
    }
    checks.takeTerms();
  }
}

class Checks {
  readonly #deps: TaskDeps;
  readonly #task: EffectRun;
  /** Whether the container's image looks after itself. */
  readonly #imageHasCheck: boolean;
  #hasCheck: boolean;
  /** The terms that are followed, as text. */
  #terms: string;
  #detail: string | undefined;
  #course: HealthCourse;

  constructor(deps: TaskDeps, task: EffectRun) {
    const { observed, order } = task;
    const { clock } = deps.ambient;
    this.#deps = deps;
    this.#task = task;
    this.#hasCheck = observed.hasCheck === true;
    this.#terms = JSON.stringify(order.spec.health);
    this.#imageHasCheck = order.spec.health === undefined && this.#hasCheck;
    const ranMs = Math.max(0, clock.now() - (observed.startedAt ?? clock.now()));
    const now = clock.monotonic();
    this.#course = beginCourse(observed.wentWell === true && this.#hasCheck ? 'healthy' : 'unknown', now - ranMs, now);
  }

  /** Other terms: what is known stays until they have spoken, unless nobody will. */
  takeTerms(): void {
    const terms = this.#task.order.spec.health;
    if (JSON.stringify(terms) === this.#terms) return;
    this.#terms = JSON.stringify(terms);
    const hasCheck = isChecked(terms, this.#imageHasCheck);
    const health = hasCheck ? this.#course.health : 'unknown';
    if (!hasCheck && this.#hasCheck) this.#say('running', { hasCheck, reason: undefined });
    else if (hasCheck !== this.#hasCheck) this.#task.send({ type: 'report.progress', observed: { hasCheck } });
    this.#hasCheck = hasCheck;
    this.#course = beginCourse(health, this.#course.startedAt, this.#deps.ambient.clock.monotonic());
  }

  /** Looks until the container is to be ended. @returns why it is @throws AbortError when the signal fires: what else goes wrong is told, and tried again */
  async follow(signal: AbortSignal): Promise<string> {
    for (;;) {
      const { health } = this.#task.order.spec;
      try {
        if (typeof health === 'object') {
          const reason = await this.#look(health, signal);
          if (reason !== undefined) return reason;
          continue;
        }
        if (health === undefined && this.#imageHasCheck) {
          for await (const seen of this.#deps.runtime.health(refOf(this.#task.observed), signal)) {
            const reason = this.#take(seen);
            if (reason !== undefined) return reason;
          }
        }
        // Nobody looks, or the container has ended: until the terms change there is nothing to follow.
        await until(signal);
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        // An engine that does not answer says nothing of the container: the last word stands.
        this.#tell(asCubeError(thrown, 'engine-error').message);
        await pause(this.#deps, this.#deps.limits.engineRetryMs, signal);
      }
    }
  }

  async #look(terms: HealthSpec, signal: AbortSignal): Promise<string | undefined> {
    const { ambient, limits, runtime } = this.#deps;
    const { observed, order } = this.#task;
    await pause(this.#deps, nextLookMs(this.#course, ambient.clock.monotonic(), terms, limits), signal);
    const port = order.spec.ports.find(({ protocol }) => protocol === 'tcp')?.container;
    const result = await runtime.probe(refOf(observed), terms.probe, {
      timeoutMs: terms.timeoutMs,
      signal,
      ...(port === undefined ? {} : { port }),
    });
    return this.#judge(result, terms);
  }

  /** One look's result. */
  #judge({ ok, detail }: ProbeResult, terms: HealthSpec): string | undefined {
    const before = this.#course.health;
    this.#course = afterLook(this.#course, ok, this.#deps.ambient.clock.monotonic(), terms);
    const { health } = this.#course;
    if (health === 'healthy') {
      // A look that failed once, and does not count yet, is no news.
      if (before !== 'healthy') this.#becomeHealthy();
      return undefined;
    }
    if (health === 'unknown') {
      this.#tell(detail);
      return undefined;
    }
    return this.#becomeUnhealthy(before !== 'unhealthy', `health check failed ${times(terms.retries)}: ${detail}`);
  }

  /** What the image's own check says. One that has just begun again says nothing yet, and the last word stands. */
  #take({ health, detail }: HealthSeen): string | undefined {
    const before = this.#course.health;
    if (health === 'unknown') return undefined;
    this.#course = { ...this.#course, health };
    if (health === 'unhealthy') {
      return this.#becomeUnhealthy(before !== health, `the health check of its image failed${detail ? `: ${detail}` : ''}`);
    }
    if (before !== health) this.#becomeHealthy();
    return undefined;
  }

  #becomeHealthy(): void {
    this.#say('healthy', { wentWell: true, reason: undefined });
  }

  /** @returns the reason to end it, where the policy wants that */
  #becomeUnhealthy(isNew: boolean, reason: string): string | undefined {
    const restarts = this.#task.order.spec.restart.on !== 'never';
    const observed = { wentWell: undefined, reason, ...(restarts ? { unwell: reason } : {}) };
    if (isNew) this.#say('unhealthy', observed);
    else if (restarts || this.#detail !== reason) this.#task.send({ type: 'report.progress', observed });
    this.#detail = reason;
    return restarts ? reason : undefined;
  }

  #say(what: 'healthy' | 'unhealthy' | 'running', observed: Partial<Observation>): void {
    this.#detail = undefined;
    this.#task.send({ type: `report.${what}`, observed: { ...observed, detail: undefined } });
  }

  /** Why there is no good word yet: said once. */
  #tell(detail: string): void {
    if (this.#detail === detail) return;
    this.#detail = detail;
    this.#task.send({ type: 'report.progress', observed: { detail: `health check: ${detail}` } });
  }
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

/** Never settles but by the signal. @throws AbortError when it fires */
function until(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
