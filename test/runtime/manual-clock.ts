/** A clock that moves when it is told. */
import type { Clock } from '../../src/ports/ambient.ts';

/** A clock with a hand to turn. */
export interface ManualClock extends Clock {
  /** Moves on by `ms`, and lets what is due run, one after another, with the promises it settles. */
  pass(ms: number): Promise<void>;
}

/** Lets all promises that can settle do so. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** @param startsAt ms since the epoch */
export function manualClock(startsAt = 1_000_000): ManualClock {
  const timers = new Map<number, { readonly at: number; readonly run: () => void }>();
  let now = startsAt;
  let ids = 0;
  return {
    now: () => now,
    monotonic: () => now,
    setTimeout: (run, ms) => {
      timers.set(++ids, { at: now + ms, run });
      return ids;
    },
    clearTimeout: (handle) => {
      timers.delete(handle as number);
    },
    async pass(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const due = [...timers].filter(([, timer]) => timer.at <= end).sort(([a, one], [b, two]) => one.at - two.at || a - b)[0];
        if (!due) break;
        timers.delete(due[0]);
        now = Math.max(now, due[1].at);
        due[1].run();
        await settle();
      }
      now = end;
      await settle();
    },
  };
}
