/** The sending half of one stream's direction: passes on what a source gives, within the bytes that were granted. */
import { itemBytes } from './stream-intake.ts';

/** The sending half. */
export interface Outlet {
  /** Settles when the source has ended, or has been stopped. @throws what the source throws before it was stopped */
  readonly done: Promise<void>;
  /** Lets so many more bytes out. */
  grant(bytes: number): void;
  /** Nobody wants more: aborts the source. */
  stop(): void;
}

interface Sending {
  readonly controller: AbortController;
  grantedBytes: number;
  /** Ends the wait that is under way, for a grant or an item. */
  wake: () => void;
}

function nothing(): void {
  // there is no wait to end
}

/** Resolves when the source may be asked; false when it was stopped. */
async function granted(sending: Sending): Promise<boolean> {
  const { signal } = sending.controller;
  while (sending.grantedBytes <= 0 && !signal.aborted) {
    await new Promise<void>((resolve) => (sending.wake = resolve));
    sending.wake = nothing;
  }
  return !signal.aborted;
}

/** The source's next step, or undefined as soon as it is stopped: a source that does not heed its signal is not waited for. */
function nextStep(sending: Sending, iterator: AsyncIterator<unknown>, late: (thrown: unknown) => void) {
  return new Promise<IteratorResult<unknown> | undefined>((resolve, reject) => {
    sending.wake = () => {
      if (sending.controller.signal.aborted) resolve(undefined);
    };
    iterator.next().then(resolve, (thrown: unknown) => (sending.controller.signal.aborted ? late(thrown) : reject(thrown)));
  });
}

/**
 * Begins to send; nothing leaves before bytes are granted.
 * @param source gives the items; its signal fires when nobody wants them any more
 * @param send puts an item on its way
 * @param late gets what the source throws after it was stopped
 */
export function createOutlet(
  source: (signal: AbortSignal) => AsyncIterable<unknown>,
  send: (item: unknown) => void,
  late: (thrown: unknown) => void,
): Outlet {
  const sending: Sending = { controller: new AbortController(), grantedBytes: 0, wake: nothing };
  const pump = async (): Promise<void> => {
    const iterator = source(sending.controller.signal)[Symbol.asyncIterator]();
    while (await granted(sending)) {
      const step = await nextStep(sending, iterator, late);
      if (step === undefined) break;
      if (step.done) return;
      sending.grantedBytes -= itemBytes(step.value);
      send(step.value);
    }
    iterator.return?.().catch(late);
  };
  return {
    done: pump(),
    grant(bytes) {
      sending.grantedBytes += bytes;
      sending.wake();
    },
    stop() {
      sending.controller.abort();
      sending.wake();
    },
  };
}
