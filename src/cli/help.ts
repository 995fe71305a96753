/** `--help`: of all commands, and of one. */
import type { Command } from './command.ts';
import { globalSpecs } from './options.ts';
import type { OptionSpec } from './command.ts';
import type { Entry } from './registry.ts';

function section(title: string, rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return ['', `${title}:`, ...rows.map(([left, right]) => `  ${left.padEnd(width)}   ${right}`.trimEnd())];
}

function optionRows(specs: readonly OptionSpec[]): [string, string][] {
  return specs.filter((spec) => !spec.later).map((spec) => [spec.flags.startsWith('--') ? `    ${spec.flags}` : spec.flags, spec.about]);
}

/** The help of one command, with its examples. */
export function commandHelp(command: Command): string {
  const note = command.note === undefined ? [] : [command.note];
  const lines = [`${command.summary[0]!.toUpperCase()}${command.summary.slice(1)}.`, ...note, '', `Usage: cube ${command.usage} [options]`];
  if (command.options.some((spec) => !spec.later)) lines.push(...section('Options', optionRows(command.options)));
  lines.push(...section('Options of every command', optionRows(globalSpecs)));
  lines.push(...section('Examples', command.examples));
  return lines.join('\n');
}

/** The help of the program: every command with a line. */
export function generalHelp(commands: Readonly<Record<string, Entry>>): string {
  const shown = Object.entries(commands).filter(([, entry]) => !entry.hidden);
  return [
    'Cube: a container orchestrator you can see.',
    '',
    'Usage: cube COMMAND [options]',
    ...section(
      'Commands',
      shown.map(([name, entry]) => [name, entry.summary]),
    ),
    ...section('Options of every command', optionRows(globalSpecs)),
    ...section('Examples', [
      ['cube demo', 'watch a job run and end'],
      ['cube up', 'start a node; then, in another terminal:'],
      ['cube init job.yaml && cube submit job.yaml', 'run a first job'],
      ['cube status', 'see where it runs'],
    ]),
    '',
    '`cube COMMAND --help` tells more of each.',
  ].join('\n');
}

/** The same as JSON, for `--help -o json`. */
export function helpJson(command: Command): object {
  const { usage, summary, note, options, examples } = command;
  return {
    usage: `cube ${usage}`,
    summary,
    ...(note === undefined ? {} : { note }),
    options: [...options, ...globalSpecs].filter((spec) => !spec.later).map(({ flags, about }) => ({ flags, about })),
    examples: examples.map(([line, what]) => ({ line, what })),
  };
}
