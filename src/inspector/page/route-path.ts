/** An arrow's way as an SVG path: through its points, rounded in between. */
import type { Point } from './layout.ts';

/** A path through the points: straight at both ends, with a curve around each point between. */
export function pathOf(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const last = rest.at(-1);
  if (first === undefined || last === undefined) return '';
  const parts = [`M${at(first)}`];
  for (const [index, point] of rest.slice(0, -1).entries()) {
    const next = rest[index + 1]!;
    const end = next === last ? last : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    parts.push(`Q${at(point)} ${at(end)}`);
  }
  if (rest.length === 1) parts.push(`L${at(last)}`);
  return parts.join(' ');
}

function at({ x, y }: Point): string {
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}
