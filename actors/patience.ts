/** Patience: what an effect of a task does while its engine does not answer. */
import type { TaskEvent } from '../machines/task.ts';
import { asCubeError } from '../src/core/errors.ts';
import type { Limits } from '../src/core/limits.ts';
import type { Ambient } from '../src/ports/ambient.ts';

/** What waiting needs. */
export interface PatienceDeps {
  readonly ambient: Pick<Ambient, 'clock'>;
  readonly limits: Pick<Limits, 'engineRetryMs'>;
}

/** Who waits: until its signal fires, and not in silence. */
export interface Waiter {
  readonly signal: AbortSignal;
  readonly send: (event: TaskEvent) => void;
}

/** Repeats a call while the engine does not answer; every other error is the caller's. */
export async function untilEngineAnswers<T>(deps: PatienceDeps, waiter: Waiter, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (thrown) {
      const error = asCubeError(thrown, 'engine-error');
      if (error.code !== 'no-engine' || waiter.signal.aborted) throw thrown;
      waiter.send({ type: 'report.progress', observed: { detail: error.message } });
      await pause(deps, deps.limits.engineRetryMs, waiter.signal);
    }
  }
}

/** Waits on the injected clock. @throws AbortError when the signal fires first */
export function pause(deps: Pick<PatienceDeps, 'ambient'>, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const { clock } = deps.ambient;
    const timer = clock.setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    const onAbort = (): void => {
      clock.clearTimeout(timer);
      reject(signal.reason as Error);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
