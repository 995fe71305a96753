/** When a periodic job runs: `schedule`, as it is written and as it is meant. */
import { z } from 'zod';
import { isTimeZone, parseCron } from '../cron.ts';
import type { CronTimes } from '../cron.ts';
import type { ScheduleSpec } from '../job.ts';
import { nearest } from '../text.ts';
import { badValue, shown, type Finding } from './findings.ts';
import { expected, oneOf } from './values.ts';

const cronForm = 'five fields (minute hour day month weekday), or six with seconds first, like "*/5 * * * *"';

/** The schema of `schedule`. That its times exist, `scheduleFindings` sees to. */
export const scheduleSchema = z
  .strictObject(
    {
      cron: z.string(expected(cronForm)).describe('Five fields (minute hour day month weekday), or six with seconds first'),
      timezone: z
        .string(expected('a time zone like Europe/Berlin'))
        .optional()
        .describe('Of the IANA database, like Europe/Berlin; default: UTC'),
      overlap: oneOf(['skip', 'queue', 'replace']).optional().describe('What a tick does while the run before it goes on; default: skip'),
      missed: oneOf(['skip', 'once', 'all']).optional().describe('What becomes of ticks that passed while no manager led; default: skip'),
    },
    expected('a map like {cron: "*/5 * * * *"}'),
  )
  .describe('Periodic only: when it runs');

/** The schedule with its defaults filled in. */
export function scheduleSpec(written: z.output<typeof scheduleSchema>): ScheduleSpec {
  return {
    cron: written.cron.trim(),
    timezone: written.timezone ?? 'UTC',
    overlap: written.overlap ?? 'skip',
    missed: written.missed ?? 'skip',
  };
}

function timezoneProblem(name: string): string | undefined {
  // An offset like +02:00 is no zone, though Intl may take it for one.
  if (/^[A-Za-z]/.test(name) && isTimeZone(name)) return undefined;
  const names = ['UTC', ...Intl.supportedValuesOf('timeZone')];
  const lower = name.slice(0, 64).toLowerCase().replaceAll(' ', '_');
  // People know the city, and not always on which continent it lies.
  const close = names.find((one) => one.toLowerCase().endsWith(`/${lower}`)) ?? nearest(lower, names);
  return `expected a time zone of the IANA database like Europe/Berlin, got ${shown(name)}${close ? `; did you mean "${close}"?` : ''}`;
}

/** Whether a pattern comes at all. It names no year: what does not come after the first moment of all never does. */
function isEver({ next }: CronTimes): boolean {
  try {
    return next(0) !== undefined;
  } catch (error) {
    // Croner looks for a day that several months lack by calling itself for each of them, up to the year 3000.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** What is wrong with a schedule's times: a pattern that is none, a time zone that nobody knows, a time that never comes. */
export function scheduleFindings(schedule: unknown): Finding[] {
  if (typeof schedule !== 'object' || schedule === null || Array.isArray(schedule)) return [];
  const { cron, timezone = 'UTC' } = schedule as { readonly cron?: unknown; readonly timezone?: unknown };
  const findings: Finding[] = [];
  const zoneProblem = typeof timezone === 'string' ? timezoneProblem(timezone) : undefined;
  if (zoneProblem !== undefined) findings.push(badValue(['schedule', 'timezone'], zoneProblem));
  if (typeof cron !== 'string') return findings;
  const path = ['schedule', 'cron'];
  const known = zoneProblem === undefined && typeof timezone === 'string' ? timezone : 'UTC';
  const parsed = parseCron(cron, known);
  if (!parsed.ok) {
    const why = parsed.message.slice(0, 1).toLowerCase() + parsed.message.slice(1);
    findings.push(badValue(path, `expected times like "*/5 * * * *", got ${shown(cron)}: ${why}`));
  } else if (!isEver(parsed)) findings.push(badValue(path, `${shown(cron)} never comes: no month has such a day`));
  return findings;
}
