/** Events, followed over broken connections and restarts of the node. */
import { CubeError } from '../core/errors.ts';
import type { EventJson } from '../core/views.ts';
import { retryDelayMs } from './call.ts';
import type { ClientDeps } from './call.ts';
import { openLines } from './streams.ts';
import { pause } from './requester.ts';

/** Which events; without a filter all that are kept. */
export interface EventsFilter {
  /** Go on with what is still to come. */
  readonly follow?: boolean | undefined;
  /** An ISO time, or a duration before now like 10m. */
  readonly since?: string | undefined;
  /** Only events after this `seq`. */
  readonly after?: number | undefined;
  readonly job?: string | undefined;
  /** By name or id. */
  readonly node?: string | undefined;
  readonly task?: string | undefined;
  /** Ends the events, without an error. */
  readonly signal?: AbortSignal | undefined;
}

/** What may be otherwise in a moment: the node restarts, elects, is busy. */
function mayPass(thrown: unknown): boolean {
  return thrown instanceof CubeError && thrown.row.retryable;
}

/**
 * Reads events. When it follows and the connection breaks it is opened again, after the last event that was seen, with growing pauses.
 * @throws CubeError what the first opening threw; later, what still stands in the way after `clientReconnectMs`
 */
export async function* readEvents(deps: ClientDeps, filter: EventsFilter = {}): AsyncGenerator<EventJson, void, void> {
  const { limits, clock } = deps;
  const { follow = false, job, node, task, signal } = filter;
  let { since, after } = filter;
  let failures = 0;
  let wasOpen = false;
  let brokenSince: number | undefined;
  for (;;) {
    try {
      const query = { follow, since, after, job, node, task };
      const events = await openLines(deps, '/v1/events', { query, follow, signal });
      wasOpen = true;
      brokenSince = undefined;
      for await (const document of events) {
        const event = document as EventJson;
        [after, since, failures] = [event.seq, undefined, 0];
        yield event;
      }
      if (!follow) return;
    } catch (thrown) {
      if (signal?.aborted) return;
      if (!follow || !wasOpen || !mayPass(thrown)) throw thrown;
      brokenSince ??= clock.monotonic();
      if (clock.monotonic() - brokenSince >= limits.clientReconnectMs) throw thrown;
    }
    failures++;
    try {
      await pause(clock, retryDelayMs(limits, failures), signal);
    } catch (thrown) {
      if (signal?.aborted) return;
      throw thrown;
    }
  }
}
