/** What a snapshot tells of the transition that led to it. */
import { activePaths, type Chart, type ChartEdge } from '../../core/chart.ts';

/** A value as text, as `cube events` has it: `running.healthy`; a child called `unknown` has nothing to say. */
export function valueText(value: unknown): string {
  const path = activePaths(value).at(-1) ?? '';
  return path.replace(/\.unknown$/, '');
}

/**
 * The edge that an event took. Where several fit, it is the one that starts deepest; where none does (the event made the machine send
 * itself another), it is one between the same states.
 * @returns null when nothing moved
 */
export function takenEdge(chart: Chart, event: string, before: unknown, after: unknown): ChartEdge | null {
  const [from, to] = [activePaths(before), activePaths(after)];
  const isMoved = from.join() !== to.join();
  const fits = chart.edges
    .filter(({ source, target }) => target !== null && to.includes(target) && (source === '' || from.includes(source)))
    .toSorted((a, b) => depth(b) - depth(a));
  const named = fits.find((edge) => edge.event === event && (isMoved || edge.reenter));
  if (named !== undefined) return named;
  return isMoved ? (fits.find(({ target }) => !from.includes(target!)) ?? null) : null;
}

function depth({ source }: ChartEdge): number {
  return source === '' ? 0 : source.split('.').length;
}
