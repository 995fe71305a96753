/** Says when to look again: after an event, and now and then in case one was missed. */
import { CubeError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Client } from './connect.ts';
import { sleep } from './time.ts';

/** Whose events count. */
export interface NudgeFilter {
  readonly job?: string;
  readonly node?: string;
}

/**
 * Yields at once, then whenever something may have changed, until the signal fires. A burst of events is one nudge; a broken
 * event stream is opened again, and meanwhile the poll goes on.
 */
export async function* nudges(client: Client, filter: NudgeFilter, limits: Limits, signal: AbortSignal): AsyncGenerator<void> {
  let wake = (): void => undefined;
  let woken = false;
  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      await listen(client, filter, signal, () => {
        woken = true;
        wake();
      });
      await sleep(limits.waitPollMs, signal);
    }
  };
  let defect: Error | undefined;
  follow().catch((thrown: Error) => {
    defect = thrown;
    wake();
  });
  while (!signal.aborted) {
    if (defect) throw defect;
    woken = false;
    yield;
    await sleep(limits.waitDebounceMs, signal);
    if (woken) continue;
    const interval = new AbortController();
    wake = () => interval.abort();
    await sleep(limits.waitPollMs, AbortSignal.any([signal, interval.signal]));
  }
}

/** Listens until the stream ends. A stream that breaks is a reason to look: whoever looks meets the same trouble, and judges it. */
async function listen(client: Client, filter: NudgeFilter, signal: AbortSignal, heard: () => void): Promise<void> {
  try {
    for await (const event of client.events({ ...filter, follow: true, signal })) if (event) heard();
  } catch (thrown) {
    if (!(thrown instanceof CubeError)) throw thrown;
    heard();
  }
}
