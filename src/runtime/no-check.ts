/** The health of what no runtime looks after. */
import type { Exit, HealthSeen } from '../ports/runtime.ts';
import { isAbort } from './abort.ts';

/** Says once that nothing is known, and ends with the signal or the container. @param wait settles when it has ended */
export async function* unchecked(wait: (signal: AbortSignal) => Promise<Exit>, signal: AbortSignal): AsyncGenerator<HealthSeen> {
  if (signal.aborted) return;
  yield { health: 'unknown' };
  await wait(signal).catch((error: unknown) => {
    if (!isAbort(error)) throw error;
  });
}
