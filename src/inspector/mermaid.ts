/** Machines as Mermaid's `stateDiagram-v2`, for Markdown. */
import type { Chart, ChartEdge, ChartState } from '../core/chart.ts';

/** The pseudo-state from which the machine's own transitions are drawn: they are taken in every state. */
const anyState = 'any_state';

/** A diagram of nested states, with final ones and labelled edges. Transitions that change no state are left out. */
export function mermaidOf(chart: Chart): string {
  const root = chart.states.get('')!;
  const edges = [...gathered(chart.edges)];
  const lines = ['stateDiagram-v2', ...statesIn(chart, root, '  ')];
  const everywhere = edges.filter(({ source }) => source === '');
  if (everywhere.length > 0) lines.push(`  state "in any state" as ${anyState}`);
  for (const { source, target, labels } of edges) {
    lines.push(`  ${source === '' ? anyState : idOf(source)} --> ${idOf(target)} : ${labels.join(', ')}`);
  }
  for (const state of chart.states.values()) if (state.isFinal && state.parent === '') lines.push(`  ${idOf(state.path)} --> [*]`);
  return `${lines.join('\n')}\n`;
}

function statesIn(chart: Chart, parent: ChartState, indent: string): string[] {
  const lines = parent.initial === null ? [] : [`${indent}[*] --> ${idOf(parent.initial)}`];
  for (const path of parent.children) {
    const state = chart.states.get(path)!;
    if (state.children.length === 0) lines.push(`${indent}state "${state.name}" as ${idOf(path)}`);
    else lines.push(`${indent}state "${state.name}" as ${idOf(path)} {`, ...statesIn(chart, state, `${indent}  `), `${indent}}`);
    if (state.isFinal && parent.path !== '') lines.push(`${indent}${idOf(path)} --> [*]`);
  }
  return lines;
}

/** Edges with the same ends become one with several labels. */
function gathered(edges: readonly ChartEdge[]): Iterable<{ source: string; target: string; labels: string[] }> {
  const byEnds = new Map<string, { source: string; target: string; labels: string[] }>();
  for (const { source, target, label, guard } of edges) {
    if (target === null) continue;
    const ends = `${source} ${target}`;
    const text = safe(guard === null ? label : `${label} [${guard}]`);
    const edge = byEnds.get(ends);
    if (edge === undefined) byEnds.set(ends, { source, target, labels: [text] });
    else if (!edge.labels.includes(text)) edge.labels.push(text);
  }
  return byEnds.values();
}

/** Diagram ids are words. */
function idOf(path: string): string {
  return path.replaceAll(/\W/g, '_');
}

/** Colons and semicolons end a label. */
function safe(label: string): string {
  return label.replaceAll(/[:;\n]/g, ' ');
}
