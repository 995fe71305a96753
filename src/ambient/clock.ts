/** Time as it passes. */
import type { Clock } from '../ports/ambient.ts';

/** Longest delay of a Node timer; a longer one would fire at once (https://nodejs.org/api/timers.html). */
const timerMsMax = 2 ** 31 - 1;

interface Timer {
  current: NodeJS.Timeout;
}

/** The clock of this machine. Its timers wait as long as they are told, however long that is. */
export function realClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    setTimeout: (run, ms) => startTimer(run, ms),
    clearTimeout: (handle) => {
      if (isTimer(handle)) clearTimeout(handle.current);
    },
  };
}

function startTimer(run: () => void, ms: number): Timer {
  if (ms <= timerMsMax) return { current: setTimeout(run, ms) };
  const timer: Timer = { current: setTimeout(() => (timer.current = startTimer(run, ms - timerMsMax).current), timerMsMax) };
  return timer;
}

function isTimer(handle: unknown): handle is Timer {
  return typeof handle === 'object' && handle !== null && 'current' in handle;
}
