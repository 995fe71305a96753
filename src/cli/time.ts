/** Times and amounts for people, and waiting. */
import { parseDuration } from '../core/duration.ts';
import { problem } from '../core/errors.ts';
import { formatBytes } from '../core/resources.ts';

/** How long ago, in one unit: `12 seconds ago`. */
export function ago(iso: string | null, nowMs: number): string {
  if (iso === null) return '';
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(iso)) / 1_000));
  const units: [number, string][] = [
    [86_400, 'day'],
    [3_600, 'hour'],
    [60, 'minute'],
  ];
  for (const [size, unit] of units) {
    const count = Math.floor(seconds / size);
    if (count > 0) return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
  }
  return seconds === 0 ? 'now' : `${seconds} second${seconds === 1 ? '' : 's'} ago`;
}

/** The time of day with milliseconds, in the user's zone. */
export function clockTime(iso: string): string {
  const at = new Date(iso);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

/** `1.5 GiB/24 GiB`, or a dash where a node has none. */
export function shareOfBytes(used: number, of: number): string {
  return `${formatBytes(used)}/${formatBytes(of)}`;
}

/** Cores with at most two digits: `0.5`, `2`. */
export function cores(count: number): string {
  return String(Number(count.toFixed(2)));
}

/**
 * A moment from what people write: `5m` (that long ago) or an ISO 8601 time.
 * @returns ms since the epoch
 * @throws CubeError `usage`
 */
export function parseSince(text: string, nowMs: number): number {
  const durationMs = parseDuration(text);
  if (durationMs !== undefined) return nowMs - durationMs;
  const at = /^\d{4}-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw problem('usage', `--since takes a duration (5m) or a time (2026-01-31T12:00:00Z), not "${text}"`);
  return at;
}

/** Settles after a time, or at once when the signal fires. Never rejects. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}
