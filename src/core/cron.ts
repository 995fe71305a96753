/**
 * When a cron expression fires. The fields are croner's; what a local time means on the days on which a zone's clocks change is said here,
 * as in RFC 5545, 3.3.5: one that is skipped fires as much later as the clocks leap, one that comes twice fires the first time. So a daily
 * job runs once on such a day. Where every hour is wanted (`*`), hours pass as they do: none is left out, and none waits.
 */
import { Cron } from 'croner';

/** A cron expression that was understood. */
export interface CronTimes {
  readonly ok: true;
  /** The first tick strictly after that time, both ms since the epoch; undefined: none ever again. */
  next(afterMs: number): number | undefined;
}

/** Or why it was not. */
export type ParsedCron = CronTimes | { readonly ok: false; readonly message: string };

const minuteMs = 60_000;
/** Clocks were never changed by more than a day. */
const leapMsMax = 24 * 60 * minuteMs;
/** The last time of a Date. */
const timeMsMax = 8_640_000_000_000_000;

/** Whether the IANA database, as this program has it, knows that zone. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    return true;
  } catch (thrown) {
    if (thrown instanceof RangeError) return false;
    throw thrown;
  }
}

/** Reads a cron expression of five fields, or six with seconds first, for the clocks of that zone. */
export function parseCron(text: string, timezone: string): ParsedCron {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6) {
    return { ok: false, message: 'five fields are needed (minute hour day month weekday), or six with seconds first' };
  }
  // For croner that is the time at which it reads it.
  if (text.includes('?')) return { ok: false, message: '"?" is no value; write "*" for any' };
  if (!isTimeZone(timezone)) return { ok: false, message: `there is no time zone "${timezone}"` };
  try {
    const cron = new Cron(fields.join(' '), { paused: true, utcOffset: 0 });
    return { ok: true, next: times(cron, offsets(timezone), fields.at(-4) === '*') };
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown;
    return { ok: false, message: thrown.message.replace(/^CronPattern: /, '') };
  }
}

/** By how much a zone's clocks are ahead of UTC at a time, in ms. */
type OffsetAt = (ms: number) => number;

function offsets(timezone: string): OffsetAt {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (ms) => {
    const seconds = Math.floor(ms / 1_000) * 1_000;
    const parts = new Map(format.formatToParts(seconds).map(({ type, value }) => [type, value]));
    const part = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
    return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')) - seconds;
  };
}

/** When the clocks began to be `offset` ahead, at the latest change up to a time at which they are; they are not at `sinceMs`. */
function changeBetween(offsetAt: OffsetAt, sinceMs: number, untilMs: number, offset: number): number {
  let [before, after] = [Math.floor(sinceMs / 1_000), Math.ceil(untilMs / 1_000)];
  while (after - before > 1) {
    const between = Math.floor((before + after) / 2);
    if (offsetAt(between * 1_000) === offset) after = between;
    else before = between;
  }
  return after * 1_000;
}

function nextOf(cron: Cron, after: Date): Date | null {
  try {
    return cron.nextRun(after);
  } catch (thrown) {
    // Croner calls itself for each month that lacks the day, up to the year 3000: what does not come before its stack is full never comes.
    if (thrown instanceof RangeError) return null;
    throw thrown;
  }
}

function times(cron: Cron, offsetAt: OffsetAt, everyHour: boolean): CronTimes['next'] {
  /** The first tick from that time on, were the clocks always so far ahead. */
  const nextAhead = (fromMs: number, offset: number): number => {
    const local = Math.abs(fromMs) > timeMsMax - leapMsMax ? null : nextOf(cron, new Date(fromMs - 1 + offset));
    return local === null ? Infinity : local.getTime() - offset;
  };
  /** The same from a time on at which they are, with what a change of the clocks right before it does to ticks. */
  const nextFrom = (fromMs: number, offset: number): number => {
    const before = offsetAt(fromMs - leapMsMax);
    if (before === offset || everyHour) return nextAhead(fromMs, offset);
    const change = changeBetween(offsetAt, fromMs - leapMsMax, fromMs, offset);
    const leap = offset - before;
    // Local times that came before the clocks were put back.
    if (leap < 0) return nextAhead(Math.max(fromMs, change - leap), offset);
    const skipped = nextAhead(fromMs, before);
    return Math.min(skipped < change + leap ? skipped : Infinity, nextAhead(fromMs, offset));
  };
  return (afterMs) => {
    let from = Math.floor(afterMs) + 1;
    for (;;) {
      if (Math.abs(from) > timeMsMax - leapMsMax) return undefined;
      const offset = offsetAt(from);
      const tick = nextFrom(from, offset);
      if (tick === Infinity) return undefined;
      const there = offsetAt(tick);
      if (there === offset) return tick;
      // By the clocks as they are then.
      from = changeBetween(offsetAt, from, tick, there);
    }
  };
}
