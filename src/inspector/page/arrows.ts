/** Which edges of a chart are drawn as arrows, and which are listed beside it: an edge from everywhere would be an arrow from everywhere. */
import type { Chart, ChartEdge } from '../../core/chart.ts';

/** Sources from which one event must lead to one state to be listed. */
const manySources = 4;

/** An edge that is listed: from all states, or from many. */
export interface ListedEdge {
  readonly event: string;
  readonly label: string;
  /** Null for an event that is taken everywhere and changes no state. */
  readonly target: string | null;
  /** Paths; empty: from any state. */
  readonly sources: readonly string[];
  readonly actions: readonly string[];
}

/** One event on an arrow. */
export interface ArrowLine {
  readonly edge: ChartEdge;
  readonly text: string;
}

/** All edges between two states of one level, as one arrow. */
export interface Arrow {
  readonly source: string;
  readonly target: string;
  /** The state around both. */
  readonly scope: string;
  readonly lines: readonly ArrowLine[];
}

/** The edges of a chart, sorted out. */
export interface Arrows {
  readonly drawn: readonly Arrow[];
  readonly listed: readonly ListedEdge[];
}

/** Sorts the edges of a chart out. An edge that crosses levels is drawn between the states of the level where its ends part. */
export function arrowsOf(chart: Chart): Arrows {
  const bundles = new Map<string, ChartEdge[]>();
  for (const edge of chart.edges) {
    if (edge.source !== '' && edge.target === null) continue;
    const key = edge.source === '' ? `${edge.label} ${edge.target} *` : `${edge.label} ${edge.target} ${scopeOf(chart, edge)}`;
    bundles.set(key, [...(bundles.get(key) ?? []), edge]);
  }
  const listed: ListedEdge[] = [];
  const drawn = new Map<string, { source: string; target: string; scope: string; lines: ArrowLine[] }>();
  for (const edges of bundles.values()) {
    const [first] = edges as [ChartEdge];
    const sources = [...new Set(edges.map(({ source }) => source))];
    if (first.source === '' || sources.length >= manySources) {
      const { event, label, target, actions } = first;
      listed.push({ event, label, target, sources: first.source === '' ? [] : sources, actions });
    } else for (const edge of edges) draw(chart, edge, drawn);
  }
  return { drawn: [...drawn.values()], listed };
}

/** The listed edge that an edge belongs to, if it is listed. */
export function listedFor({ listed }: Arrows, edge: ChartEdge): ListedEdge | undefined {
  return listed.find(
    ({ event, target, sources }) =>
      event === edge.event && target === edge.target && (edge.source === '' ? sources.length === 0 : sources.includes(edge.source)),
  );
}

function draw(
  chart: Chart,
  edge: ChartEdge,
  drawn: Map<string, { source: string; target: string; scope: string; lines: ArrowLine[] }>,
): void {
  const scope = scopeOf(chart, edge);
  const [source, target] = [within(scope, edge.source), within(scope, edge.target!)];
  const from = edge.source === source ? '' : `${edge.source.slice(source.length + 1)}: `;
  const into = edge.target === target ? '' : ` → ${edge.target!.slice(target.length + 1)}`;
  const text = `${from}${edge.label}${edge.guard === null ? '' : ` [${edge.guard}]`}${into}`;
  const key = `${source} ${target}`;
  const arrow = drawn.get(key) ?? { source, target, scope, lines: [] };
  if (!arrow.lines.some((line) => line.text === text)) arrow.lines.push({ edge, text });
  drawn.set(key, arrow);
}

/** The innermost state that has both ends in it, in different children; for an edge to itself or to its inside, the state around it. */
function scopeOf(chart: Chart, { source, target }: ChartEdge): string {
  const [from, to] = [source.split('.'), (target ?? '').split('.')];
  let same = 0;
  while (same < from.length - 1 && same < to.length - 1 && from[same] === to[same]) same++;
  const scope = from.slice(0, same).join('.');
  return chart.states.has(scope) ? scope : '';
}

/** The child of a scope that a path is or lies in. */
function within(scope: string, path: string): string {
  const depth = scope === '' ? 1 : scope.split('.').length + 1;
  return path.split('.').slice(0, depth).join('.');
}
