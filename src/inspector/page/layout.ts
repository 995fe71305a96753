/** Where a chart's states and arrows lie: laid out by dagre, level by level, since a state with children is a drawing of its own. */
import { Graph, layout } from '@dagrejs/dagre';
import type { Chart, ChartState } from '../../core/chart.ts';
import type { Arrow, ArrowLine, Arrows } from './arrows.ts';

/** A point, in the drawing's units (CSS pixels at scale 1). */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A state as a box: its upper left corner and size. */
export interface Box extends Point {
  readonly state: ChartState;
  readonly width: number;
  readonly height: number;
  readonly isInitial: boolean;
}

/** An arrow, and the box around its text. */
export interface Route {
  readonly arrow: Arrow;
  readonly points: readonly Point[];
  readonly label: Point & { readonly width: number; readonly height: number };
}

/** A chart laid out. Boxes come before those inside of them. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly routes: readonly Route[];
}

/** Which way time flows. */
export type Direction = 'TB' | 'LR';

/** Sizes; text is set in a fixed-width face, so that its width is known without measuring. */
export const metrics = {
  nameChar: 7.6,
  /** Of the dot before the name of the first state. */
  startWidth: 13,
  lineChar: 6.1,
  lineHeight: 14,
  boxPadding: 11,
  boxHeight: 32,
  boxHeightWithNote: 46,
  headHeight: 30,
  labelPadding: 4,
} as const;

const directions: readonly Direction[] = ['TB', 'LR'];

/** Lays a chart out in several ways, of which the one that fits its place best is to be shown. */
export function layOut(chart: Chart, arrows: Arrows): readonly Drawing[] {
  const root = chart.states.get('');
  if (root === undefined || root.children.length === 0) return [];
  const isNested = [...chart.states.values()].some(({ parent, children }) => parent !== null && children.length > 0);
  const ways = directions.flatMap((outer) => (isNested ? directions : [outer]).map((inner) => ({ outer, inner })));
  return ways.map(({ outer, inner }) => layLevel({ chart, arrows, inner }, outer, root));
}

interface Plan {
  readonly chart: Chart;
  readonly arrows: Arrows;
  /** Which way time flows inside of states. */
  readonly inner: Direction;
}

/** What is written below a state's name: what runs in it. */
export function noteOf({ invokes }: ChartState): string {
  return invokes.length === 0 ? '' : `runs ${invokes.join(', ')}`;
}

function layLevel(plan: Plan, direction: Direction, parent: ChartState): Drawing {
  const { chart, arrows } = plan;
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: direction, nodesep: 22, ranksep: 26, edgesep: 12, marginx: 8, marginy: 8 });
  const inner = new Map<string, Drawing>();
  for (const path of parent.children) {
    const state = chart.states.get(path)!;
    const drawing = state.children.length === 0 ? undefined : layLevel(plan, plan.inner, state);
    if (drawing !== undefined) inner.set(path, drawing);
    graph.setNode(path, sizeOf(state, drawing, parent.initial === path));
  }
  const level = arrows.drawn.filter(({ scope }) => scope === parent.path);
  for (const arrow of level) graph.setEdge(arrow.source, arrow.target, { ...labelSize(arrow.lines), labelpos: 'c', minlen: 1 }, 'arrow');
  for (const [source, target] of anchors(plan, parent, level)) graph.setEdge(source, target, { width: 0, height: 0, weight: 0 }, 'anchor');
  layout(graph);
  const boxes: Box[] = [];
  const routes = level.map((arrow) => routeOf(graph, arrow));
  for (const path of parent.children) {
    const state = chart.states.get(path)!;
    const { x, y, width, height } = graph.node(path) as Required<Point> & { width: number; height: number };
    const box: Box = { state, x: x - width / 2, y: y - height / 2, width, height, isInitial: parent.initial === path };
    boxes.push(box);
    const drawing = inner.get(path);
    if (drawing === undefined) continue;
    const left = box.x + (width - drawing.width) / 2;
    boxes.push(...drawing.boxes.map((one) => moved(one, left, box.y + metrics.headHeight)));
    routes.push(...drawing.routes.map((one) => movedRoute(one, left, box.y + metrics.headHeight)));
  }
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return { width, height, boxes, routes };
}

