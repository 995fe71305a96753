/** A plan for people: what changes, grouped, where each task goes and why, and what differs in the job. */
import { formatDuration } from '../core/duration.ts';
import type { PlanAction, PlannedChange } from '../core/job-plan.ts';
import { formatBytes } from '../core/resources.ts';
import type { SpecChange } from '../core/spec-diff.ts';
import { counted } from '../core/text.ts';
import type { PlanJson } from '../core/views.ts';
import type { Paint } from './output.ts';
import { alignTable, tame } from './table.ts';
import type { Cell, Tone } from './table.ts';

const signs: Readonly<Record<PlanAction, readonly [sign: string, tone: Tone]>> = {
  place: ['+', 'good'],
  update: ['~', 'busy'],
  stop: ['-', 'bad'],
  keep: ['=', 'dim'],
};

const verdicts: Readonly<Record<PlanJson['change'], string>> = {
  created: 'would be new',
  updated: 'would change',
  started: 'would start again',
  unchanged: 'would not change',
};

/** Slots that share what a text makes of them, by that text; in the order in which they come. */
function grouped<T extends { readonly slot: string }>(all: readonly T[], key: (one: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const text = `${one.slot.slice(0, one.slot.lastIndexOf('.'))} ${key(one)}`;
    const group = groups.get(text);
    if (group) group.push(one);
    else groups.set(text, [one]);
  }
  return [...groups.values()];
}

/** Slots of one task in short: `shop/web.1-3,5`. */
export function slotsText(slots: readonly string[]): string {
  const at = slots[0]!.lastIndexOf('.') + 1;
  const ranges: [number, number][] = [];
  for (const index of slots.map((slot) => Number(slot.slice(at))).toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && index === last[1] + 1) last[1] = index;
    else ranges.push([index, index]);
  }
  return slots[0]!.slice(0, at) + ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

function nodeText({ action, node, from }: PlannedChange): string {
  if (action !== 'update' || from === undefined || from === node) return node ?? '(nowhere)';
  return `${from ?? '(nowhere)'} -> ${node ?? '(nowhere)'}`;
}

function changeRow(group: readonly PlannedChange[]): Cell[] {
  const [first] = group;
  const slots = slotsText(group.map(({ slot }) => slot));
  return [signs[first!.action], slots, nodeText(first!), first!.reason];
}

/** A value of a spec as a job file would say it, as far as its key tells how. */
function valueText(value: unknown, path: string): string {
  if (typeof value === 'number' && path.endsWith('Bytes')) return formatBytes(value);
  if (typeof value === 'number' && /Ms(?:Max)?$/.test(path)) return formatDuration(value);
  // A constraint, as its user wrote it.
  if (Array.isArray(value)) return `[${value.map((one: unknown) => textOf(one) ?? JSON.stringify(one)).join(', ')}]`;
  return JSON.stringify(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string' ? value.text : undefined;
}

/** A task that is all new or all gone has too many values for one line: what people know it by is enough. */
function wholeText(value: unknown, path: string): string {
  if (!/^tasks(?:\.[^.]+|\[.*\])$/.test(path) || typeof value !== 'object' || value === null) return valueText(value, path);
  const { image, count } = value as { readonly image?: unknown; readonly count?: unknown };
  return `${counted(Number(count), 'instance')} of ${String(image)}`;
}

/** A line of what differs. */
export function differenceText({ path, from, to }: SpecChange, paint: Paint): string {
  if (from === null) return `  ${paint('+', 'good')} ${tame(`${path}: ${wholeText(to, path)}`)}`;
  if (to === null) return `  ${paint('-', 'bad')} ${tame(`${path}: ${wholeText(from, path)}`)}`;
  return `  ${paint('~', 'busy')} ${tame(`${path}: ${valueText(from, path)} -> ${valueText(to, path)}`)}`;
}

function unplacedLines({ unplaced }: PlanJson, paint: Paint): string[] {
  const groups = grouped(unplaced, ({ reasons }) => JSON.stringify(reasons));
  return groups.flatMap((group) => {
    const { reasons } = group[0]!;
    const head = `  ${paint(slotsText(group.map(({ slot }) => slot)), 'bad')}`;
    return [
      head,
      ...reasons.map(({ filter, nodes, detail }) => tame(`    ${nodes === 0 ? '' : `${counted(nodes, 'node')}: `}${filter}: ${detail}`)),
    ];
  });
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines];
}

/**
 * Lines for people.
 * @param all whether slots that stay as they are get lines too; else they are counted
 */
export function planLines(plan: PlanJson, paint: Paint, all: boolean): string[] {
  const { job, change, changes } = plan;
  const order: readonly PlanAction[] = all ? ['place', 'update', 'stop', 'keep'] : ['place', 'update', 'stop'];
  const counts = Object.keys(signs).map((action) => [action, changes.filter((one) => one.action === action).length] as const);
  const some = counts.filter(([, count]) => count > 0).map(([action, count]) => `${count} to ${action}`);
  const rows = order.flatMap((action) =>
    grouped(
      changes.filter((one) => one.action === action),
      ({ node, from, reason }) => JSON.stringify([node, from, reason]),
    ).map(changeRow),
  );
  const kept = changes.length - changes.filter(({ action }) => order.includes(action)).length;
  return [
    `${paint(job, 'strong')} ${verdicts[change]}${some.length === 0 ? '' : `: ${some.join(', ')}`}`,
    ...section('what becomes of its slots:', rows.length === 0 ? [] : alignTable(['', 'SLOT', 'NODE', 'WHY'], rows, paint)),
    ...(kept > 0 ? [paint(`= ${counted(kept, 'slot')} ${kept === 1 ? 'stays as it is' : 'stay as they are'}`, 'dim')] : []),
    ...section(
      'stopped to make room:',
      plan.preempted.map(({ slot, node, reason }) => tame(`  ${slot} on ${node ?? '(nowhere)'}: ${reason}`)),
    ),
    ...section(
      'what differs:',
      plan.diff.map((one) => differenceText(one, paint)),
    ),
    ...section('no node can take now:', unplacedLines(plan, paint)),
  ];
}
