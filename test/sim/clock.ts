/** Time for a simulated cluster: it stands still until the harness takes a step. */
import type { Clock } from '../../src/ports/ambient.ts';

/** A clock whose timers run only when somebody steps. */
export interface SimClock extends Clock {
  /** When the next timer is due, ms since the start; undefined when none is set. */
  readonly nextAt: number | undefined;
  /** Runs the earliest timer that is due by `until`, and lets every promise settle. @returns whether there was one */
  step(until: number): Promise<boolean>;
  /** Runs all that is due within the next `ms`. */
  pass(ms: number): Promise<void>;
}

interface Timer {
  readonly at: number;
  readonly order: number;
  /** Undefined once it was cleared. */
  run: (() => void) | undefined;
}

/** Lets all promises that can settle do so: nothing in a simulated cluster waits for anything but timers and promises. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Timers by time, then by when they were set. */
class TimerHeap {
  readonly #heap: Timer[] = [];

  push(timer: Timer): void {
    const heap = this.#heap;
    let child = heap.push(timer) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (isBefore(heap[parent]!, timer)) break;
      heap[child] = heap[parent]!;
      child = parent;
    }
    heap[child] = timer;
  }

  /** The earliest that was not cleared. */
  first(): Timer | undefined {
    while (this.#heap.length > 0 && this.#heap[0]!.run === undefined) this.#dropFirst();
    return this.#heap[0];
  }

  take(): Timer | undefined {
    const timer = this.first();
    if (timer) this.#dropFirst();
    return timer;
  }

  #dropFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(last, heap[child]!)) break;
      heap[parent] = heap[child]!;
      parent = child;
    }
    heap[parent] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** @param startsAt wall time of the start, ms since the epoch */
export function createSimClock(startsAt = Date.UTC(2026, 0, 1)): SimClock {
  const timers = new TimerHeap();
  let now = 0;
  let set = 0;
  const clock: SimClock = {
    now: () => startsAt + now,
    monotonic: () => now,
    setTimeout(run, ms) {
      const timer: Timer = { at: now + (ms > 0 ? ms : 0), order: ++set, run };
      timers.push(timer);
      return timer;
    },
    clearTimeout(handle) {
      if (typeof handle === 'object' && handle !== null && 'run' in handle) handle.run = undefined;
    },
    get nextAt() {
      return timers.first()?.at;
    },
    async step(until) {
      let first = timers.first();
      if (first === undefined || first.at > until) {
        // Whoever was woken from outside may be about to set a timer.
        await settle();
        first = timers.first();
      }
      if (first === undefined || first.at > until) {
        now = Math.max(now, until);
        return false;
      }
      timers.take();
      now = first.at;
      first.run?.();
      await settle();
      return true;
    },
    async pass(ms) {
      const until = now + ms;
      await settle();
      let more = true;
      while (more) more = await clock.step(until);
    },
  };
  return clock;
}