/** Invisible edges to states that no arrow leads to: without them they would stand at the beginning. */
function anchors({ chart, arrows }: Plan, parent: ChartState, level: readonly Arrow[]): [string, string][] {
  const led = new Set(level.filter(({ source, target }) => source !== target).map(({ target }) => target));
  const ends = level.filter(({ target }) => chart.states.get(target)?.isFinal).map(({ source }) => source);
  const second = level.find(({ source }) => source === parent.initial)?.target ?? parent.initial;
  return parent.children.flatMap((path): [string, string][] => {
    if (led.has(path) || path === parent.initial) return [];
    // Where it comes from most naturally, but for states that it leads on to: those stand after it.
    const sources = (arrows.listed.find(({ target }) => target === path)?.sources ?? []).filter(
      (source) => !level.some((arrow) => arrow.source === path && arrow.target === source),
    );
    const middle = sources[Math.floor(sources.length / 2)];
    const near = middle !== undefined && parent.children.includes(middle) ? middle : second;
    const from = chart.states.get(path)!.isFinal ? (mostFrequent(ends) ?? near) : near;
    return from === null || from === path ? [] : [[from, path]];
  });
}

function mostFrequent(words: readonly string[]): string | undefined {
  const count = (word: string): number => words.filter((other) => other === word).length;
  return words.toReversed().toSorted((a, b) => count(b) - count(a))[0];
}

function sizeOf(state: ChartState, inner: Drawing | undefined, isInitial: boolean): { width: number; height: number } {
  const note = noteOf(state);
  const name = state.name.length * metrics.nameChar + (isInitial ? metrics.startWidth : 0);
  const width = Math.max(name, note.length * metrics.lineChar) + 2 * metrics.boxPadding;
  if (inner === undefined) return { width: Math.max(64, width), height: note === '' ? metrics.boxHeight : metrics.boxHeightWithNote };
  const head = name + 2 * metrics.nameChar + note.length * metrics.lineChar + 2 * metrics.boxPadding;
  return { width: Math.max(head, inner.width), height: inner.height + metrics.headHeight };
}

function labelSize(lines: readonly ArrowLine[]): { width: number; height: number } {
  const longest = Math.max(...lines.map(({ text }) => text.length));
  return { width: longest * metrics.lineChar + 2 * metrics.labelPadding, height: lines.length * metrics.lineHeight };
}

function routeOf(graph: Graph, arrow: Arrow): Route {
  const edge = graph.edge(arrow.source, arrow.target, 'arrow') as Required<Point> & { points: Point[]; width: number; height: number };
  const { x, y, width, height, points } = edge;
  const label = { x: x - width / 2, y: y - height / 2, width, height };
  if (arrow.source !== arrow.target) return { arrow, points, label };
  return loopOf(arrow, graph.node(arrow.source) as Required<Point> & { width: number; height: number }, label);
}

/** An arrow back to where it came from: beside its box, or below it where that is where dagre made room. */
function loopOf(arrow: Arrow, box: Required<Point> & { width: number; height: number }, label: Route['label']): Route {
  const isBeside = Math.abs(label.x + label.width / 2 - box.x) / box.width > Math.abs(label.y + label.height / 2 - box.y) / box.height;
  const [edge, reach] = isBeside ? [box.x + box.width / 2, 22] : [box.y + box.height / 2, 18];
  const turn = (along: number, out: number): Point =>
    isBeside ? { x: edge + out, y: box.y + along } : { x: box.x + along, y: edge + out };
  const points = [turn(-7, 0), turn(-9, reach * 0.7), turn(0, reach), turn(9, reach * 0.7), turn(7, 0)];
  const placed = isBeside ? { x: edge + reach - 2, y: box.y - label.height / 2 } : { x: box.x - label.width / 2, y: edge + reach };
  return { arrow, points, label: { ...label, ...placed } };
}

function moved<T extends Point>(one: T, x: number, y: number): T {
  return { ...one, x: one.x + x, y: one.y + y };
}

function movedRoute({ arrow, points, label }: Route, x: number, y: number): Route {
  return { arrow, points: points.map((point) => moved(point, x, y)), label: moved(label, x, y) };
}
