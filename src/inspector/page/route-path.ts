/** An arrow's way as an SVG path: straight from point to point, with round corners, so that it passes where its label stands. */
import type { Point } from './layout.ts';

/** How far from a point its corner begins to turn, at most. */
const turnMax = 26;

/** A path through the points. */
export function pathOf(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined || rest.length === 0) return '';
  const parts = [`M${at(first)}`];
  for (const [index, point] of rest.entries()) {
    const before = points[index]!;
    const after = rest[index + 1];
    if (after === undefined) parts.push(`L${at(point)}`);
    else parts.push(`L${at(towards(point, before))}`, `Q${at(point)} ${at(towards(point, after))}`);
  }
  return parts.join(' ');
}

/** From a point some way towards another, never past the middle between them. */
function towards(from: Point, to: Point): Point {
  const distance = Math.hypot(to.x - from.x, to.y - from.y);
  const share = distance === 0 ? 0 : Math.min(turnMax, distance / 2) / distance;
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}

function at({ x, y }: Point): string {
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}
