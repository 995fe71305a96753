/** How `cube history` shows the versions of a job: lines for people. */
import type { DeploymentState } from '../core/deployment.ts';
import type { VersionJson } from '../core/deployment-view.ts';
import type { SpecChange } from '../core/spec-diff.ts';
import type { Paint } from './output.ts';
import { differenceText } from './plan-view.ts';
import { alignTable, fitTable, shortened } from './table.ts';
import type { Cell, Tone } from './table.ts';
import { ago } from './time.ts';

/** How lines are made. */
export interface HistoryOptions {
  readonly nowMs: number;
  readonly paint: Paint;
  /** Each difference with its values, under its version. */
  readonly diff: boolean;
  readonly columns?: number | undefined;
}

const tones: Readonly<Record<DeploymentState, Tone>> = {
  rolling: 'busy',
  awaitingPromotion: 'busy',
  paused: 'bad',
  succeeded: 'good',
  failed: 'bad',
  superseded: 'dim',
};

/** Characters of a cause in the table: with `--diff` and in JSON it is whole. */
const causeCharsMax = 60;

/** Paths named in one line of the table. */
const pathsShown = 3;

/** What a version changed, in short: `tasks.web.image, tasks.web.env.MODE`. */
function changesText(diff: readonly SpecChange[]): string {
  const shown = diff.slice(0, pathsShown).map(({ path }) => path);
  const more = diff.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function rowOf(version: VersionJson, isFirst: boolean, { nowMs, diff: isWhole }: HistoryOptions): Cell[] {
  const { createdAt, state, cause, diff, isCurrent } = version;
  return [
    [`${isCurrent ? '*' : ' '} ${version.version}`, isCurrent ? 'strong' : 'dim'],
    ago(createdAt, nowMs),
    state === null ? '' : [state, tones[state] ?? 'dim'],
    isWhole ? cause : shortened(cause, causeCharsMax),
    // The oldest one differs from nothing that is known.
    isFirst ? '' : changesText(diff),
  ];
}

/** A line a version, the newest first; the current one is marked. */
export function historyLines(versions: readonly VersionJson[], options: HistoryOptions): string[] {
  const { paint, diff, columns } = options;
  const oldest = versions.length - 1;
  const rows = versions.map((version, place) => rowOf(version, place === oldest, options));
  const [titles, fitting] = fitTable(['  VERSION', 'CREATED', 'STATE', 'CAUSE', 'CHANGES'], rows, diff ? undefined : columns);
  const [head, ...lines] = alignTable(titles, fitting, paint);
  if (!diff) return [head!, ...lines];
  const under = ({ reason, diff: changes }: VersionJson, place: number): string[] => [
    ...(reason === null ? [] : [`      ${paint(reason, 'bad')}`]),
    ...(place === oldest ? [] : changes.map((one) => `    ${differenceText(one, paint)}`)),
  ];
  return [head!, ...versions.flatMap((version, place) => [lines[place]!, ...under(version, place)])];
}
