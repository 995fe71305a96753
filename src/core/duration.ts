/** Durations as people write them (`5s`, `1h30m`, `250ms`), in milliseconds. */
import parse from 'parse-duration';

/** Milliseconds, or undefined when the text is no duration. A number without a unit is refused: nobody knows of what. */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === '0') return 0;
  if (!/^(?:\d+(?:\.\d+)?\s*[a-zµ]+\s*)+$/i.test(trimmed)) return undefined;
  // Part by part: of several, the library passes over those whose unit it does not know.
  const parts = trimmed.match(/[\d.]+\s*[a-zµ]+/gi)!.map((part) => parse(part) ?? Number.NaN);
  const ms = parts.reduce((sum, part) => sum + part, 0);
  return Number.isFinite(ms) ? ms : undefined;
}

/** A duration for people, in at most two units: `3m 20s`, `850ms`. */
export function formatDuration(ms: number): string {
  if (Math.round(ms) < 1_000) return `${Math.round(ms)}ms`;
  const units: [string, number][] = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ];
  const parts: string[] = [];
  let rest = Math.round(ms / 1_000) * 1_000;
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}
